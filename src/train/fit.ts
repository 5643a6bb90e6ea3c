import type { Component } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import type { History } from "./history.ts";
import { train } from "./lost-device.ts";
import { checkOptions, type FitOptions } from "./options.ts";

/**
 * Trains a component: for each batch of each epoch `grad(() => cost(batch))` and `optimizer.update()` (LBFGS has `minimize`), with what one would
 * like to have around that: progress, validation, early stopping, metrics, checkpoints, and Ctrl-C that ends after the step.
 *
 * The numbers are those of the plain loop, to the bit. Ctrl-C and the signal are seen between steps, for which the event
 * loop gets its turn every 50 ms. When fit returns, the component has the parameters of the best epoch if `restoreBest` says
 * so (it does with `patience`), else those of the last step.
 *
 * @returns how it went, also when it was ended early
 * @throws ValueError or UsageError for options that it does not take, and for files that are there already; TrainingError, with
 *   epoch, batch and step, for what goes wrong later, the original error as its `cause`: then what was done has been saved to
 *   the checkpoint, if there is one; DivergenceError, a TrainingError, for a loss or parameters that are not finite: then the
 *   checkpoint is as it was
 * @example
 * const task = new MixtureTask(5, 3);
 * const [train, test] = [task.sample(300), task.sample(100)];
 * const θ = new SoftmaxRegression({ inputs: 5, outputs: 3 });
 * const cost = ({ x, y }: typeof train) => θ.cost(x, y, { reduction: "mean" });
 * const history = await fit(θ, {
 *   data: minibatches(train, 30, { shuffle: true }), cost, optimizer: new Adam(θ), epochs: 2, progress: "none",
 *   validate: { data: minibatches(test, 50), cost }, patience: 3, checkpoint: { path: "trained.safetensors", resume: true },
 * });
 * history.epochs.map(({ step, samples }) => [step, samples]); // [[10, 300], [20, 300]]
 */
export async function fit<B, V = B>(component: Component, options: FitOptions<B, V>): Promise<History> {
  checkArguments("fit", arguments, 2);
  return train(component, checkOptions(component, options));
}
