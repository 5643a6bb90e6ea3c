/** The tables together. What each file of src/operations/ exports needs an entry, and what is elementwise its slopes: without, this does not compile. */

import type * as activationFile from "../../../src/operations/activation.ts";
import type * as arithmeticFile from "../../../src/operations/arithmetic.ts";
import type * as exported from "../../../src/operations/index.ts";
import type * as whereFile from "../../../src/operations/where.ts";
import type { Elementwise, Entry } from "../entry.ts";
import { entries as activation } from "./activation.ts";
import { entries as arithmetic } from "./arithmetic.ts";
import { entries as categorical } from "./categorical.ts";
import { entries as clip } from "./clip.ts";
import { entries as convolution } from "./convolution.ts";
import { entries as dropout } from "./dropout.ts";
import { entries as gather } from "./gather.ts";
import { entries as gradient } from "./gradient.ts";
import { entries as indexing } from "./indexing.ts";
import { entries as joining } from "./joining.ts";
import { entries as layerNorm } from "./layer-norm.ts";
import { entries as layout } from "./layout.ts";
import { entries as linear } from "./linear.ts";
import { entries as maskedSoftmax } from "./masked-softmax.ts";
import { entries as pooling } from "./pooling.ts";
import { entries as product } from "./product.ts";
import { entries as reduction } from "./reduction.ts";
import { entries as scan } from "./scan.ts";
import { entries as softmax } from "./softmax.ts";
import { entries as uniform } from "./uniform.ts";
import { entries as where } from "./where.ts";

/** Exports that are expressions. */
type Expression = keyof typeof activationFile | keyof typeof arithmeticFile | keyof typeof whereFile;
/** Exports that are no operations on Variables. */
type Other = "arange" | "eye" | "full" | "ones" | "rand" | "randn" | "zeros" | "customGradient" | "elementwise" | "operation";

export const tables = {
  activation, arithmetic, categorical, clip, convolution, dropout, gather, gradient, indexing, joining, "layer-norm": layerNorm, layout, linear,
  "masked-softmax": maskedSoftmax, pooling, product, reduction, scan, softmax, uniform, where,
};

export const entries: Readonly<Record<string, Entry>> = {
  ...activation, ...arithmetic, ...categorical, ...clip, ...convolution, ...dropout, ...gather, ...gradient, ...indexing, ...joining, ...layerNorm,
  ...layout, ...linear, ...maskedSoftmax, ...pooling, ...product, ...reduction, ...scan, ...softmax, ...uniform, ...where,
} satisfies Record<Exclude<keyof typeof exported, Other>, Entry> & Record<Expression, Elementwise>;
