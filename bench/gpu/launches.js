/** What launches and reads cost through the library, whose engine has a thread of its own here. */

import { evaluate, input, matmul, setDevice } from "flimsy-ml";
import { finish, heading, least, micro, put, sizes } from "./section.js";

await setDevice("webgpu");
heading("What the library costs",
  "A step of small products that wait for each other, from its call to its number; and one of a single launch, of which the result is read.", ["", "µs"]);

const b = input(Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 : 0)), [8, 8]);
const a = input(new Float32Array(64).fill(1), [8, 8]);
const chain = (count) => evaluate(() => {
  let c = a;
  for (let k = 0; k < count; k++) c = matmul(c, b);
  return c;
});
/** The least milliseconds that the caller is busy, and until the number is there. */
async function times(count) {
  const best = [Infinity, Infinity];
  for (let round = 0; round < 15; round++) {
    const begin = performance.now();
    const c = chain(count);
    const asked = performance.now() - begin;
    await c.read();
    best[0] = Math.min(best[0], asked);
    best[1] = Math.min(best[1], performance.now() - begin);
  }
  return best;
}
const [few, many] = [await times(sizes.launches / 8), await times(sizes.launches)];
const each = (k) => micro((many[k] - few[k]) / (sizes.launches * (7 / 8)));
put("a launch, of the caller's thread", each(0));
put("a launch, in all", each(1));
for (const bytes of sizes.reads) {
  const x = input(new Float32Array(bytes / 4), [bytes / 4]);
  put(`a launch, and ${bytes} bytes awaited`, micro(await least(9, () => evaluate(() => x.add(1)).read())));
  put(`a launch, and ${bytes} bytes waited for`, micro(await least(9, async () => evaluate(() => x.add(1)).data)));
}
await finish();
