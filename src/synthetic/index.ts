/** Tasks with known distributions, to try models on: `flimsy-ml/synthetic`. */

export { type LabelledSamples, MixtureTask } from "./mixture-task.ts";
