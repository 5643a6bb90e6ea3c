/** The last section of the page, of GPUs: a part for each adapter, of which a run replaces its own. The others are of other machines, and stay. */

import { failuresIn, markdown, table, time, versionsIn } from "./table.js";

const HEADING = "\n## On a GPU\n";
const PROCESSOR = "This adapter computes on the processor: it shows overhead, and that results are right, not how fast a GPU is.";

const firsts = (rows, frameworks) => markdown(
  ["workload", ...frameworks.map(({ title }) => title)],
  rows.map(({ name, cells }) => [name, ...frameworks.map(({ id }) => {
    const { failure, firstGradients, firstStep } = cells[id] ?? { failure: "absent" };
    return failure ? "" : `${time(firstGradients)}, ${time(firstStep)}`;
  })]),
);

function part({ adapter: { isFallback }, date, machine, node, commit, settings, rows, frameworks }) {
  const failures = failuresIn(rows);
  return `
${isFallback ? PROCESSOR : ""}
Measured on ${date}, ${settings.rounds} rounds of up to ${settings.seconds} s a cell together; ${machine.cpu}, ${machine.cores} cores,
load ${machine.load.toFixed(1)} when the run began; ${versionsIn(rows).join(", ")}; Node ${node}. Flimsy at ${commit}.

${table({ rows, frameworks }, "flimsy-webgpu", "least")}

The first gradients of the process and its first step, which compile:

${firsts(rows, frameworks)}
${failures.length === 0 ? "" : `\nNot measured:\n\n${failures.join("\n")}\n`}`;
}

const head = (isReal) => `${HEADING}
The same work on one adapter, all by WebGPU in Node (the package \`webgpu\`, Chromium's Dawn), each form in a process of its own, in turns. Losses and
gradients are compared first, as above; then each step waits for its loss. Given is the *least* time, in brackets how many times that of Flimsy on the GPU.
${isReal ? "" : "**No real GPU was at hand yet.**\n"}
- **Flimsy, webgpu**: the programs of the tables above, after \`await setDevice("webgpu")\`; **Flimsy, wasm**: without, on one thread
- **jax-js, webgpu**: the whole step under jit; **TF.js, webgpu**: in \`tf.tidy\`; both with the gates of the LSTM as one product
- **PyTorch, CUDA**, where there is one: eager, in float32, with torch.nn.LSTM
- **lstm-b8-32**: LSTM with hidden 32, input 16, T = 10, batch 8, gradient descent: some hundred small launches

To repeat it: \`npm ci && npm install --prefix bench/peers && npm run bench -- peers --sections=gpu && node bench/peers/report.js\`; on Linux
\`VK_DRIVER_FILES\` may name a driver. For a machine that reaches no registry \`sh bench/gpu.sh pack FOLDER\` makes a folder of what is needed, in which
\`sh bench/gpu.sh\` measures this and more.
`;

/** A page with this section as it was in another one, but for the part of the adapter that a run has measured. */
export function withGpu(page, previous, found) {
  const [, ...before] = (previous.split(HEADING)[1] ?? "").split("\n### ");
  const parts = new Map(before.map((text) => [text.slice(0, text.indexOf("\n")), text.slice(text.indexOf("\n") + 1)]));
  if (found) parts.set(found.adapter.name, part(found));
  const all = [...parts].map(([name, text]) => `\n### ${name}\n${text}`);
  return page.split(HEADING)[0] + (all.length === 0 ? "" : head(all.some((text) => !text.includes(PROCESSOR))) + all.join(""));
}
