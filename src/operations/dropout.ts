/** Dropout. */

import { defineOperation } from "../engine/operation.ts";
import { ValueError } from "../support/errors.ts";
import { random } from "../kernels/kernel.ts";
import { openStep, record } from "../engine/recording.ts";
import { chooseRandom, defaultRandom, type Random } from "../random/random.ts";
import { describe, type Shape, sizeOf } from "../support/shape.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { identity } from "./broadcasting.ts";
import { checkCall } from "./check.ts";
import { defineElementwise } from "./elementwise.ts";

/** Input: the key and counter of the generator in halves of 16 bits. Attributes: the shape. */
const uniformOperation = defineOperation({
  name: "uniform",
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

const drop = defineElementwise("dropout", (x, u, p) => u.less(p).where(0, x.div(p.sub(1).neg())));

/**
 * Inverted dropout (Srivastava et al. 2014): inside `grad` each element is 0 with probability p, and the others are
 * divided by 1 − p; anywhere else it is the identity.
 * @param p from 0 to less than 1
 * @param generator the default one, set by `seed`, unless given
 */
export function dropout(x: Variable, p: number, generator?: Random): Variable {
  checkCall("dropout", arguments, 3);
  if (!(typeof p === "number" && p >= 0 && p <= 1 - 2 ** -24)) {
    throw new ValueError(`dropout takes the share that is dropped, from 0 to less than 1, but got ${describe(p)}${p === 1 ? ": nothing would be left" : ""}.`);
  }
  const random = chooseRandom("dropout", generator);
  if (p === 0 || openStep()?.isTraining !== true) return identity(x);
  // The same number on every device, so that all drop the same elements.
  return drop(x, uniform(x.shape, random), Math.fround(p));
}
