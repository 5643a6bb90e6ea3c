import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lstm } from "../../src/components/index.ts";
import {
  Adam, Component, FlimsyError, GradientDescent, GradientNoise, grad, input, type Parameter, parameter, Random, RmsProp, ShapeError, schedule, seed,
  setDevice, state, UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { CheckpointError, inspect, readTensors, registerComponents, restore, save, serialize, serializeTensors } from "../../src/io/index.ts";
import { Logistic, Unregistered } from "./components.ts";
import { edited } from "./mutations.ts";
import { inFloat32 } from "../device.ts";

registerComponents({ Logistic });
beforeEach(() => { seed(1); });
afterEach(() => { setDevice("wasm"); });

function train(θ: Logistic, optimizer: { update(): void }, steps: number): void {
  for (let i = 0; i < steps; i++) {
    grad(() => θ.score(input([[1, 2, 3], [i, 1, 0]])).sum());
    optimizer.update();
  }
}
const values = (θ: Component): number[][] => θ.parameters().map((p) => Array.from(p.data));

describe("a checkpoint", () => {
  it("has the component, how far training is, and what was kept with it", () => {
    const θ = new Logistic(2, 3);
    const metadata = { loss: 0.5, best: Infinity, none: null, list: [1, [true, "x"], { nan: NaN }], words: { a: -0, __proto: 1 } };
    const found = restore(serialize(θ, { step: 12, metadata }));
    expect(found.step).toBe(12);
    expect(found.metadata).toEqual(metadata);
    expect(found.optimizer).toBeNull();
    expect(found.optimizers).toEqual({});
    expect(found.random).toEqual({ default: Random.default.state });
    expect(values(found.component)).toEqual(values(θ));
  });

  it("has tensors under the names of paths, for any reader", () => {
    const θ = new Logistic(2, 3);
    const optimizer = new Adam(θ);
    const bytes = serialize(θ, { optimizer });
    expect([...readTensors(bytes).keys()].sort())
      .toEqual(["b", "optimizer/firstMoment/b", "optimizer/firstMoment/w", "optimizer/rootSecondMoment/b", "optimizer/rootSecondMoment/w", "w"]);
    expect(readTensors(bytes).get("w")?.toArray()).toEqual(θ.w.toArray());
  });

  inFloat32()("can be looked at without loading", () => {
    const θ = new Unregistered();
    const found = inspect(serialize(θ, { step: 3, metadata: { a: [1] } }));
    expect(found).toEqual({
      step: 3, metadata: { a: [1] },
      tensors: [{ name: "counts", dtype: "F32", shape: [2] }, { name: "mean", dtype: "F32", shape: [2] }, { name: "w", dtype: "F32", shape: [2, 3] }],
    });
  });

  it("can be looked at in a file where an empty array begins at the place of another", () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), "flimsy-io-")), "m.safetensors");
    const metadata = { none: new Float64Array(0), one: Float32Array.of(1), bytes: new Uint8Array(0) };
    save(file, new Logistic(1, 1), { metadata });
    expect(inspect(file).metadata).toEqual(metadata);
    rmSync(path.dirname(file), { recursive: true });
  });

  inFloat32()("keeps every bit of float32 and float64, on each device", () => {
    const odd = Float32Array.of(NaN, -0, Infinity, -Infinity, 2 ** -149, 3.4e38, 0.1);
    new Uint32Array(odd.buffer)[0] = 0x7fc01234; // a NaN with a payload
    const θ = new Logistic(1, 1);
    Object.assign(θ, { w: parameter(odd) });
    const other = restore<Logistic>(serialize(θ)).component;
    expect(new Uint32Array(other.w.data.buffer)).toEqual(new Uint32Array(odd.buffer));
    setDevice("reference");
    const precise = new Logistic(2, 3);
    const bytes = serialize(precise);
    expect(inspect(bytes).tensors[0].dtype).toBe("F64");
    expect(restore<Logistic>(bytes).component.w.data).toEqual(precise.w.data);
    setDevice("wasm");
    expect(Array.from(restore<Logistic>(bytes).component.w.data)).toEqual(Array.from(precise.w.data, Math.fround));
  });

  it("keeps typed arrays of the metadata as tensors, bit for bit", () => {
    const θ = new Logistic(2, 3);
    const whole = Float64Array.of(9, 0.1, -0, Infinity, 9);
    const metadata = {
      curve: whole.subarray(1, 4), list: [{ known: Uint8Array.of(0, 255), counts: BigInt64Array.of(-(2n ** 62n)) }], none: new Float32Array(0),
    };
    const bytes = serialize(θ, { metadata });
    for (const { metadata: found } of [restore(bytes), restore(bytes, { into: new Logistic(2, 3) }), inspect(bytes)]) {
      expect(found).toStrictEqual({ ...metadata, curve: Float64Array.of(0.1, -0, Infinity) });
    }
    expect([...readTensors(serialize(θ, { metadata: { a: Float32Array.of(1, 2) } })).get("metadata/0")?.data ?? []]).toEqual([1, 2]);
    for (const wrong of ["w", "metadata/9", 3, "metadata/0"]) {
      const damaged = edited(bytes, (parts) => { parts.metadata.list[0].known.tensor = wrong; });
      for (const read of [restore, inspect]) expect(() => read(damaged)).toThrow(CheckpointError);
    }
  });

  it("refuses options that it does not have, and metadata that JSON does not have", () => {
    const θ = new Logistic(2, 3);
    expect(() => serialize({} as never)).toThrow(ValueError);
    expect(() => serialize(θ, { optimiser: 1 } as never)).toThrow(/serialize got the option "optimiser"/);
    expect(() => serialize(θ, { step: -1 })).toThrow(/integer of at least 0 as step/);
    expect(() => serialize(θ, { optimizer: {} as never })).toThrow(/an Optimizer as optimizer/);
    expect(() => serialize(θ, { random: 1 as never })).toThrow(/a Random as random/);
    expect(() => serialize(θ, { random: { default: new Random(1) } })).toThrow(/"default", which is the name of Random.default/);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    for (const [metadata, message] of [
      [{ a: () => 1 }, /cannot save metadata\.a, which is a function/], [{ a: { b: [new Date()] } }, /metadata\.a\.b\[0\], which is a value of type Date/],
      [{ a: undefined }, /metadata\.a, which is undefined/], [circle, /contains itself/], [[1], /takes an object as metadata/], [{ $: 1 }, /the key "\$"/],
      [Float64Array.of(1), /takes an object as metadata/],
    ] as const) expect(() => serialize(θ, { metadata: metadata as never })).toThrow(message);
    expect(() => restore(serialize(θ), { typo: 1 } as never)).toThrow(/restore got the option "typo"/);
    expect(() => restore(serialize(θ), { into: {} as never })).toThrow(ValueError);
  });
});

describe("into a component that is there", () => {
  it("puts the values, and forgets gradients of other values", () => {
    const θ = new Logistic(2, 3);
    const other = new Logistic(2, 3);
    const { w } = other;
    grad(() => other.score(input([1, 2, 3])).sum());
    expect(restore(serialize(θ), { into: other }).component).toBe(other);
    expect(other.w).toBe(w);
    expect(values(other)).toEqual(values(θ));
    expect(other.w.grad).toBeNull();
  });

  it("takes safetensors files from elsewhere", () => {
    const θ = new Logistic(1, 2);
    const bytes = serializeTensors({ w: input([[1, 2]]), b: input([3]) }, { metadata: { format: "pt" } });
    const found = restore(bytes, { into: θ });
    expect(values(θ)).toEqual([[1, 2], [3]]);
    expect([found.step, found.metadata, found.optimizer, found.random]).toEqual([0, { format: "pt" }, null, {}]);
    expect(() => restore(bytes)).toThrow(/a safetensors file without the structure of a component.*into.*readTensors/s);
  });

  it("refuses a file without an array that is remembered beside the parameters, wherever it is held, and says what can be done", () => {
    class Norm extends Component {
      mean: Variable | undefined = input([0, 0]);
      constructor(remembers = true) {
        super();
        if (!remembers) this.mean = undefined;
      }
    }
    class Net extends Component {
      readonly w = parameter([1]);
      readonly list: unknown[];
      readonly map: Map<string, unknown>;
      readonly counts: Int32Array | null;
      constructor(readonly norm: Norm, remembers = true) {
        super();
        this.list = remembers ? [{ seen: input([1, 2, 3]) }, norm.mean] : []; // of one array one path is enough
        this.map = new Map(remembers ? [["deep", [input(4)]]] : []);
        this.counts = remembers ? Int32Array.of(0) : null;
      }
    }
    const old = serialize(new Net(new Norm(false), false));
    const net = new Net(new Norm());
    expect(() => restore(old, { into: net })).toThrow(new ValueError(
      "The given data was not loaded, since it does not fit the Net. Nothing has been changed.\n" +
        "  not in the file: norm.mean [2], list.0.seen [3], map.deep.0 [], counts [1]\n" +
        "  norm.mean, list.0.seen, map.deep.0, counts are no parameters, but are kept in files as well. " +
        "If the file is older than that field, take it out while the file is restored (θ.mean = undefined), and put it back",
    ));
    // The other way round, and what the message advises.
    expect(() => restore(serialize(net), { into: new Net(new Norm(false), false) }))
      .toThrow("only in the file: list.0.seen [3], map.deep.0 [], norm.mean [2], counts [1]");
    const norm = new Norm();
    const { mean } = norm;
    norm.mean = undefined;
    restore(serialize(new Norm(false)), { into: norm });
    norm.mean = mean;
    expect(() => restore(serialize(norm), { into: new Norm() })).not.toThrow();
  });

  it("refuses another architecture with every difference, and changes nothing", () => {
    class Other extends Component {
      readonly w: Parameter = parameter([[1, 2, 3]]);
      readonly layers = [{ u: parameter([1]) }];
    }
    const other = new Other();
    const message = "The given data was not loaded, since it does not fit the Other. Nothing has been changed.\n" +
      "  not in the file: layers.0.u [1]\n  only in the file: b [2]\n  of another shape: w is [2, 3] in the file, but [1, 3] here";
    expect(() => restore(serialize(new Logistic(2, 3)), { into: other })).toThrow(new ValueError(message));
    expect(values(other)).toEqual([[1, 2, 3], [1]]);
    const wide = new Logistic(2, 4);
    const before = values(wide);
    expect(() => restore(serialize(new Logistic(2, 3)), { into: wide })).toThrow(ShapeError);
    expect(values(wide)).toEqual(before);
    class Many extends Component { readonly list = Array.from({ length: 30 }, () => parameter([1])); }
    expect(() => restore(serialize(new Logistic(2, 3)), { into: new Many() })).toThrow(/list\.9 \[1\], and 20 more/);
  });

  it("knows shared parameters by all of their paths", () => {
    class Pair extends Component {
      readonly a = parameter([1, 2]);
      readonly b: Parameter;
      constructor(tied: boolean) {
        super();
        this.b = tied ? this.a : parameter([3, 4]);
      }
    }
    const untied = new Pair(false);
    restore(serialize(new Pair(true)), { into: untied });
    expect(values(untied)).toEqual([[1, 2], [1, 2]]);
    const tied = new Pair(true);
    expect(() => restore(serialize(new Pair(false)), { into: tied })).toThrow(/b is one array with a here, but in the file they are two/);
    restore(serialize(new Pair(true)), { into: tied });
    // A file from elsewhere needs one of the paths.
    restore(serializeTensors({ b: input([7, 8]) }), { into: tied });
    expect(values(tied)).toEqual([[7, 8]]);
  });

  describe("has state under its path", () => {
    class Norm extends Component {
      readonly scale = parameter([1, 1]);
      readonly mean = state([0, 0]);
      readonly parts = new Map([["seen", [state(0)]]]);
      readonly again = this.mean;
      forward(x: Variable): Variable {
        this.mean.assign(this.mean.add(x).mul(0.5));
        this.parts.get("seen")?.[0].assign(this.parts.get("seen")?.[0].add(1) as Variable);
        return x.sub(this.mean).mul(this.scale);
      }
    }
    const trained = () => {
      const norm = new Norm();
      const optimizer = new Adam(norm);
      for (let i = 0; i < 3; i++) {
        grad(() => norm.forward(input([1, 2 + i])).sum());
        optimizer.update();
      }
      return { norm, optimizer };
    };
    const states = (component: Component) => [...component.namedState()].map(([path, { data }]) => [path, Array.from(data)]);

    it("which takes the values of a file, and stays the same object", () => {
      const { norm, optimizer } = trained();
      const bytes = serialize(norm, { optimizer });
      expect([...readTensors(bytes).keys()].filter((name) => !name.startsWith("optimizer")).sort()).toEqual(["mean", "parts.seen.0", "scale"]);
      const other = Object.freeze(new Norm());
      const { mean } = other;
      const next = new Adam(other);
      restore(bytes, { into: other, optimizer: next });
      expect(other.mean).toBe(mean);
      expect(states(other)).toEqual([["mean", [0.875, 3]], ["parts.seen.0", [3]], ["again", [0.875, 3]]]);
      // It goes on to the bit.
      for (const [θ, its] of [[norm, optimizer], [other, next]] as const) {
        grad(() => θ.forward(input([5, 7])).sum());
        its.update();
      }
      expect([states(other), values(other)]).toEqual([states(norm), values(norm)]);
    });

    it("and is refused where it is missing, additional or of another shape, with nothing changed", () => {
      class Plain extends Component { readonly scale = parameter([1, 1]); }
      class Wide extends Component {
        readonly scale = parameter([1, 1]);
        readonly mean = state([0, 0, 0]);
        readonly parts = { seen: [state(0)] };
      }
      const { norm } = trained();
      const before = states(norm);
      expect(() => restore(serialize(new Plain()), { into: norm }))
        .toThrow(/not in the file: mean \[2\], parts\.seen\.0 \[\]\n {2}mean, parts\.seen\.0 are no parameters, but are kept in files as well/);
      expect(() => restore(serialize(norm), { into: new Plain() })).toThrow(/only in the file: mean \[2\], parts\.seen\.0 \[\]/);
      expect(() => restore(serialize(new Wide()), { into: norm })).toThrow(new ShapeError(
        "The given data was not loaded, since it does not fit the Norm. Nothing has been changed.\n  of another shape: mean is [3] in the file, but [2] here",
      ));
      expect(states(norm)).toEqual(before);
    });

    it("also in files of components that held Variables in its place", () => {
      class Before extends Component {
        readonly scale = parameter([1, 1]);
        readonly mean = input([5, 6]);
        readonly parts = { seen: [input(7)] };
      }
      const norm = new Norm();
      restore(serialize(new Before()), { into: norm });
      expect(states(norm)).toEqual([["mean", [5, 6]], ["parts.seen.0", [7]], ["again", [5, 6]]]);
    });
  });

  it("exchanges Variables and fills typed arrays, wherever they are held", () => {
    class Running extends Component {
      readonly w = parameter([1]);
      readonly mean = input([1, 2]);
      readonly state = new Map([["mean", this.mean]]);
      readonly counts = Int32Array.of(1, 2);
    }
    const θ = new Running();
    Object.assign(θ, { mean: input([5, 6]), counts: Int32Array.of(7, 8) });
    θ.state.set("mean", θ.mean);
    const other = new Running();
    const { counts } = other;
    restore(serialize(θ), { into: other });
    expect(other.mean.toArray()).toEqual([5, 6]);
    expect(other.state.get("mean")).toBe(other.mean);
    expect(other.counts).toBe(counts);
    expect([...counts]).toEqual([7, 8]);
    const fixed = Object.freeze(new Running());
    expect(() => restore(serialize(θ), { into: fixed })).toThrow(/mean is a Variable in a field that is read-only/);
    const wrong = new Running();
    Object.assign(wrong, { counts: Float32Array.of(1, 2) });
    expect(() => restore(serialize(θ), { into: wrong })).toThrow(/counts is I32 in the file, but a Float32Array here/);
    expect(wrong.mean.toArray()).toEqual([1, 2]);
  });

  it("is refused inside of a step", () => {
    const θ = new Logistic(2, 3);
    const bytes = serialize(θ);
    const inside = (): void => { grad(() => { restore(bytes, { into: θ }); return θ.w.sum(); }); };
    expect(inside).toThrow(UsageError);
    expect(inside).toThrow(/restore was called inside grad or evaluate/);
  });
});

describe("going on", () => {
  const noise = (): GradientNoise => new GradientNoise({ eta: 0.1, random: new Random(4) });

  it("restores component, optimizer and generators at once", () => {
    const θ = new Logistic(2, 3);
    const optimizer = new Adam(θ, { learningRate: 0.1, noise: noise() });
    const random = new Random(8);
    train(θ, optimizer, 3);
    random.uniform();
    const bytes = serialize(θ, { optimizer, random });
    const state = random.state;
    const general = Random.default.state;
    train(θ, optimizer, 2);

    const again = new Logistic(2, 3);
    const second = new Adam(again, { learningRate: 0.1, noise: noise() });
    train(again, second, 1);
    const own = new Random(1);
    const found = restore(bytes, { into: again, optimizer: second, random: own });
    expect(found.step).toBe(3);
    expect(own.state).toEqual(state);
    expect(Random.default.state).toEqual(general);
    expect(found.random).toEqual({ default: general, random: state });
    train(again, second, 2);
    expect(values(again)).toEqual(values(θ));

    // The same with a component that is made again.
    const { component, optimizer: saved } = restore<Logistic>(bytes);
    const third = new Adam(component, { learningRate: 0.1, noise: noise() });
    third.restore(saved as NonNullable<typeof saved>);
    train(component, third, 2);
    expect(values(component)).toEqual(values(θ));
  });

  it("has groups that were added later, and what a plateau remembers", () => {
    const begin = () => {
      const [θ, rate] = [new Logistic(2, 3), schedule.plateau(0.1, { factor: 0.5, patience: 1 })];
      const optimizer = new Adam(θ.w, { learningRate: rate });
      return { θ, rate, optimizer };
    };
    const first = begin();
    first.θ.b.freeze();
    train(first.θ, first.optimizer, 2);
    first.θ.b.unfreeze();
    first.optimizer.addGroup({ parameters: first.θ.b, beta1: 0.5 });
    for (const loss of [3, 4, 5, 6]) first.rate.observe(loss);
    train(first.θ, first.optimizer, 2);
    const bytes = serialize(first.θ, { optimizer: first.optimizer });

    const second = begin();
    second.optimizer.addGroup({ parameters: second.θ.b, beta1: 0.5 });
    restore(bytes, { into: second.θ, optimizer: second.optimizer });
    expect(second.rate.state).toEqual({ scale: 0.5, best: 3, since: 1, pause: 0 });
    for (const { θ, rate, optimizer } of [first, second]) {
      rate.observe(5);
      train(θ, optimizer, 2);
    }
    expect(second.optimizer.learningRate).toBe(0.025);
    expect(values(second.θ)).toEqual(values(first.θ));
    const damaged = edited(bytes, ({ training }) => { training.optimizers.optimizer.learningRates[0].since = "1"; });
    expect(() => restore(damaged, { into: second.θ })).toThrow(/without learning rates/);
  });

  it("leaves the default generator alone where a component is only loaded", () => {
    const θ = new Logistic(2, 3);
    const bytes = serialize(θ);
    seed(99);
    restore(bytes);
    restore(bytes, { into: θ });
    expect(Random.default.state).toEqual({ seed: 99, counter: 0 });
  });

  it("takes several optimizers and generators by name", () => {
    const θ = new Logistic(2, 3);
    const optimizer = { weights: new Adam(θ.w), biases: new RmsProp(θ.b, { learningRate: 0.1 }) };
    const both = { update: () => { optimizer.weights.update(); optimizer.biases.update(); } };
    const random = { data: new Random(5), noise: new Random(6) };
    train(θ, both, 2);
    random.noise.uniform();
    const bytes = serialize(θ, { optimizer, random });
    const expected = { data: random.data.state, noise: random.noise.state };
    random.noise.uniform();
    const [w, b] = [optimizer.weights.snapshot(), optimizer.biases.snapshot()];
    train(θ, both, 2);
    const found = restore(bytes, { into: θ, optimizer, random });
    expect(random.noise.state).toEqual(expected.noise);
    expect(optimizer.weights.step).toBe(2);
    expect(optimizer.weights.snapshot().parameters[0].slots.firstMoment.data).toEqual(w.parameters[0].slots.firstMoment.data);
    expect(optimizer.biases.snapshot().parameters[0].slots.meanSquare.data).toEqual(b.parameters[0].slots.meanSquare.data);
    expect(Object.keys(found.optimizers)).toEqual(["weights", "biases"]);
    expect(found.optimizer).toBeNull();
    expect(found.random).toEqual({ default: found.random.default, ...expected });
  });

  it("changes nothing where anything does not fit", () => {
    const θ = new Logistic(2, 3);
    const optimizer = new Adam(θ);
    const random = new Random(5);
    train(θ, optimizer, 2);
    const bytes = serialize(θ, { optimizer, random: { data: random } });
    const several = serialize(θ, { optimizer: { a: optimizer, b: new RmsProp(θ, { learningRate: 1 }) } });
    train(θ, optimizer, 2);
    random.uniform();
    const before = [
      values(θ), optimizer.step, optimizer.snapshot().parameters.map(({ slots }) => Array.from(slots.firstMoment.data)), random.state,
      Random.default.state,
    ];
    const attempts: [() => unknown, RegExp][] = [
      [() => restore(bytes, { into: θ, optimizer: new RmsProp(θ, { learningRate: 1 }) }), /RmsProp remembers meanSquare/],
      [() => restore(bytes, { into: θ, optimizer: new Adam(θ.w) }), /got the state of 2 parameters/],
      [() => restore(bytes, { into: θ, optimizer: new Adam([θ.b, θ.w]) }), /parameter 0 of the optimizer was "w" when it was saved, but is "b" here/],
      [() => restore(bytes, { optimizer }), /the component that it trains as into/],
      [() => restore(bytes, { into: θ, optimizer, random }), /no state for random\. There is one for "default", "data"/],
      [() => restore(bytes, { into: θ, optimizer, random: { other: random } }), /no state for random "other"/],
      [() => restore(serialize(θ), { into: θ, optimizer }), /no state for optimizer\. None was saved/],
      [() => restore(bytes, { into: new Logistic(2, 4), optimizer }), /of another shape/],
      [
        () => restore(bytes, { into: θ, optimizer: new Adam(new Logistic(2, 3)) }),
        /parameter 0 of the optimizer was "w" when it was saved, but belongs to another component here/,
      ],
      // The first of the two fits.
      [() => restore(several, { into: θ, optimizer: { a: optimizer, b: new GradientDescent(θ, { learningRate: 1 }) } }), /GradientDescent remembers nothing/],
    ];
    for (const [attempt, message] of attempts) {
      expect(attempt).toThrow(message);
      expect(attempt).toThrow(FlimsyError);
      expect([values(θ), optimizer.step, optimizer.snapshot().parameters.map(({ slots }) => Array.from(slots.firstMoment.data)), random.state])
        .toEqual(before.slice(0, 4));
    }
  });

  it("moves training between devices", () => {
    const θ = new Logistic(2, 3);
    const optimizer = new Adam(θ);
    train(θ, optimizer, 2);
    const bytes = serialize(θ, { optimizer });
    setDevice("reference");
    const other = new Logistic(2, 3);
    const second = new Adam(other);
    restore(bytes, { into: other, optimizer: second });
    expect(values(other)).toEqual(values(θ));
    expect(second.step).toBe(2);
    expect(second.slotsOf(other.w).firstMoment.data).toBeInstanceOf(Float64Array);
  });
});

describe("where there are no files", () => {
  it("save says what to do instead", () => {
    const { process } = globalThis;
    Reflect.deleteProperty(globalThis, "process");
    try {
      expect(() => { save("x", new Lstm({ inputs: 1, outputs: 1 })); }).toThrow(UsageError);
      expect(() => { save("x", new Lstm({ inputs: 1, outputs: 1 })); }).toThrow(/there are no files here.*serialize\(component, options\)/s);
      expect(() => restore("x")).toThrow(/await fetch\(url\)/);
    } finally {
      globalThis.process = process;
    }
  });
});
