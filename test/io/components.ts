/** Models for the tests of saving. */

import {
  Dropout, Embedding, FeedForward, Fusion, GatedRecurrent, LinearRegression, Lstm, MemoryNetwork, Stacked, TransformerBlock, ValueComponent,
} from "../../src/components/index.ts";
import { affine, Component, input, type Parameter, parameter, Random, randn, tanh, type Variable, zeros } from "../../src/index.ts";

/** Nothing but fields. */
export class Logistic extends Component {
  readonly w: Parameter;
  readonly b: Parameter;
  constructor(classes: number, features: number) {
    super();
    this.w = parameter(randn([classes, features]));
    this.b = parameter(zeros([classes]));
  }
  score(x: Variable): Variable { return affine(this.w, x, this.b); }
}

/** Knows its parent. */
export class Child extends Component {
  readonly w = parameter(randn([2]));
  constructor(readonly parent: Component) { super(); }
}

/** Every kind of field. */
export class Everything extends Component {
  readonly logistic = new Logistic(3, 4);
  readonly again = this.logistic;
  readonly child = new Child(this);
  readonly encoder = new Stacked({ layers: [new Lstm({ inputs: 2, outputs: 3 }), new GatedRecurrent({ inputs: 3, outputs: 2 })], dropout: 0.25 });
  readonly tied = this.logistic.w;
  readonly block = new TransformerBlock({ inputs: 4, heads: 2, activation: "relu" });
  readonly network = new MemoryNetwork({ inputs: 5, size: 3, memory: 4, hops: 2 });
  readonly words = new Map<unknown, unknown>([["a", 0], ["b", 1], [3, new Embedding({ inputs: 2, outputs: 2 })], [null, "none"]]);
  readonly layers = [new FeedForward({ inputs: 2, hidden: [3], outputs: 1, activation: "tanh" }), new Dropout({ p: 0.5 })];
  readonly parts = {
    "a.b": new ValueComponent({ shape: [2] }), $: 1, __proto: null, 7: "seven",
    nested: { deep: [[], {}, [new Fusion({ inputs: [2, 3], outputs: 4 })]] },
  };
  readonly list: unknown[] = [1, -0, NaN, Infinity, -Infinity, "text", true, null, undefined, 12345678901234567890n, tanh];
  readonly shared = this.list;
  readonly mean: Variable = input([[1, 2], [3, 4]]);
  readonly counts = Int32Array.of(1, 2, 3);
  readonly precise = Float64Array.of(1 / 3);
  readonly large = BigInt64Array.of(2n ** 60n);
  readonly random = new Random(5);
  constructor() {
    super();
    this.list.push(this.list);
    this.random.uniform();
  }
}

/** Made by its constructor, from options. */
export class Decoder extends Component {
  readonly size: number;
  readonly #doubled: number;
  readonly cell: Lstm;
  readonly output: LinearRegression;
  readonly mean: Variable;
  constructor({ size, cell }: { size: number; cell?: Lstm }) {
    super();
    this.size = size;
    this.#doubled = 2 * size;
    this.cell = cell ?? new Lstm({ inputs: size, outputs: size });
    this.output = new LinearRegression({ inputs: size, outputs: 1 });
    this.mean = zeros([size]);
  }
  get options(): { size: number; cell: Lstm } { return { size: this.size, cell: this.cell }; }
  get doubled(): number { return this.#doubled; }
}

/** Weights of one layer used in another, and a layer shared by two blocks. */
export class Tied extends Component {
  readonly embedding = new Embedding({ inputs: 5, outputs: 3 });
  readonly output = new LinearRegression({ inputs: 3, outputs: 5 });
  readonly first = new TransformerBlock({ inputs: 4, heads: 2 });
  readonly second = new TransformerBlock({ inputs: 4, heads: 2 });
  constructor() {
    super();
    Object.assign(this.output, { w: this.embedding.w });
    Object.assign(this.second, { network: this.first.network });
  }
}

/** Its class is never registered. */
export class Unregistered extends Component {
  readonly w = parameter(randn([2, 3]));
  readonly mean: Variable = input([1, 2]);
  readonly counts = Float32Array.of(1, 2);
  readonly f = (): number => 1;
}
