/**
 * Trains with everything that is random: dropout and initial values from the default generator, shuffling from one of its own, noise on
 * gradients from another. Prints the parameters in hexadecimal.
 *
 *     resume-program <file> <first step> <last step> [again]
 *
 * With `again` the component is made by restore and the optimizer takes its state; else all of them go on by `into`.
 */

import { Adam, Component, cost, dropout, GradientNoise, grad, input, Random, schedule, seed, type Variable } from "flimsy-ml";
import { FeedForward, LayerNorm } from "flimsy-ml/components";
import { minibatches } from "flimsy-ml/data";
import { registerComponents, restore, save } from "flimsy-ml/io";

class Model extends Component {
  readonly norm = new LayerNorm({ inputs: 6 });
  readonly network = new FeedForward({ inputs: 6, hidden: [9, 9], outputs: 3, activation: "tanh", dropout: 0.3 });
  cost(x: Variable, y: readonly number[]): Variable {
    return cost.categoricalCrossEntropyWithScores(this.network.forward(dropout(this.norm.forward(x), 0.1)), y);
  }
}
registerComponents({ Model });

const [file, first, last, again] = process.argv.slice(2);
const batches = 5;
seed(17 + Number(first)); // what is restored must not depend on it
const random = new Random(Number(first) === 0 ? 3 : 4);
const noise = new GradientNoise({ eta: 0.05, random: new Random(Number(first) === 0 ? 5 : 6) });
const settings = { learningRate: schedule.warmUp(7, schedule.cosine(0.05, { steps: 40 })), clip: { norm: 1 }, noise };

let model = new Model();
let optimizer = new Adam(model, settings);
let step = 0;
if (again === "again") {
  const checkpoint = restore<Model>(file);
  model = checkpoint.component;
  optimizer = new Adam(model, settings);
  if (checkpoint.optimizer === null) throw new Error("no optimizer was saved");
  optimizer.restore(checkpoint.optimizer);
  random.state = checkpoint.random.random;
  Random.default.state = checkpoint.random.default;
  ({ step } = checkpoint);
} else if (Number(first) > 0) ({ step } = restore(file, { into: model, optimizer, random }));
if (step !== Number(first)) throw new Error(`expected step ${first}, but the checkpoint is of ${step}`);

const source = new Random(1);
const x = input(source.normalArray(20 * 6), [20, 6]);
const y = Array.from({ length: 20 }, () => source.integer(0, 3));
while (step < Number(last)) {
  // A pass has five batches, and a checkpoint is made between passes.
  for (const batch of minibatches({ x, y }, 20 / batches, { shuffle: random })) {
    grad(() => model.cost(batch.x, batch.y));
    optimizer.update();
    step++;
  }
}
save(file, model, { optimizer, random, step });
console.log(model.parameters().map((p) => Buffer.from(p.data.buffer).toString("hex")).join("\n"));
