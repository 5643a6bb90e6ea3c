/** Random numbers that are drawn where they are used. */

import { defineOperation } from "../engine/operation.ts";
import { record } from "../engine/recording.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { random, randomParameters, writeParameters } from "../kernels/kernel.ts";
import { defaultRandom, type Random } from "../random/random.ts";
import { type Shape, sizeOf } from "../support/shape.ts";

/** Input: the key and counter of the generator in halves of 16 bits. Attributes: the shape. */
const uniformOperation = defineOperation({
  name: "uniform",
  lower: (lowering, node) => {
    const value = lowering.define(node);
    if (lowering.size(node) === 0) return;
    lowering.launch(random, node);
    lowering.output(value);
    lowering.input(lowering.trace.input(node, 0));
    writeParameters(randomParameters, lowering.code, { n: lowering.size(node) });
  },
  reverse: () => null,
});

/** Uniform numbers in [0, 1), drawn on the device: the same on every device for the same state of the generator. */
export function uniform(shape: Shape, generator: Random = defaultRandom()): Variable {
  const { key0, key1, counterLow, counterHigh } = generator.reserve(sizeOf(shape));
  const halves = [key0, key1, counterLow, counterHigh].flatMap((word) => [word & 0xffff, word >>> 16]);
  return record(uniformOperation, shape.slice(), [fromValues(Float32Array.from(halves), [8])], shape);
}
