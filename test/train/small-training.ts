/** A small training, the same each time. */

import { Dropout, SoftmaxRegression } from "../../src/components/index.ts";
import { minibatches, shuffled } from "../../src/data/index.ts";
import { Adam, Component, input, isTraining, type Labels, mean, Random, seed, state, type Variable, zeros } from "../../src/index.ts";
import { MixtureTask } from "../../src/synthetic/index.ts";

/** A model that draws from the default generator in each step, and remembers an average of its inputs. */
export class Model extends Component {
  readonly dropout = new Dropout({ p: 0.2 });
  readonly output = new SoftmaxRegression({ inputs: 6, outputs: 3 });
  readonly mean = state(zeros([6]));
  cost(x: Variable, y: Labels): Variable {
    if (isTraining()) this.mean.assign(this.mean.mul(0.9).add(mean(x, 0).mul(0.1)));
    return this.output.cost(this.dropout.forward(x.sub(this.mean)), y, { reduction: "mean" });
  }
}

export const samples = () => new MixtureTask(6, 3, { random: new Random(1) }).sample(100);

/** Everything from the beginning: 7 batches an epoch, in an order that is drawn from the default generator or one of its own. */
export function begin(own = false) {
  seed(5);
  const table = samples();
  const θ = new Model();
  const random = new Random(2);
  const data = () => minibatches(table, 16, { shuffle: own ? random : true });
  const cost = ({ x, y }: typeof table) => θ.cost(x, y);
  const optimizer = new Adam(θ, { learningRate: 0.02 });
  return { θ, data, cost, optimizer, random, progress: "none" as const };
}

/** As `begin`, but samples of a stream, chosen while training goes on from the generator that dropout uses too. */
export function beginStream() {
  const start = begin();
  async function* stream() { for (let i = 0; i < 100; i++) yield i; }
  const data = () => minibatches(shuffled(stream, { buffer: 40 }), 16);
  const table = samples();
  const x = table.x.toArray() as number[][];
  const y = Array.from(table.y as ArrayLike<number>);
  const cost = (batch: number[]) => start.θ.cost(input(batch.map((i) => x[i])), batch.map((i) => y[i]));
  return { ...start, data, cost };
}

export const values = (θ: Component): number[][] => [...θ.parameters(), ...θ.namedState().values()].map(({ data }) => [...data]);
