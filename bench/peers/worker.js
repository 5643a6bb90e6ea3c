/**
 * Runs one program on request: a JSON object a line on stdin, an answer a line on stdout. torch/worker.py is the same in Python.
 *
 *   node worker.js <problem file> <framework> <program> <variant> <threads>
 *
 * Requests: { do: "gradients" }, the first loss and the norm of each gradient; { do: "steps", count, same, ahead }, so many steps, on the
 * data of the first if `same`, and on a GPU, if `ahead`, the next before the loss of the one before is there; { do: "memory" }, the peak of
 * the process; and of Flimsy alone { do: "work" }, what a step consists of.
 */

import { createInterface } from "node:readline";
import { read } from "../workloads/problem.js";

const [file, framework, program, variant, threads] = process.argv.slice(2);
// What libraries print is not for the runner.
console.log = console.info = console.warn = (...parts) => process.stderr.write(`${parts.join(" ")}\n`);
const answer = (fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);

const folders = { flimsy: "../workloads/flimsy", tfjs: "./tfjs", jax: "./jax" };
const { start, workOf } = framework === "flimsy" ? await import("../workloads/start.js") : await import(`${folders[framework]}/training.js`);
const version = await start(variant, Number(threads));
const { create } = await import(`${folders[framework]}/${program}.js`);
const { step, gradients } = await create(read(file), variant);

/** The norm in float64, null where there is no gradient, NaN where it is not finite. */
const norm = (arrays) => arrays.length === 0 ? null : Math.sqrt(arrays.reduce((sum, array) => array.reduce((sum, x) => sum + x * x, sum), 0));

let k = 0;
const requests = {
  async gradients() {
    const { loss, gradients: found } = await gradients();
    return { loss, norms: Object.fromEntries(Object.entries(found).map(([name, arrays]) => [name, norm(arrays)])) };
  },
  async steps({ count, same, ahead }) {
    let first = 0;
    let last = 0;
    const begin = performance.now();
    for (let i = 0; i < count; i++, k++) {
      const loss = step(same ? 0 : k);
      last = loss instanceof Promise && !ahead ? await loss : loss;
      if (i === 0) first = last;
    }
    [first, last] = [await first, await last];
    return { seconds: (performance.now() - begin) / 1000, first, last };
  },
  memory: () => ({ peak: process.resourceUsage().maxRSS * 1024 }),
  work: () => workOf(() => step(0)),
};

answer({ ready: true, version });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  answer(await requests[request.do](request));
}
