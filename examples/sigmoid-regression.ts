/**
 * Sigmoid regression: two yes-or-no questions about each sample, answered independently.
 *
 * A sample is 8 numbers. The first 5 come from one of two Gaussians, the other 3 from one of two others, and the questions are which. As
 * the Gaussians overlap, no answer is always right.
 */

import { checkGradients, evaluate, GradientDescent, grad, input, seed } from "flimsy-ml";
import { SigmoidRegression } from "flimsy-ml/components";
import { errorRate } from "flimsy-ml/extras";
import { MixtureTask } from "flimsy-ml/synthetic";
import { type Options, program, reached, stopwatch } from "./common.ts";

/** n samples: x [n, 8], and 0 or 1 for each question, y [n, 2]. */
function sample(tasks: readonly MixtureTask[], n: number) {
  const parts = tasks.map((task) => task.sample(n)).map(({ x, y }) => ({ x: x.toArray() as number[][], y }));
  const rows = Array.from({ length: n }, (_, i) => i);
  return { x: input(rows.map((i) => parts.flatMap(({ x }) => x[i]))), y: input(rows.map((i) => parts.map(({ y }) => y[i]))) };
}

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  seed(n);
  const tasks = [5, 3].map((features) => new MixtureTask(features, 2));
  const [train, test] = [sample(tasks, 50), sample(tasks, 1000)];

  const θ = new SigmoidRegression({ inputs: 8, outputs: 2 });
  if (check) console.log(String(checkGradients(() => θ.cost(train.x, train.y), θ)));

  /** The share of answers that are wrong. */
  const error = ({ x, y }: typeof test) => errorRate(evaluate(() => θ.predict(x)), y);
  const before = error(test);
  const optimizer = new GradientDescent(θ, { learningRate: 0.3 });
  const epochs = quick ? 100 : 500;
  const seconds = stopwatch();
  const history: number[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const nll = grad(() => θ.cost(train.x, train.y, { reduction: "mean" })).item();
    optimizer.update();
    history.push(nll);
    if (epoch % (epochs / 10) === 0) console.log(`epoch => ${epoch}, nll => ${nll.toFixed(4)}`);
  }
  const [trainError, testError] = [error(train), error(test)];
  reached("wall time", seconds(), "s");
  reached("test error untrained", before);
  reached("train error", trainError);
  reached("test error", testError);
  return { history, before, trainError, testError };
}

await program(import.meta, main);
