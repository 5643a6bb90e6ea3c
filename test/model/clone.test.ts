import { describe, expect, it } from "vitest";
import { BatchNorm, Dropout, FeedForward, Lstm, SoftmaxRegression, Stacked } from "../../src/components/index.ts";
import {
  Adam, Component, evaluate, grad, input, type Parameter, parameter, Random, randn, ready, state, tanh, UsageError, type Variable,
} from "../../src/index.ts";
import { libraryComponents } from "../../src/io/registry.ts";
import { type Build, randomOptions } from "../components/random-options.ts";
import { randomize } from "../components/plain.ts";
import { onBoth } from "../devices/unwaited.ts";

class Layer extends Component {
  readonly w = parameter(randn([2, 2], new Random(1)));
  readonly count = state(3);
  constructor(readonly name = "layer") { super(); }
  forward(x: Variable): Variable { return tanh(x.matmul(this.w)); }
}
class Deep extends Layer {
  override forward(x: Variable): Variable { return super.forward(x).mul(2); }
}
class Model extends Component {
  readonly layers: Layer[] = [new Layer(), new Deep("deep")];
  readonly tied = this.layers[0].w;
  readonly byKey = new Map<unknown, unknown>([["first", this.layers[0]], [2, parameter(5)]]);
  readonly plain = { deep: { rate: 0.5, gain: parameter([1, 2]) }, list: [1, [2, "three"]] };
  readonly names = new Set(["a"]);
  readonly data = input([1, 2, 3]);
  readonly typed = Float64Array.of(1, 2);
  readonly random = new Random(7);
  readonly shared = Random.default;
  readonly activation = tanh;
  readonly date = new Date(0);
  readonly nothing = null;
  readonly missing = undefined;
  owner: Component | null = null;
  constructor() {
    super();
    this.owner = this;
  }
  forward(x: Variable): Variable { return this.layers.reduce((y, layer) => layer.forward(y), x); }
}
const x = randn([3, 2], new Random(2));
const values = (component: Component) => [...component.namedParameters()].map(([path, p]) => [path, p.toArray(), p.isFrozen]);

describe("clone", () => {
  it("is of the same classes with values of its own, and computes the same", () => {
    const model = new Model();
    model.layers[1].w.freeze();
    model.random.normal();
    const copy = model.clone();
    expect([copy.constructor, copy.layers.map((layer) => layer.constructor)]).toEqual([Model, [Layer, Deep]]);
    expect(values(copy)).toEqual(values(model));
    expect([...copy.namedState()].map(([path, s]) => [path, s.toArray()])).toEqual([...model.namedState()].map(([path, s]) => [path, s.toArray()]));
    expect(copy.forward(x).toArray()).toEqual(model.forward(x).toArray());
    expect(String(copy)).toBe(String(model));
    for (const [path, p] of copy.namedParameters()) expect(p).not.toBe(model.namedParameters().get(path));
    expect([copy.plain.list, copy.plain.deep.rate, [...copy.names], copy.layers[1].name]).toEqual([[1, [2, "three"]], 0.5, ["a"], "deep"]);
    expect(copy.typed).toEqual(model.typed);
    expect([copy.nothing, copy.missing, "missing" in copy]).toEqual([null, undefined, true]);
    expect(copy.random.state).toEqual(model.random.state);
    expect(copy.random.normal()).toBe(model.random.normal());
  });

  it("keeps what is shared shared within the copy, and nothing of it with the original", () => {
    const model = new Model();
    const copy = model.clone();
    expect(copy.tied).toBe(copy.layers[0].w);
    expect(copy.byKey.get("first")).toBe(copy.layers[0]);
    expect(copy.owner).toBe(copy);
    for (const name of ["layers", "byKey", "plain", "names", "typed", "random"] as const) expect(copy[name]).not.toBe(model[name]);
    for (const name of ["data", "shared", "activation", "date"] as const) expect(copy[name]).toBe(model[name]);
    copy.tied.assign([[0, 0], [0, 0]]);
    copy.typed[0] = 9;
    copy.layers[0].count.assign(4);
    expect([model.layers[0].count.item(), model.typed[0], model.tied.abs().sum().item() > 0]).toEqual([3, 1, true]);
    expect(copy.forward(x).sum().item()).toBe(0);
  });

  it("has no gradients, and leaves those of the original", () => {
    const model = new Model();
    grad(() => model.forward(x).sum());
    const copy = model.clone();
    expect(copy.parameters().every((p) => p.grad === null)).toBe(true);
    expect(model.tied.grad).not.toBeNull();
  });

  it("serves as a target network: trained by turns, and inside a step a constant", () => {
    const online = new FeedForward({ inputs: 2, hidden: [3], outputs: 1 });
    const target = online.clone();
    const optimizer = new Adam(online, { learningRate: 0.1 });
    const before = target.forward(x).toArray();
    for (let step = 0; step < 3; step++) {
      grad(() => online.forward(x).sub(evaluate(() => target.forward(x).add(1))).pow(2).sum());
      optimizer.update();
    }
    expect(target.forward(x).toArray()).toEqual(before);
    expect(target.parameters().every((p) => p.grad === null)).toBe(true);
    expect(online.forward(x).toArray()).not.toEqual(before);
  });

  it.each(Object.entries(libraryComponents) as unknown as [string, Build][])("copies %s, with its options", (_, Kind) => {
    const component = randomize(new Kind(randomOptions(Kind, new Random(3)) as never));
    const copy = component.clone();
    expect(copy).toBeInstanceOf(Kind);
    expect(values(copy)).toEqual(values(component));
    expect(JSON.stringify(copy.options)).toBe(JSON.stringify(component.options));
  });

  it("refuses private fields, also of a part, and functions that use the original", () => {
    class Hidden extends Component {
      readonly #w: Parameter = parameter(1);
      get w(): Parameter { return this.#w; }
    }
    class Inherited extends Hidden {
      readonly more = parameter(2);
    }
    class Holder extends Component {
      constructor(readonly parts: unknown) { super(); }
    }
    const advice = "Give the class a method clone().";
    expect(() => new Hidden().clone()).toThrow(new UsageError(`Hidden cannot be cloned because of its private field #w. ${advice}`));
    for (const part of [new Inherited(), { deep: [new Hidden()] }]) expect(() => new Holder(part).clone()).toThrow(/because of its private field #w/);
    class Tied extends Component {
      readonly w = parameter(1);
      readonly double = (y: Variable): Variable => y.mul(this.w);
    }
    class Bound extends Component {
      readonly w = parameter(1);
      readonly f = this.times.bind(this);
      times(y: Variable): Variable { return y.mul(this.w); }
    }
    expect(() => new Tied().clone()).toThrow(new UsageError(`Tied cannot be cloned because of its function double, which uses this. ${advice}`));
    expect(() => new Bound().clone()).toThrow(/because of its function bound times, which uses this/);
    const methods = { short(): unknown { return this; }, long: function named(this: unknown) { return this; } };
    const free = new Holder([(y: Variable) => y.mul(2), Math.tanh, Layer, methods]);
    expect((free.clone().parts as unknown[]).slice(0, 3)).toEqual((free.parts as unknown[]).slice(0, 3));
  });

  it("is what a class makes of it", () => {
    class Own extends Component {
      readonly #w: Parameter;
      constructor(value: number) {
        super();
        this.#w = parameter(value);
      }
      override clone(): this { return new Own(this.#w.item() + 1) as this; }
      get value(): number { return this.#w.item(); }
    }
    class Pair extends Component {
      readonly first = new Own(1);
      readonly second = this.first;
      override clone(): this { return Object.assign(super.clone(), { isCopy: true }); }
    }
    const copy = new Pair().clone();
    expect([copy.first.value, copy.first === copy.second, "isCopy" in copy]).toEqual([2, true, true]);
  });

  it("counts static private fields as no hindrance, and copies deep chains", () => {
    class Counted extends Component {
      static #made = 0;
      readonly w = parameter(1);
      readonly number: number;
      constructor(readonly inner: Component | null = null) {
        super();
        this.number = Counted.#made++;
      }
    }
    let chain = new Counted();
    for (let i = 0; i < 3000; i++) chain = new Counted(chain);
    let copy: Counted | null = chain.clone();
    expect([copy.number, copy.parameters().length]).toEqual([3000, 3001]);
    let depth = 0;
    for (; copy !== null; copy = copy.inner as Counted | null) depth++;
    expect(depth).toBe(3001);
  });

  it("takes no arguments", () => {
    expect(() => (new Layer() as { clone: (x?: unknown) => unknown }).clone(1)).toThrow(/argument too many/);
  });
});

describe("components()", () => {
  it("lists the component itself and all parts by their paths", () => {
    const norm = new BatchNorm({ inputs: 2 });
    class Network extends Component {
      readonly rnn = new Stacked({ layers: [new Lstm({ inputs: 2, outputs: 3 }), new Lstm({ inputs: 3, outputs: 2 })] });
      readonly parts = new Map<string, unknown>([["norm", norm], ["dropout", new Dropout({ p: 0.5 })]]);
      readonly again = norm;
      readonly owner = this;
      readonly classifier = new SoftmaxRegression({ inputs: 2, outputs: 2 });
    }
    const network = new Network();
    const found = network.components();
    expect([...found].map(([path, part]) => `${path}: ${part.constructor.name}`)).toEqual([
      ": Network", "rnn: Stacked", "rnn.layers.0: Lstm", "rnn.layers.1: Lstm", "parts.norm: BatchNorm", "parts.dropout: Dropout", "again: BatchNorm",
      "owner: Network", "classifier: SoftmaxRegression",
    ]);
    expect([found.get(""), found.get("again"), found.get("owner")]).toEqual([network, norm, network]);
    expect([...norm.components().keys()]).toEqual([""]);
  });

  it("loses none of two that have the same path", () => {
    class Keyed extends Component {
      readonly parts = new Map<unknown, Component>([[1, new Layer()], ["1", new Layer()]]);
    }
    expect(() => new Keyed().components()).toThrow(/Keyed holds two components under the path parts\.1/);
  });
});

describe("clone where nobody can wait", () => {
  it("has the values of the time when it was made", async () => {
    const found = await onBoth(async () => {
      const norm = new BatchNorm({ inputs: 2 });
      norm.parameters()[0].freeze();
      const step = () => { grad(() => norm.forward(input([[1, 2], [3, 8]])).pow(2).sum()); };
      step();
      const copy = norm.clone();
      step();
      await ready([norm, copy]);
      return [copy.mean.toArray(), norm.mean.toArray(), copy.parameters().map(({ isFrozen }) => isFrozen), copy.parameters().map(({ grad }) => grad)];
    });
    expect(found[0]).not.toEqual(found[1]);
  });
});
