/**
 * A simple recurrent network that learns to keep the parity of the bits that it has seen: sequential exclusive or.
 *
 * The label of each step is the parity of all bits so far, so that one forgotten bit makes every label after it wrong. The recurrent
 * weights begin orthonormal, which lets gradients pass through 20 steps.
 */

import { Component, checkGradients, evaluate, GradientDescent, grad, Random, seed, type Variable } from "flimsy-ml";
import { SimpleRecurrent, SoftmaxRegression } from "flimsy-ml/components";
import { errorRate } from "flimsy-ml/extras";
import { normal } from "flimsy-ml/initialization";
import { XorTask } from "flimsy-ml/synthetic";
import { type Options, program, reached, stopwatch } from "./common.ts";

class Tagger extends Component {
  readonly rnn: SimpleRecurrent;
  readonly classifier: SoftmaxRegression;

  constructor(inputs: number, hidden: number, classes: number) {
    super();
    this.rnn = new SimpleRecurrent({ inputs, outputs: hidden });
    this.classifier = new SoftmaxRegression({ inputs: hidden, outputs: classes });
    this.rnn.w.assign(normal([hidden, inputs], { std: 0.01 }));
    this.classifier.w.assign(normal([classes, hidden], { std: 0.01 }));
  }

  predict(xs: Variable) { return this.classifier.predict(this.rnn.unfold(xs)); }
  cost(xs: Variable, ys: Int32Array) { return this.classifier.cost(this.rnn.unfold(xs), ys); }
}

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  seed(n);
  const task = new XorTask(20);
  const data = task.sample(20);
  const unseen = task.sample(100);
  const θ = new Tagger(task.features, 7, task.classes);
  if (check) console.log(String(checkGradients(() => θ.cost(data[0].x, data[0].y), θ)));

  /** The share of labels that are wrong. */
  const error = (sequences: typeof data) => errorRate(sequences.map(({ x }) => evaluate(() => θ.predict(x))), sequences.map(({ y }) => y));

  const optimizer = new GradientDescent(θ, { learningRate: 0.1, clip: { norm: 1 } });
  const random = new Random(n);
  const maxEpochs = quick ? 200 : 500;
  const seconds = stopwatch();
  let [epochs, trainError] = [0, Infinity];
  while (epochs < maxEpochs && trainError > 0) {
    epochs++;
    let nll = 0;
    for (const { x, y } of random.shuffle([...data])) {
      nll += grad(() => θ.cost(x, y)).item();
      optimizer.update();
    }
    if (epochs % 10 === 0) {
      trainError = error(data);
      console.log(`epoch => ${epochs}, nll => ${nll.toFixed(2)}, error => ${trainError}`);
    }
  }
  reached("wall time", seconds(), "s");
  reached("epochs", epochs);
  reached("train error", trainError);
  const unseenError = error(unseen);
  reached("error, 100 unseen", unseenError);
  return { epochs, trainError, unseenError };
}

await program(import.meta, main);
