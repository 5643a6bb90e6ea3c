/** Bounds on gradients, as operations of the update's step. */

import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { scalarShape } from "../support/shape.ts";
import { clip as clipValue, lessEqual, minimum, mul, sqrt } from "../operations/arithmetic.ts";
import { elementwise } from "../operations/elementwise.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { normKernel, squaringScale } from "../operations/norm.ts";
import { onRows } from "../operations/rows.ts";
import { where } from "../operations/where.ts";

/** How to bound gradients: all of them together to a Euclidean norm (Pascanu et al., arXiv:1211.5063), or each entry. */
export type Clip = { readonly norm: number } | { readonly value: number };

/** The part of a norm that stands for a large one, negated: so the sum of many is a number of float32, whatever they are. */
const PART = 2 ** -20;
const signedNorm = normKernel((norm, scale) => scale.less(1).where(norm.div(scale.div(-PART)), norm.div(scale)));

/** Makes one number of a whole array. Nobody differentiates an update. */
const signedNormOperation = onRows("norm", signedNorm, () => null);
const unitOf = elementwise("unit", (least) => least.less(0).where(PART, 1));
const inUnit = elementwise("inUnit", (norm, unit) => norm.less(0).where(norm.neg(), norm.mul(unit)));
const scaleOf = elementwise("squaringScale", squaringScale);
const scaledSquare = elementwise("scaledSquare", (x, scale) => x.mul(scale).mul(x.mul(scale)));
const shrunk = elementwise("clipNorm", (g, scale, norm, bound) => g.mul(scale).div(norm).mul(bound));

/** What a user gave as `clip`. */
export function checkClip(caller: string, clip: Clip | null | undefined): Clip | null {
  if (clip === null || clip === undefined) return null;
  const entries = typeof clip === "object" ? Object.entries(clip) : [];
  const [key, bound] = entries[0] ?? [];
  if ((key !== "norm" && key !== "value") || entries.length !== 1) {
    throw new ValueError(
      `${caller} takes clip as { norm: bound } or { value: bound }, but got ` +
        `${typeof clip === "object" ? JSON.stringify(clip) : describe(clip)}.`,
    );
  }
  checkNumber(caller, `clip.${key}`, bound as number, 0);
  return clip;
}

/** The number of a bound, which may change. */
export const boundOf = (clip: Clip | null): number | null => (clip === null ? null : "norm" in clip ? clip.norm : clip.value);

/** The gradients within the bound. The bound is a number of the step: another one runs the same plan. */
export function clipped(clip: Clip | null, gradients: readonly Variable[]): readonly Variable[] {
  if (clip === null) return gradients;
  if ("value" in clip) {
    const bound = clip.value;
    return gradients.map((g) => clipValue(g, -bound, bound));
  }
  const bound = clip.norm;
  const signed = gradients.map((g) => record(signedNormOperation, scalarShape, [g]));
  const unit = unitOf(signed.reduce((a, b) => minimum(a, b)));
  const norms = signed.map((norm) => inUnit(norm, unit));
  const total = (values: readonly Variable[]): Variable => values.reduce((a, b) => a.add(b));
  const squaring = scaleOf(total(norms));
  const norm = sqrt(total(norms.map((each) => scaledSquare(each, squaring))));
  const scale = mul(squaring, unit);
  // As in PyTorch, a NaN is within no bounds and reaches all gradients; an infinity leaves 0 of the others, and a NaN of itself. So both are seen.
  const within = lessEqual(norm, mul(scale, bound));
  const numbers = [scale, norm, bound].map((x) => where(within, 1, x)) as [Variable, Variable, Variable];
  return gradients.map((g) => shrunk(g, ...numbers));
}
