/** Layer normalisation: each row shifted and scaled to mean 0 and variance 1. */

import { defineOperation } from "../engine/operation.ts";
import { checkNumber } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { formatShape } from "../support/shape.ts";
import { argument, type Expr } from "../kernels/expression.ts";
import { type Per, row, type RowKernel, type RowStage } from "../kernels/kernel.ts";
import { record } from "../engine/recording.ts";
import type { Variable } from "../engine/variable.ts";
import { add, mul, neg, recip, sqrt, sub } from "./arithmetic.ts";
import { sumTo } from "./broadcasting.ts";
import { checkCall, checkVariable } from "./check.ts";
import { mean } from "./reduction.ts";

// What both kernels begin with: x [rows…, n], then n and epsilon, which all rows share.
const x = argument(0);
const n = argument(1);
const epsilon = argument(2);
const shared: readonly Per[] = ["element", "row", "row"];

interface Normalization {
  /** Σ x and Σ x², then Σ of near and of its square. */
  readonly stages: RowStage[];
  /** x less its mean, which has been rounded, times a power of 2; `rest` is the mean of what that leaves. */
  readonly near: Expr;
  readonly rest: Expr;
  /** 1 / √(variance + epsilon), for near. */
  readonly perNear: Expr;
  /** x̂, and 1 / √(variance + epsilon). */
  readonly normalized: Expr;
  readonly perDeviation: Expr;
}

/** What both kernels compute first. In a row far from 0 the rounding of the mean is no little, beside its deviation; it is found in the second pass. */
function normalization(inputs: number): Normalization {
  const [sum, sumSquares, sumNear, sumNearSquares] = Array.from({ length: 4 }, (_, i) => argument(inputs + i));
  // Where squares might overflow, all is made smaller by a power of 2, which leaves the digits as they are.
  const isLarge = sumSquares.greater(2 ** 112);
  const scale = isLarge.where(2 ** -80, 1);
  const centred = x.sub(sum.abs().less(Number.POSITIVE_INFINITY).where(sum.div(n), 0));
  const near = centred.mul(scale);
  const rest = sumNear.div(n);
  const variance = sumNearSquares.div(n).sub(rest.mul(rest)).maximum(0);
  // What rounding leaves of a constant row must not count as its deviation; nor may it be divided by 0 where epsilon has become too small.
  const rounding = rest.mul(2 ** -12);
  const least = epsilon.mul(scale).mul(scale).maximum(isLarge.where(2 ** -126, 0));
  const perNear = variance.add(rounding.mul(rounding)).add(least).sqrt().recip();
  const perDeviation = perNear.mul(scale);
  const stages: RowStage[] = [x, x.mul(x), near, near.mul(near)].map((value) => ({ reduce: "sum", value }));
  return { stages, near, rest, perNear, normalized: centred.sub(rest.div(scale)).mul(perDeviation), perDeviation };
}

/** x̂, x̂·gain or x̂·gain + bias, whichever there are. */
function forwardKernel(more: 0 | 1 | 2): RowKernel {
  const inputs = shared.length + more;
  const { stages, normalized } = normalization(inputs);
  const scaled = more === 0 ? normalized : normalized.mul(argument(3));
  return row([...shared, ...Array<Per>(more).fill("element")], stages, [{ per: "element", value: more === 2 ? scaled.add(argument(4)) : scaled }]);
}

/** (h − mean h − x̂·mean(h·x̂)) / deviation, for the gradient g alone or multiplied by gain as h. */
function backwardKernel(more: 1 | 2): RowKernel {
  const inputs = shared.length + more;
  const { stages, near, rest, perNear, normalized, perDeviation } = normalization(inputs);
  const h = more === 1 ? argument(3) : argument(3).mul(argument(4));
  stages.push({ reduce: "sum", value: h }, { reduce: "sum", value: h.mul(near) });
  const [sumH, sumProduct] = [argument(inputs + 4), argument(inputs + 5)];
  const meanProduct = sumProduct.sub(rest.mul(sumH)).mul(perNear).div(n);
  const value = h.sub(sumH.div(n)).sub(normalized.mul(meanProduct)).mul(perDeviation);
  return row([...shared, ...Array<Per>(more).fill("element")], stages, [{ per: "element", value }]);
}

const forward = ([0, 1, 2] as const).map(forwardKernel);
const backward = ([1, 2] as const).map(backwardKernel);

/**
 * Inputs: x, n, epsilon, the gradient of the result, and perhaps gain. The Jacobian J of x̂ by x is symmetric: without gain this is J·g.
 * With it, h = g·gain: J·h.
 */
const gradientOperation = defineOperation({
  name: "layerNorm′",
  lower: (lowering, node) => lowering.row(node, backward[lowering.trace.inputCount(node) - 4]),
  reverse: (k) => k === 1 || k === 2 ? null : (v, node) => {
    const [x, n, epsilon, g] = [node.input(0), node.input(1), node.input(2), node.input(3)];
    const gain = node.inputCount === 5 ? node.input(4) : null;
    const jv = record(gradientOperation, node.shape, [x, n, epsilon, v]);
    if (k === 3) return gain === null ? jv : mul(jv, gain);
    if (k === 4) return sumTo(mul(jv, g), node.inputShape(4));
    // v·J·h = (Σ v·h − n·mean v·mean h − n·mean(v·x̂)·mean(h·x̂)) / deviation, by x.
    const jh = node.output;
    const h = gain === null ? g : mul(g, gain);
    const normalized = record(layerNormOperation, node.shape, [x, n, epsilon]);
    const over = (y: Variable): Variable => mean(y, -1, true);
    const centred = sub(x, over(x));
    const perDeviation = recip(sqrt(add(over(mul(centred, centred)), epsilon)));
    const crosswise = add(mul(jh, over(mul(v, normalized))), mul(jv, over(mul(h, normalized))));
    return neg(mul(add(mul(normalized, over(mul(v, jh))), crosswise), perDeviation));
  },
});

/** Inputs: x [rows…, n], n, epsilon, and perhaps gain, and perhaps bias: each [n], or gain of the shape of x. */
const layerNormOperation = defineOperation({
  name: "layerNorm",
  lower: (lowering, node) => lowering.row(node, forward[lowering.trace.inputCount(node) - 3]),
  reverse: (k) => k === 1 || k === 2 ? null : (gradient, node) => {
    if (k === 4) return sumTo(gradient, node.inputShape(4));
    const inputs = [node.input(0), node.input(1), node.input(2), gradient];
    // gain multiplies x̂, so its gradient is g·x̂: what gain itself would be, had it been g.
    if (k === 3) return sumTo(record(layerNormOperation, node.shape, inputs), node.inputShape(3));
    return record(gradientOperation, node.shape, node.inputCount > 3 ? [...inputs, node.input(3)] : inputs);
  },
});

/**
 * Layer normalisation (Ba, Kiros & Hinton, arXiv:1607.06450) over the last axis: (x − mean) / √(variance + epsilon) · gain + bias. The
 * variance is the mean square of what x differs from its mean.
 * @param x [..., n]
 * @param gain [n]; 1 unless given
 * @param bias [n]; 0 unless given
 * @param epsilon at least 0; keeps a constant row from being divided by 0
 * @returns [..., n]
 * @throws ShapeError; ValueError for an epsilon that is not such a number
 * @example
 * layerNorm(input([[1, 3], [10, 30]])).toArray(); // [[-1.000, 1.000], [-1.000, 1.000]]
 * layerNorm(input([1, 3]), input([2, 2]), input([5, 5])).toArray(); // [3.000, 7.000]
 */
export function layerNorm(x: Variable, gain: Variable | null = null, bias: Variable | null = null, epsilon = 1e-5): Variable {
  checkCall("layerNorm", arguments, 4);
  checkNumber("layerNorm", "epsilon", epsilon, 0);
  if (x.shape.length === 0) throw new ShapeError("layerNorm takes x with at least one axis, [..., n], but got a scalar.");
  const n = x.shape[x.shape.length - 1];
  if (gain !== null) checkVector("gain", gain, x, n);
  if (bias !== null) checkVector("bias", bias, x, n);
  if (gain === null) {
    const normalized = record(layerNormOperation, x.shape, [x, n, epsilon]);
    return bias === null ? normalized : add(normalized, bias);
  }
  return record(layerNormOperation, x.shape, bias === null ? [x, n, epsilon, gain] : [x, n, epsilon, gain, bias]);
}

function checkVector(name: string, vector: Variable, x: Variable, n: number): void {
  checkVariable("layerNorm", vector);
  if (vector.shape.length === 1 && vector.shape[0] === n) return;
  throw new ShapeError(
    `layerNorm got x ${formatShape(x.shape)} and ${name} ${formatShape(vector.shape)}: ` +
      `${name} must have shape [${n}], one number for each element of the last axis.`,
  );
}
