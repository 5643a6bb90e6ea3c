import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { affine, Component, grad, input, type Parameter, parameter, state, sum, type Variable, zeros } from "../../src/index.ts";

class Layer extends Component {
  readonly w: Parameter;
  readonly b: Parameter;
  constructor(outputs: number, inputs: number, readonly name = "layer") {
    super();
    this.w = parameter(zeros([outputs, inputs]));
    this.b = parameter(zeros([outputs]));
  }
  score(x: Variable): Variable { return affine(this.w, x, this.b); }
}

class Network extends Component {
  readonly layers = [new Layer(4, 3), new Layer(2, 4)];
  readonly byName = new Map<string, unknown>([["extra", new Layer(1, 1)], ["free", parameter(0)], ["text", "no parameter"]]);
  readonly plain = { deep: { gain: parameter([1]) }, size: 3 };
  readonly nested = [[parameter([1, 2])], [parameter([3])]];
  readonly data = input([1, 2, 3]);
  readonly typed = new Float32Array(3);
  readonly when = new Date(0);
  readonly nothing = null;
  readonly missing = undefined;
  readonly f = (x: Variable): Variable => x;
  readonly classes = 2;
}

describe("a component", () => {
  it("names its parameters by paths through components, arrays, maps and objects", () => {
    expect([...new Network().namedParameters().keys()]).toEqual([
      "layers.0.w", "layers.0.b", "layers.1.w", "layers.1.b", "byName.extra.w", "byName.extra.b", "byName.free", "plain.deep.gain",
      "nested.0.0", "nested.1.0",
    ]);
  });

  it("forgets the gradients of all its parameters", () => {
    const network = new Network();
    grad(() => network.parameters().map((p) => p.sum()).reduce((a, b) => a.add(b)));
    expect(network.parameters().every((p) => p.grad !== null)).toBe(true);
    network.clearGrad();
    expect(network.parameters().every((p) => p.grad === null)).toBe(true);
    expect(() => grad(() => {
      const loss = network.layers[0].w.sum();
      network.clearGrad();
      return loss;
    })).toThrow(/clearGrad was called inside grad/);
  });

  it("freezes all its parameters, and prints which are frozen", () => {
    const layer = new Layer(4, 3);
    expect(layer.freeze()).toBe(layer);
    expect(layer.parameters().map((p) => p.isFrozen)).toEqual([true, true]);
    expect(String(layer)).toBe("Layer (16 parameters, all frozen)\n  w: [4, 3] (frozen)\n  b: [4] (frozen)");
    layer.b.unfreeze();
    expect(String(layer)).toBe("Layer (16 parameters, 12 frozen)\n  w: [4, 3] (frozen)\n  b: [4]");
    expect(layer.unfreeze()).toBe(layer);
    expect([layer.parameters().some((p) => p.isFrozen), layer.parameterCount]).toEqual([false, 16]);
  });

  it("loses none of two that have the same path", () => {
    class Keyed extends Component {
      readonly byKey = new Map<unknown, Parameter>([[1, parameter(1)], ["1", parameter(2)]]);
    }
    class Dotted extends Component {
      readonly a = { "b.c": parameter(1), b: { c: parameter(2) } };
    }
    for (const component of [new Keyed(), new Dotted()]) {
      expect(component.parameters().map((p) => p.item())).toEqual([1, 2]);
      expect(component.parameterCount).toBe(2);
      expect(() => component.namedParameters()).toThrow(/holds two parameters under the path (byKey.1|a.b.c). Give one of them another key/);
    }
    const same = parameter(3);
    expect([...Object.assign(new Dotted(), { a: { "b.c": same, b: { c: same } } }).namedParameters().keys()]).toEqual(["a.b.c"]);
  });

  it("lists every parameter once, in the order of the fields", () => {
    const shared = new Layer(2, 2);
    class Tied extends Component {
      readonly encoder = shared;
      readonly decoder = shared;
      readonly w = shared.w;
    }
    const tied = new Tied();
    expect(tied.parameters()).toEqual([shared.w, shared.b]);
    expect([...tied.namedParameters().keys()]).toEqual(["encoder.w", "encoder.b", "decoder.w", "decoder.b", "w"]);
    expect(tied.namedParameters().get("decoder.w")).toBe(shared.w);
  });

  it("may know its parent, and itself", () => {
    class Child extends Component {
      readonly w = parameter([1]);
      constructor(readonly parent: Component) { super(); }
    }
    class Parent extends Component {
      readonly child = new Child(this);
      readonly self: unknown = this;
      readonly list: unknown[] = [];
      constructor() {
        super();
        this.list.push(this.list, this);
      }
    }
    const parent = new Parent();
    expect([...parent.namedParameters().keys()]).toEqual(["child.w"]);
    expect([...parent.child.namedParameters().keys()]).toEqual(["w"]);
    expect(String(parent)).toBe("Parent (1 parameter)\n  child: Child\n    w: [1]");
  });

  it("sees parameters that come later", () => {
    class Growing extends Component { readonly parts: Layer[] = []; }
    const growing = new Growing();
    expect(growing.parameters()).toEqual([]);
    growing.parts.push(new Layer(1, 1));
    expect(growing.parameters()).toHaveLength(2);
  });

  it("prints its structure, shapes and number of parameters", () => {
    const network = new Network();
    const text = [
      "Network (33 parameters)",
      "  layers: array of 2",
      "    0: Layer",
      "      w: [4, 3]",
      "      b: [4]",
      "    1: Layer",
      "      w: [2, 4]",
      "      b: [2]",
      "  byName: map of 3",
      "    extra: Layer",
      "      w: [1, 1]",
      "      b: [1]",
      "    free: []",
      "  plain: object",
      "    deep: object",
      "      gain: [1]",
      "  nested: array of 2",
      "    0: array of 1",
      "      0: [2]",
      "    1: array of 1",
      "      0: [1]",
    ].join("\n");
    expect(String(network)).toBe(text);
    expect(inspect(network)).toBe(text);
    class Nothing extends Component {}
    expect(String(new Nothing())).toBe("Nothing (0 parameters)");
    class Large extends Component { readonly w = parameter(zeros([1000, 2000])); }
    expect(String(new Large())).toBe("Large (2,000,000 parameters)\n  w: [1000, 2000]");
  });

  it("counts a shared parameter once", () => {
    class Tied extends Component {
      readonly w = parameter([1, 2]);
      readonly again = this.w;
    }
    expect(new Tied().parameterCount).toBe(2);
    expect(new Network().parameterCount).toBe(33);
    expect(new (class extends Component {})().parameterCount).toBe(0);
    expect(String(new Tied())).toBe("Tied (2 parameters)\n  w: [2]\n  again: [2]");
  });

  it("may be forgotten while a parameter of it is used on", () => {
    const w = ((): Parameter => {
      const layer = new Layer(1, 2);
      grad(() => sum(layer.score(input([1, 2]))));
      return layer.w;
    })();
    globalThis.gc?.();
    expect(w.grad?.toArray()).toEqual([[1, 2]]);
    grad(() => sum(w.mul(3)));
    expect(w.grad?.toArray()).toEqual([[4, 5]]);
  });
});

describe("state of a component", () => {
  class Norm extends Component {
    readonly scale = parameter([1, 1]);
    readonly mean = state([0, 0]);
  }
  class Model extends Component {
    readonly layers = [new Norm(), new Norm()];
    readonly memory = { counts: new Map([["seen", state(0)]]) };
    readonly again = this.layers[1].mean;
    readonly data = input([1, 2]);
  }

  it("is found like parameters, and is none of them", () => {
    const model = new Model();
    expect([...model.namedState().keys()]).toEqual(["layers.0.mean", "layers.1.mean", "memory.counts.seen", "again"]);
    expect(model.namedState().get("again")).toBe(model.layers[1].mean);
    expect([...model.namedParameters().keys()]).toEqual(["layers.0.scale", "layers.1.scale"]);
    expect([model.parameters().length, model.parameterCount]).toEqual([2, 4]);
    class Keyed extends Component {
      readonly byKey = new Map<unknown, unknown>([[1, state(1)], ["1", state(2)]]);
    }
    expect(() => new Keyed().namedState()).toThrow("Keyed holds two states under the path byKey.1. Give one of them another key.");
  });

  it("is printed as what it is", () => {
    expect(String(new Model())).toBe([
      "Model (4 parameters)", "  layers: array of 2", "    0: Norm", "      scale: [2]", "      mean: [2] (state)", "    1: Norm", "      scale: [2]",
      "      mean: [2] (state)",
      "  memory: object", "    counts: map of 1", "      seen: [] (state)", "  again: [2] (state)",
    ].join("\n"));
  });
});
