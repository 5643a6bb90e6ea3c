import { describe, expect, it } from "vitest";
import * as components from "../../src/components/index.ts";
import { Component, evaluate, grad, input, parameter, Random, randn, State, seed, state, tanh, type Variable, ValueError, zeros } from "../../src/index.ts";
import { CheckpointError, inspect, registerComponents, restore, serialize } from "../../src/io/index.ts";
import { libraryComponents } from "../../src/io/registry.ts";
import { type Build, randomOptions } from "../components/random-options.ts";
import { Child, Decoder, Everything, Logistic, Tied, Unregistered } from "./components.ts";
import { edited } from "./mutations.ts";

registerComponents({ Logistic, Everything, Child, Decoder, Tied });

const again = <C extends Component>(component: C): C => restore<C>(serialize(component)).component;
const values = (component: Component): [string, number[]][] => [...component.namedParameters()].map(([name, p]) => [name, Array.from(p.data)]);

describe("a component made again", () => {
  it("has its class, fields and values", () => {
    const θ = new Logistic(3, 4);
    const other = again(θ);
    expect(other).toBeInstanceOf(Logistic);
    expect(other).not.toBe(θ);
    expect(values(other)).toEqual(values(θ));
    const x = randn([5, 4]);
    expect(other.score(x).toArray()).toEqual(θ.score(x).toArray());
    expect(grad(() => other.score(x).sum()).shape).toEqual([]);
  });

  it("has every kind of field, with what is shared still shared", () => {
    const θ = new Everything();
    const other = again(θ);
    expect(values(other)).toEqual(values(θ));
    expect(other.parameters().length).toBe(θ.parameters().length);
    expect(Object.keys(other)).toEqual(Object.keys(θ));
    expect(other.again).toBe(other.logistic);
    expect(other.tied).toBe(other.logistic.w);
    expect(other.child.parent).toBe(other);
    expect(other.network.w).toBe(other.network.e[2]);
    expect(other.shared).toBe(other.list);
    expect(other.list.at(-1)).toBe(other.list);
    expect(other.list.slice(0, -1)).toEqual(θ.list.slice(0, -1));
    expect(other.list[10]).toBe(tanh);
    expect([...other.words.keys()]).toEqual(["a", "b", 3, null]);
    expect(other.words.get(3)).toBeInstanceOf(components.Embedding);
    expect(Object.keys(other.parts)).toEqual(Object.keys(θ.parts));
    expect(other.parts.$).toBe(1);
    expect(other.mean.toArray()).toEqual([[1, 2], [3, 4]]);
    expect(other.counts).toEqual(θ.counts);
    expect(other.precise).toEqual(θ.precise);
    expect(other.large).toEqual(θ.large);
    expect(other.random.state).toEqual(θ.random.state);
    expect(other.encoder.dropout).toBe(0.25);
    // And once more: nothing is lost on the way.
    expect(Buffer.from(serialize(other)).equals(Buffer.from(serialize(θ)))).toBe(true);
  });

  it("has its state, made by a constructor or not", () => {
    class Counter extends Component {
      readonly count = state([0, 0]);
      readonly list = [this.count, state(1)];
    }
    class Sized extends Component {
      readonly mean: State;
      readonly read: () => number[];
      constructor(readonly options_: { readonly size: number }) {
        super();
        this.mean = state(zeros([options_.size]));
        this.read = () => this.mean.toArray();
        Object.defineProperty(this, "read", { enumerable: false });
      }
      get options() { return this.options_; }
    }
    const classes = { components: { Counter, Sized } };
    const made = <C extends Component>(θ: C): C => restore<C>(serialize(θ, classes), classes).component;
    const counter = new Counter();
    counter.count.assign([3, 4]);
    const other = made(counter);
    expect([other.count, other.list[1]].map((s) => [s instanceof State, s.toArray()])).toEqual([[true, [3, 4]], [true, 1]]);
    expect(other.list[0]).toBe(other.count);
    evaluate(() => { other.count.assign(other.count.add(1)); });
    expect([other.count.toArray(), counter.count.toArray()]).toEqual([[4, 5], [3, 4]]);
    const sized = new Sized({ size: 2 });
    sized.mean.assign([5, 6]);
    expect(made(sized).read()).toEqual([5, 6]); // the one that the constructor made
    class Without extends Component {
      readonly options_ = { size: 2 };
      get options() { return this.options_; }
    }
    expect(() => restore(serialize(new Without(), { components: { Sized: Without } }), classes))
      .toThrow(/"Sized" holds "mean", for which the file has no values/);
  });

  it("is made by its constructor where the class has options", () => {
    const θ = new Decoder({ size: 3 });
    Object.assign(θ, { mean: input([1, 2, 3]) });
    const other = again(θ);
    expect(other.doubled).toBe(6);
    expect(other.mean.toArray()).toEqual([1, 2, 3]);
    expect(values(other)).toEqual(values(θ));
  });

  it("keeps tied weights and layers between parts that constructors make", () => {
    const θ = new Tied();
    const other = again(θ);
    expect(other.output.w).toBe(other.embedding.w);
    expect(other.second.network).toBe(other.first.network);
    expect(other.second.attention).not.toBe(other.first.attention);
    expect(values(other)).toEqual(values(θ));
    expect(other.parameters().length).toBe(θ.parameters().length);
  });

  it("keeps a part of another class or size than its constructor makes", () => {
    const θ = new components.TransformerBlock({ inputs: 4, heads: 2 });
    Object.assign(θ, { network: new components.FeedForward({ inputs: 4, hidden: [9, 9], outputs: 4, activation: "tanh" }), attentionNorm: new Logistic(4, 4) });
    const other = again(θ);
    expect(other.network.hidden).toEqual([9, 9]);
    expect(other.attentionNorm).toBeInstanceOf(Logistic);
    expect(values(other)).toEqual(values(θ));
  });

  it("need not have parts of registered classes, if its constructor makes them", () => {
    class Inner extends Component { readonly w = parameter(randn([2])); }
    class Outer extends Component {
      readonly inner = new Inner();
      get options(): object { return {}; }
    }
    const θ = new Outer();
    const bytes = serialize(θ, { components: { Outer } });
    const other = restore<Outer>(bytes, { components: { Outer } }).component;
    expect(other.inner).toBeInstanceOf(Inner);
    expect(values(other)).toEqual(values(θ));
  });

  it("may be a subclass of one in the library: then it is saved by its fields", () => {
    class Sized extends components.Lstm {
      readonly name: string;
      constructor(size: number, name: string) {
        super({ inputs: size, outputs: size });
        this.name = name;
      }
    }
    const θ = new Sized(2, "two");
    const other = restore<Sized>(serialize(θ, { components: { Sized } }), { components: { Sized } }).component;
    expect(other.name).toBe("two");
    expect(other).toBeInstanceOf(Sized);
    expect(other.unfold([zeros([2])])[0].toArray()).toEqual(θ.unfold([zeros([2])])[0].toArray());
  });

  it("does not draw from the default generator", () => {
    const bytes = serialize(new Everything());
    seed(3);
    Random.default.uniform();
    const { state } = Random.default;
    restore(bytes);
    expect(Random.default.state).toEqual(state);
    expect(() => restore(edited(bytes, (header) => { header.structure.nodes[3].options.inputs = "x"; }))).toThrow(CheckpointError);
    expect(Random.default.state).toEqual(state);
  });
});

describe("components of the library", () => {
  const classes = Object.entries(components).filter(([, value]) => typeof value === "function" && value.prototype instanceof Component);
  it("are registered under their names, but for those that are abstract", () => {
    const abstract = ["LinearModel", "Recurrent", "SequenceComponent"];
    expect(Object.entries(libraryComponents).sort()).toEqual(classes.filter(([name]) => !abstract.includes(name)).sort());
  });

  const random = new Random(3);
  const examples = Object.values(libraryComponents).map((Kind) => new (Kind as unknown as Build)(randomOptions(Kind as unknown as Build, random) as never));
  it.each(examples.map((θ) => [θ.constructor.name, θ as Component] as const))("%s comes back", (_, θ) => {
    const other = again(θ);
    expect(other.constructor).toBe(θ.constructor);
    expect(values(other)).toEqual(values(θ));
    expect(JSON.stringify((other as never as { options: object }).options)).toBe(JSON.stringify((θ as never as { options: object }).options));
  });
});

describe("what is nested deep", () => {
  class Link extends Component {
    next: unknown = null;
    readonly w = parameter([1]);
  }
  class Holder extends Component {
    readonly field: unknown;
    constructor(options: { field: unknown }) {
      super();
      this.field = options.field;
    }
    get options(): object { return { field: this.field }; }
  }
  const names = { components: { Link, Holder } };
  const chain = (length: number, wrap: (link: Link | null) => unknown): Link => {
    const first = new Link();
    let last = first;
    for (let i = 1; i < length; i++) {
      const link = new Link();
      last.next = wrap(link);
      last = link;
    }
    return first;
  };
  const nested = (levels: number, wrap: (inner: unknown) => unknown): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => wrap(inner), 1);
  // A level of each kind takes another number of levels of JSON, and of what is made of it.
  it.each<[string, Component]>([
    ["components", chain(199, (link) => link)], ["components in arrays", chain(99, (link) => [link])],
    ["components in maps", chain(99, (link) => new Map([["next", link]]))],
    ["arrays", new Holder({ field: nested(198, (x) => [x]) })], ["maps", new Holder({ field: nested(198, (x) => new Map([[1, x]])) })],
    ["objects with $", new Holder({ field: nested(198, (x) => ({ $: x })) })],
    ["arrays held twice", new Holder({ field: nested(15, (x) => [[x], x]) })],
    ["components by options", nested(99, (x) => new Holder({ field: x })) as Component],
  ])("comes back: %s", (_, θ) => {
    const bytes = serialize(θ, names);
    const other = restore(bytes, names).component;
    expect(Buffer.from(serialize(other, names)).equals(Buffer.from(bytes))).toBe(true);
  });

  it("is refused when it is saved, if it could not be read", () => {
    expect(() => serialize(chain(210, (link) => link), names)).toThrow(ValueError);
    expect(() => serialize(new Holder({ field: nested(60, (x) => [[x], x]) }), names)).toThrow(/in more ways than can be gone through/); // 2^60 paths
    const deepMetadata = nested(199, (x) => [x]) as never;
    expect(restore(serialize(new Link(), { ...names, metadata: { a: deepMetadata } }), names).metadata).toEqual({ a: deepMetadata });
    expect(() => serialize(new Link(), { ...names, metadata: { a: [deepMetadata] } })).toThrow(/more than 200 levels/);
  });
});

describe("what cannot be saved", () => {
  class Holder extends Component {
    constructor(readonly field: unknown, readonly w = parameter([1])) { super(); }
  }
  const { components: names } = { components: { Holder } };
  it.each<[string, unknown, RegExp]>([
    [
      "a function", () => 1,
      /cannot save field\.inner\.0, which holds a function that is not a registered activation.*registerActivation\(name, f\).*`options` getter/s,
    ],
    ["an object of a class", new Date(), /cannot save field\.inner\.0, which holds an object of the class Date.*`options` getter/s],
    ["a set", new Set([1]), /an object of the class Set/],
    ["a symbol", Symbol("s"), /a symbol/],
    [
      "an object as a key", new Map([[Object.create(null) as object, parameter([1])]]),
      /cannot save field\.inner\.0, which holds a map with an array or an object as a key\. Use numbers or strings/,
    ],
  ])("%s", (_, value, message) => {
    expect(() => serialize(new Holder({ inner: [value] }), { components: names })).toThrow(ValueError);
    expect(() => serialize(new Holder({ inner: [value] }), { components: names })).toThrow(message);
  });

  it("a field with the name of a method, two arrays with one path, a path of the format's", () => {
    const hiding = new Holder(1);
    Object.assign(hiding, { toString: 3 });
    expect(() => serialize(hiding, { components: names })).toThrow(/cannot save toString, which holds a field with the name of a method/);
    expect(() => serialize(new Holder({ "a.b": parameter([1]), a: { b: parameter([2]) } }), { components: names }))
      .toThrow(/two arrays with the path "field.a.b"/);
    const odd = new Holder(1);
    Object.assign(odd, { __metadata__: parameter([1]) });
    expect(() => serialize(odd, { components: names })).toThrow(/the format keeps that name/);
  });

  it("a Variable of a step that has ended, options that contain the component, endless nesting", () => {
    let gone: Variable = zeros([]);
    grad(() => {
      const p = parameter([1]);
      gone = p.mul(2);
      return gone.sum();
    });
    expect(() => serialize(new Holder(gone), { components: names })).toThrow(/cannot save field: This Variable \[1\] was made by mul in a step that has ended/);
    class Own extends Component {
      get options(): object { return { self: this }; }
    }
    expect(() => serialize(new Own(), { components: { Own } })).toThrow(/cannot save options.self, which holds a component whose own options this is part of/);
    let deep: unknown = 1;
    for (let i = 0; i < 201; i++) deep = [deep];
    expect(() => serialize(new Holder(deep), { components: names })).toThrow(ValueError);
    const unnamed = new components.FeedForward({ inputs: 1, outputs: 1, activation: (x) => x.mul(2) });
    expect(() => serialize(unnamed)).toThrow(/cannot save options, .*registerActivation/);
  });
});

describe("classes", () => {
  it("that are not registered are saved for `into` only, and restore says so", () => {
    const θ = new Unregistered();
    const bytes = serialize(θ);
    expect(() => restore(bytes)).toThrow(/no class was registered for the component itself.*\{ into: component \}.*registerComponents/s);
    const other = new Unregistered();
    other.counts.fill(0);
    Object.assign(other, { mean: zeros([2]) });
    expect(restore(bytes, { into: other }).component).toBe(other);
    expect(values(other)).toEqual(values(θ));
    expect(other.mean.toArray()).toEqual([1, 2]);
    expect(other.counts).toEqual(θ.counts);
  });

  it("that are unknown where a file is restored are named, with similar ones", () => {
    class Dekoder extends Component {
      readonly w = parameter([1]);
    }
    const bytes = serialize(new Dekoder(), { components: { Dekoder } });
    expect(() => restore(bytes)).toThrow(ValueError);
    expect(() => restore(bytes)).toThrow(/no component is registered as "Dekoder" \(similar: Decoder\).*registerComponents\(\{ Dekoder \}\)/s);
  });

  it("keep the names they have", () => {
    class Own extends Component {}
    expect(() => registerComponents({ Lstm: Own })).toThrow(/the name "Lstm", which another class has already/);
    expect(() => registerComponents({ Own, Other: Logistic })).toThrow(/already registered as "Logistic"/);
    expect(() => registerComponents({ Own: {} as never })).toThrow(/classes that extend Component/);
    expect(() => registerComponents(null as never)).toThrow(ValueError);
    registerComponents({ Logistic }); // once more is fine
    expect(() => serialize(new Own())).not.toThrow();
    expect(() => restore(serialize(new Own()))).toThrow(/no class was registered/); // the failed calls have registered nothing
  });
});

describe("a made-up structure", () => {
  const lstm = serialize(new components.Lstm({ inputs: 2, outputs: 3 }));
  const logistic = serialize(new Logistic(2, 3));
  const fails = (bytes: Uint8Array, edit: Parameters<typeof edited>[1], message: RegExp): void => {
    const start = performance.now();
    expect(() => restore(edited(bytes, edit))).toThrow(message);
    expect(() => restore(edited(bytes, edit))).toThrow(CheckpointError);
    expect(performance.now() - start).toBeLessThan(5000); // nothing large was made
  };

  it.each([1e9, 1e5, 20000, 1e308])("of huge size %d is refused before anything is made", (size) => {
    fails(lstm, ({ structure }) => { structure.nodes[0].options.outputs = size; }, /Lstm does not take the options/);
    const shape = serialize(new components.ValueComponent({ shape: [2] }));
    fails(shape, ({ structure }) => { structure.nodes[0].options.shape = [size, 2]; }, /ValueComponent/);
    const memory = serialize(new components.MemoryNetwork({ inputs: 2, size: 2 }));
    fails(memory, ({ structure }) => { structure.nodes[0].options.hops = size; }, /MemoryNetwork/);
    fails(
      serialize(new components.FeedForward({ inputs: 1, outputs: 1 })),
      ({ structure }) => { structure.nodes[0].options.inputs = structure.nodes[0].options.outputs = size; }, /FeedForward/,
    );
  });

  it("must fit its tensors", () => {
    fails(
      lstm, ({ structure }) => { structure.nodes[0].options.inputs = 4; },
      /"Lstm" has "wi" as a parameter \[3, 2\] in the file, but its constructor makes a parameter \[3, 4\]/,
    );
    fails(lstm, ({ structure }) => { structure.nodes[0].holds.pop(); }, /"Lstm" holds "c0", for which the file has no values/);
    fails(lstm, ({ structure }) => { structure.nodes[0].holds[0][1].tensor = "nowhere"; }, /refers to the tensor "nowhere", which is not there/);
    fails(lstm, ({ structure }) => { structure.nodes[0].holds[0][0] = ["x", "y"]; }, /"x.y" in the file, but as the class is now it makes no such field/);
    fails(lstm, ({ structure }) => { structure.nodes[0].holds[0][1] = { $: "parameter", tensor: "wo" }; }, /no place for the tensor "wi"/);
    fails(
      lstm, ({ structure }) => { structure.nodes[0].holds[0][1] = { $: "node", id: 0 }; },
      /"Lstm" has "wi" as a component in the file, but its constructor makes a parameter/,
    );
    const stacked = serialize(new components.Stacked({ layers: [new components.Lstm({ inputs: 2, outputs: 2 })] }));
    fails(
      stacked, ({ structure }) => { structure.nodes[0].holds[0][1] = { $: "parameter", tensor: "layers.0.wi" }; },
      /"layers.0" as a parameter in the file, but its constructor makes a component/,
    );
    fails(
      stacked, ({ structure }) => { structure.nodes[0].holds[0][1].id = structure.nodes.push({ value: [] }) - 1; },
      /"layers.0" as a value in the file, but its constructor makes a component/,
    );
    fails(logistic, ({ structure }) => { structure.nodes[0].fields.pop(); }, /no place for the tensor "b"/);
    fails(logistic, ({ structure }) => { structure.nodes[0].fields[0][1].$ = "array"; }, /the tensor "w" as/);
  });

  it("must be one that components can have", () => {
    fails(lstm, (header) => { header.structure = []; }, /structure is no list of components/);
    fails(lstm, ({ structure }) => { structure.nodes = []; }, /no list/);
    for (const key of [[], {}, { toString: 1 }, { $: "map", entries: [] }]) fails(
      logistic, ({ structure }) => { structure.nodes[0].fields.push(["m", { $: "map", entries: [[key, 1]] }]); },
      /map in its structure has an array or an object as a key/,
    );
    for (const unregistered of [[], [7], [{ toString: 1, valueOf: 1 }]]) {
      fails(lstm, (header) => { header.structure = { unregistered }; }, /names no parts that had no class/);
    }
    fails(lstm, ({ structure }) => { delete structure.nodes[0].options; }, /no options for "Lstm"/);
    fails(lstm, ({ structure }) => { structure.nodes[0].options.bogus = 1; }, /Lstm does not take the options that are in it: .*"bogus"/);
    fails(lstm, ({ structure }) => { structure.nodes[0].options = { $: "node", id: 0 }; }, /part of its own options/);
    fails(lstm, ({ structure }) => { structure.nodes[0].options = { $: "node", id: 7 }; }, /refers to the part 7 of 1/);
    fails(lstm, ({ structure }) => { structure.nodes[0] = { value: [] }; }, /does not begin with a component/);
    fails(lstm, ({ structure }) => { structure.nodes[0].class = 7; }, /neither a component nor a value/);
    fails(
      lstm, ({ structure }) => { structure.nodes[0].options.normed = { $: "code", value: "f" }; },
      /"code", or its value, which this version of Flimsy does not know/,
    );
    fails(logistic, ({ structure }) => { structure.nodes[0].fields.push(["score", 1]); }, /"score" of "Logistic" in its structure would hide a method/);
    fails(logistic, ({ structure }) => { structure.nodes[0].fields.push(["__proto__", {}]); }, /"__proto__"/);
    fails(logistic, ({ structure }) => { structure.nodes[0].fields.push(["constructor", {}]); }, /"constructor"/);
    fails(
      logistic, ({ structure }) => { structure.nodes[0].fields.push(["r", { $: "random", seed: -1, counter: 0 }]); },
      /a generator with a state that cannot be/,
    );
    fails(
      logistic,
      ({ structure }) => { structure.nodes[0].fields.push(["v", { $: "node", id: 1 }]); structure.nodes.push({ value: { $: "node", id: 1 } }); },
      /shared value/,
    );
  });

  it("may be neither deep nor endless", () => {
    fails(logistic, ({ structure }) => {
      let deep: unknown = 1;
      for (let i = 0; i < 690; i++) deep = [deep];
      structure.nodes[0].fields.push(["deep", deep]);
      for (let i = 1; i < 100; i++) structure.nodes.push({ class: "Logistic", fields: [["next", { $: "node", id: i + 1 }]] });
      structure.nodes.push({ value: [deep] });
      structure.nodes[0].fields.push(["chain", { $: "node", id: 1 }]);
    }, /nested in more than 700 levels/);
    // A chain that is short wherever it is built, but long in the end.
    fails(logistic, ({ structure }) => {
      for (let i = 1; i < 5000; i++) {
        structure.nodes[0].fields.push([`f${i}`, { $: "node", id: i }]);
        structure.nodes.push({ value: i === 1 ? [] : [{ $: "node", id: i - 1 }] });
      }
    }, /in so many ways that they cannot be gone through/);
    // 2^60 paths.
    fails(logistic, ({ structure }) => {
      for (let i = 1; i < 60; i++) structure.nodes.push({ value: [{ $: "node", id: i + 1 }, { $: "node", id: i + 1 }] });
      structure.nodes.push({ value: [] });
      structure.nodes[0].fields.push(["many", { $: "node", id: 1 }]);
    }, /in so many ways that they cannot be gone through/);
  });

  it("of another version is not guessed at", () => {
    expect(() => restore(edited(lstm, (header) => { header.version = "2"; }))).toThrow(/version "2" of the checkpoint format; this version of Flimsy reads 1/);
  });

  it("does not keep `into` and `inspect` from what they need", () => {
    const bytes = edited(lstm, ({ structure }) => { structure.nodes = "broken"; });
    expect(inspect(bytes).tensors.length).toBe(14);
    expect(() => restore(bytes, { into: new components.Lstm({ inputs: 2, outputs: 3 }) })).not.toThrow();
  });
});
