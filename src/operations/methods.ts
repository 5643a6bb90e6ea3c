/** The operations that read well as methods of a Variable. One table gives both their types and their code. */

import { Variable } from "../engine/variable.ts";
import { gelu, relu, sigmoid, softplus, tanh } from "./activation.ts";
import {
  abs, add, clip, cos, div, equal, exp, greater, greaterEqual, less, lessEqual, log, maximum, minimum, mul, neg, notEqual,
  pow, recip, sin, sqrt, sub,
} from "./arithmetic.ts";
import { broadcastTo, identity, reshape, sum } from "./broadcasting.ts";
import { dropout } from "./dropout.ts";
import { detach, gradnorm } from "./gradient.ts";
import { gather } from "./indexing.ts";
import { decat, flip, pad, permute, slice, squeeze, transpose, unsqueeze } from "./layout.ts";
import { dot, matmul, norm2 } from "./product.ts";
import { argmax, argmaxneq, max, mean, min } from "./reduction.ts";
import { cummax, cumprod, cumsum } from "./scan.ts";
import { logSoftmax as logSoftmaxOf, logsumexp, softmax as softmaxOf, wta } from "./softmax.ts";

const softmax = softmaxOf as (x: Variable, axis?: number) => Variable;
const logSoftmax = logSoftmaxOf as (x: Variable, axis?: number) => Variable;

/** Functions whose first argument becomes `this`. */
const table = {
  add, sub, mul, div, neg, recip, pow, abs, exp, log, sqrt, sin, cos, maximum, minimum, clip,
  equal, notEqual, less, lessEqual, greater, greaterEqual,
  tanh, sigmoid, relu, softplus, gelu,
  matmul, dot, norm2,
  sum, mean, max, min, logsumexp, argmax, argmaxneq, softmax, logSoftmax, wta, cumsum, cumprod, cummax,
  reshape, transpose, permute, slice, squeeze, unsqueeze, broadcastTo, flip, pad, decat,
  gather, dropout, gradnorm, detach, identity,
};

type Method<F> = F extends (first: never, ...rest: infer R extends readonly unknown[]) => infer T ? (...rest: R) => T : never;
/** What `Variable` has besides its own members; src/index.ts merges the two. */
export type VariableMethods = { readonly [K in keyof typeof table]: Method<(typeof table)[K]> };

for (const [name, f] of Object.entries(table) as [string, (x: Variable, ...rest: unknown[]) => unknown][]) {
  Object.defineProperty(Variable.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Variable, ...rest: unknown[]) { return f(this, ...rest); },
  });
}
