/** A program for checkpoint.test.ts: trains, slowly, and says how it went. Arguments: the data, the checkpoint, the metrics file, the epochs. */

import { fit } from "../../src/train/index.ts";
import { begin, beginStream, values } from "./small-training.ts";

const [kind, path, metrics, epochs] = process.argv.slice(2);
const { θ, ...options } = kind === "stream" ? beginStream() : begin(kind === "own");
const history = await fit(θ as never, {
  ...(options as ReturnType<typeof begin>),
  random: options.random,
  epochs: Number(epochs),
  checkpoint: { path, resume: true, every: { steps: 4 } },
  metrics,
  validate: () => ({ loss: Math.sin(1000 * values(θ)[0][0]) }),
  restoreBest: true,
  onStep: async ({ step }) => {
    console.log(`step ${step}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  },
});
console.log(JSON.stringify({ values: values(θ), history, listeners: process.listenerCount("SIGINT") }));
