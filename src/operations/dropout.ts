/** Dropout. */

import type { Operation } from "../engine/operation.ts";
import { ValueError } from "../support/errors.ts";
import { random } from "../kernels/kernel.ts";
import { nextOperationId } from "../plan/trace.ts";
import { record } from "../engine/recording.ts";
import { isTraining } from "../engine/state.ts";
import { chooseRandom, defaultRandom, type Random } from "../random/random.ts";
import { describe, type Shape, sizeOf } from "../support/shape.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { identity } from "./broadcasting.ts";
import { checkCall } from "./check.ts";
import { builtin } from "./elementwise.ts";
import { register } from "./registry.ts";

/** Input: the key and counter of the generator in halves of 16 bits. Attributes: the shape. */
const uniformOperation: Operation = /*#__PURE__*/ register({
  name: "uniform",
  id: /*#__PURE__*/ nextOperationId(),
  lower: (lowering, node) => {
    const value = lowering.define(node);
    if (lowering.size(node) === 0) return;
    lowering.launch(random, node);
    lowering.output(value);
    lowering.input(lowering.trace.input(node, 0));
    lowering.parameter(lowering.size(node));
  },
  reverse: () => null,
});

/** Uniform numbers in [0, 1), drawn on the device: the same on every device for the same state of the generator. */
export function uniform(shape: Shape, generator: Random = defaultRandom()): Variable {
  const { key0, key1, counterLow, counterHigh } = generator.reserve(sizeOf(shape));
  const halves = [key0, key1, counterLow, counterHigh].flatMap((word) => [word & 0xffff, word >>> 16]);
  return record(uniformOperation, shape.slice(), [fromValues(Float32Array.from(halves), [8])], shape);
}

const drop = /*#__PURE__*/ builtin("dropout", (x, u, p) => u.less(p).where(0, x.div(p.sub(1).neg())));

/**
 * Inverted dropout (Srivastava et al. 2014): inside `grad` each element is 0 with probability p, and the others are
 * divided by 1 − p; anywhere else it is the identity.
 * @param p from 0 to less than 1
 * @param generator the default one, set by `seed`, unless given
 * @throws ValueError for another p
 * @example
 * dropout(ones([3]), 0.5).toArray(); // [1, 1, 1]
 * const w = parameter(ones([8]));
 * const { y } = grad(() => {
 *   const y = dropout(w, 0.5);
 *   return { loss: y.sum(), y };
 * });
 * y.toArray<number[]>().every((value) => value === 0 || value === 2); // true
 */
export function dropout(x: Variable, p: number, generator?: Random): Variable {
  checkCall("dropout", arguments, 3);
  if (!(typeof p === "number" && p >= 0 && p <= 1 - 2 ** -24)) {
    throw new ValueError(`dropout takes the share that is dropped, from 0 to less than 1, but got ${describe(p)}${p === 1 ? ": nothing would be left" : ""}.`);
  }
  const random = chooseRandom("dropout", generator);
  if (p === 0 || !isTraining()) return identity(x);
  // The same number on every device, so that all drop the same elements.
  return drop(x, uniform(x.shape, random), Math.fround(p));
}
