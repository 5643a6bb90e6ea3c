/**
 * How exact the scalar functions are on the GPU, by the library's operations: over all of float32 as its tests try them, against float64. `pack.js` bundles
 * what this uses of the library's inside and of its tests.
 */

import { elementwise, evaluate, input, setDevice } from "flimsy-ml";
import { evaluateBinary } from "../../src/kernels/expression.ts";
import { binaryNames, exact, pairs, samples, unaryNames, worst } from "../../test/devices/accuracy.ts";
import { finish, heading, put, sizes } from "./section.js";

await setDevice("webgpu");
heading("Scalar functions",
  "The largest error in units in the last place, over all of float32; where arguments or results are below 2⁻¹²⁵, which a GPU may flush, they do not count.",
  ["function", "ulp", "at"]);

const isNormal = (x) => !(Math.abs(x) < 2 ** -126) || x === 0;
const every = (values) => values.filter((_, i) => i % sizes.every === 0);

async function row(name, given, expected) {
  const operation = given.length === 1 ? elementwise(name, (x) => x[name]()) : elementwise(name, (x, y) => x[name](y));
  const computed = await evaluate(() => operation(...given.map((x) => input(x, [x.length])))).read();
  const isKept = (i) => given.every((x) => isNormal(x[i])) && (expected[i] === 0 || !(Math.abs(expected[i]) < 2 ** -125));
  const kept = [...computed.keys()].filter(isKept);
  const { ulp, at } = worst(Float32Array.from(kept, (i) => computed[i]), kept.map((i) => expected[i]));
  put(name, ulp.toPrecision(3), given.map((x) => x[kept[at]]).join(", "));
}

const numbers = every(samples);
for (const name of unaryNames) await row(name, [numbers], every(exact(name)));
const [a, b] = pairs.map(every);
for (const name of binaryNames) await row(name, [a, b], Array.from(a, (x, i) => evaluateBinary(name, x, b[i])));
await finish();
