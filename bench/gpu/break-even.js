/** Times of steps by size on one device, as JSON: node break-even.js <webgpu | plain> <threads> [--small]. `run.js` compares two devices by it. */

import { problemOf } from "../workloads/problem.js";
import { start } from "../workloads/start.js";
import { finish, least, sizes } from "./section.js";

const [variant, threads] = process.argv.slice(2);
/** Steps that are asked for before a number is waited for, and milliseconds after which larger sizes are left out. */
const [AHEAD, SLOW] = [8, 1500];
await start(variant, Number(threads));

for (const { program, workload, size, values, sizes: given } of sizes.breakEven) {
  const { create } = await import(`../workloads/flimsy/${program}.js`);
  for (const value of values) {
    const { step } = create(problemOf(workload, { ...given, [size]: value }));
    for (let k = 0; k < 4; k++) await step(0);
    const awaited = await least(5, () => step(0));
    const ahead = awaited > SLOW ? awaited : (await least(2, () => Promise.all(Array.from({ length: AHEAD }, () => step(0))))) / AHEAD;
    console.log(JSON.stringify({ program, value, awaited, ahead }));
    if (awaited > SLOW) break;
  }
}
await finish();
