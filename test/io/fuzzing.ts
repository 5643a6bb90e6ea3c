/** Restores mutated files, and looks whether each gives something whole or an error that is documented. */

import { FeedForward, LinearRegression, Lstm, MemoryNetwork, Stacked } from "../../src/components/index.ts";
import { Adam, Component, cost, FlimsyError, GradientNoise, grad, input, Random, ShapeError, UsageError, ValueError } from "../../src/index.ts";
import { CheckpointError, inspect, readTensors, restore, serialize, serializeTensors } from "../../src/io/index.ts";
import { Child, Decoder, Logistic, Tied } from "./components.ts";
import { mutated } from "./mutations.ts";

/** A bit of everything that a structure can have, but small: a mutation should hit something. */
class Mixed extends Component {
  readonly logistic = new Logistic(2, 3);
  readonly child = new Child(this);
  readonly network = new FeedForward({ inputs: 3, hidden: [2], outputs: 2, activation: "tanh" });
  readonly cells = new Stacked({ layers: [new Lstm({ inputs: 1, outputs: 2 })] });
  readonly tied = this.logistic.w;
  readonly map = new Map<unknown, unknown>([["a", [1, NaN, "x"]], [2, { $: 1 }]]);
  readonly mean = input([1, 2]);
  readonly counts = Int32Array.of(1, 2, 3);
  readonly list: unknown[] = [this.counts];
  readonly again = this.list;
  readonly decoder = new Decoder({ size: 1 });
  readonly random = new Random(3);
}
const components = { Mixed, Logistic, Child, Decoder, Tied };

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** A component, an optimizer and a generator to restore into, and all their numbers. */
  readonly into: Component;
  readonly optimizer: Adam;
  readonly random: Random;
  readonly state: () => string;
}

function subject(name: string, make: () => Component, train: (θ: Component) => void): Subject {
  const options = { learningRate: 0.1, noise: new GradientNoise({ eta: 0.1, random: new Random(2) }) };
  const saved = make();
  const first = new Adam(saved, options);
  train(saved);
  first.update();
  const bytes = serialize(saved, {
    optimizer: first, random: { data: new Random(9) },
    metadata: { loss: 0.5, list: [1, { best: Infinity }], curve: Float64Array.of(3, 2), known: Uint8Array.of(1) }, components,
  });
  const into = make();
  const optimizer = new Adam(into, options);
  const random = new Random(1);
  const bits = (x: { data: Float32Array | Float64Array }): string => Buffer.from(x.data.buffer).toString("base64");
  const state = (): string => {
    const extra = into instanceof Mixed ? [bits(into.mean), [...into.counts]] : [];
    const { parameters, ...rest } = optimizer.snapshot();
    const memories = parameters.map(({ count, slots }) => [count, ...Object.values(slots).map(bits)]);
    return JSON.stringify([into.parameters().map(bits), extra, rest, memories, random.state, Random.default.state]);
  };
  return { name, bytes, into, optimizer, random, state };
}

export interface Tally {
  mutations: number;
  /** How many were the file as it was, or so that it could be restored. */
  restored: number;
  /** How many gave which error. */
  readonly errors: Record<string, number>;
  /** The slowest, in milliseconds. */
  slowest: number;
}

const documented: readonly (new (...args: never[]) => Error)[] = [CheckpointError, ValueError, ShapeError, UsageError];

/**
 * @param report what to do every so often
 * @throws Error that tells the seed of a mutation that gave another error, or a half-changed component
 */
export function fuzz(mutations: number, seed: number, report: (tally: Tally) => void = () => {}): Tally {
  const forward = (size: number) =>
    (θ: Component): void => { grad(() => cost.mse((θ as LinearRegression).score(input(new Array<number>(size).fill(1))), new Array<number>(size).fill(1))); };
  const all = (θ: Component): void => { grad(() => θ.parameters().map((p) => p.mul(p).sum()).reduce((a, b) => a.add(b))); };
  const subjects = [
    subject("mixed", () => new Mixed(), all), subject("linear", () => new LinearRegression({ inputs: 2, outputs: 2 }), forward(2)),
    subject("tied", () => new Tied(), all),
    subject("memory", () => new MemoryNetwork({ inputs: 2, size: 1, memory: 2, hops: 1 }), all),
  ];
  const plain = serializeTensors({ a: input([[1, 2], [3, 4]]), b: input([5]) }, { metadata: { format: "pt" } });
  const tally: Tally = { mutations: 0, restored: 0, errors: {}, slowest: 0 };
  for (; tally.mutations < mutations; tally.mutations++) {
    const random = new Random(seed + tally.mutations);
    const chosen = subjects[random.integer(0, subjects.length)];
    const bytes = mutated(random.uniform() < 0.05 ? plain : chosen.bytes, random);
    const start = performance.now();
    try {
      attempt(tally, () => {
        const found = restore(bytes, { components });
        use(found.component);
        JSON.stringify([found.metadata, found.random]);
      });
      const state = chosen.state();
      if (!attempt(tally, () => restore(bytes, { into: chosen.into, optimizer: chosen.optimizer, random: { data: chosen.random } })) &&
        chosen.state() !== state) throw new Error("It was changed, although restore threw.");
      attempt(null, () => inspect(bytes));
      attempt(null, () => readTensors(bytes));
    } catch (error) {
      throw new Error(`Mutation ${seed + tally.mutations} of ${chosen.name}: ${String((error as Error).stack)}`, { cause: error });
    }
    tally.slowest = Math.max(tally.slowest, performance.now() - start);
    if (tally.mutations % 1000 === 999) report(tally);
  }
  return tally;
}

/** What came back is whole: its parameters can be gone through and have numbers. */
function use(component: Component): void {
  for (const p of component.parameters()) if (p.data.length !== p.size) throw new Error("A parameter has too few numbers.");
}

/** Whether it went well; an error that is not documented is thrown on. */
function attempt(tally: Tally | null, f: () => unknown): boolean {
  try {
    f();
    if (tally !== null) tally.restored++;
    return true;
  } catch (error) {
    const known = error instanceof FlimsyError && documented.some((type) => error.constructor === type);
    if (!known || error.message.length > 5000) throw error;
    if (tally !== null) tally.errors[error.name] = (tally.errors[error.name] ?? 0) + 1;
    return false;
  }
}
