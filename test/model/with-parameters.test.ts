import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  affine, checkGradients, Component, cost, evaluate, GradientDescent, grad, gradients, input, type Parameter, parameter, Random, randn, ready, setDevice,
  ShapeError, state, tanh, UsageError, ValueError, type Variable, withParameters, zeros,
} from "../../src/index.ts";
import { onBoth } from "../devices/unwaited.ts";

class Layer extends Component {
  readonly w: Parameter;
  readonly b: Parameter;
  constructor(outputs: number, inputs: number) {
    super();
    this.w = parameter(randn([outputs, inputs], new Random(outputs)));
    this.b = parameter(zeros([outputs]));
  }
  forward(x: Variable): Variable { return affine(this.w, x, this.b); }
}
class Network extends Component {
  readonly layers = [new Layer(4, 2), new Layer(1, 4)];
  forward(x: Variable): Variable { return this.layers[1].forward(tanh(this.layers[0].forward(x))); }
  cost(x: Variable, y: Variable): Variable { return cost.mse(this.forward(x), y); }
}
class Shared extends Component {
  readonly #hidden = parameter([2, 3]);
  readonly byName = new Map([["hidden", this.#hidden]]);
  readonly again = this.#hidden;
  double(): Variable { return this.#hidden.mul(2); }
}

const x = randn([5, 2], new Random(11));
const y = randn([5, 1], new Random(12));

describe.each(["wasm", "reference"] as const)("withParameters on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));

  it("computes as a component with these values, outside of steps and inside", () => {
    const [one, other] = [new Network(), new Network()];
    const random = new Random(3);
    for (const p of other.parameters()) p.assign(randn(p.shape, random));
    const [own, expected] = [one, other].map((each) => evaluate(() => each.forward(x)).toArray());
    const map = other.namedParameters();
    for (let run = 0; run < 5; run++) {
      expect(withParameters(one, map, () => one.forward(x)).toArray()).toEqual(expected);
      const found = evaluate(() => ({ before: one.forward(x), within: withParameters(one, map, () => one.forward(x)), after: one.forward(x) }));
      expect([found.before, found.within, found.after].map((each) => each.toArray())).toEqual([own, expected, own]);
      expect(withParameters(one, map, () => evaluate(() => one.forward(x))).toArray()).toEqual(expected);
    }
  });

  it("lets parameters that are not named stand for themselves, and shows the values that stand in", () => {
    const layer = new Layer(2, 2);
    layer.w.assign([[1, 2], [3, 4]]);
    const b = input([10, 20]);
    const found = withParameters(layer, { b }, () => [layer.forward(input([1, 1])).toArray(), layer.b.toArray(), layer.b.data[1], String(layer.b)]);
    expect(found).toEqual([[13, 27], [10, 20], 20, "Parameter [2] [10, 20]"]);
    expect([layer.b.toArray(), layer.forward(input([1, 1])).toArray()]).toEqual([[0, 0], [3, 7]]);
    evaluate(() => withParameters(layer, { b: b.mul(2) }, () => expect(layer.b.toArray()).toEqual([20, 40])));
  });

  it("reaches a parameter wherever it is used, by any of its paths", () => {
    const shared = new Shared();
    for (const path of ["byName.hidden", "again"]) {
      const both = () => [shared.double(), shared.again.mul(1)].map((each) => each.toArray());
      expect(withParameters(shared, { [path]: input([5, 7]) }, both)).toEqual([[10, 14], [5, 7]]);
    }
    expect(shared.double().toArray()).toEqual([4, 6]);
  });

  it("lets gradients flow to what stands in, and none to what it stands for", () => {
    const [one, other] = [new Network(), new Network()];
    for (const p of other.parameters()) p.assign(p.add(0.5));
    grad(() => other.cost(x, y));
    const expected = other.parameters().map((p) => p.grad?.toArray());
    other.parameters().forEach((p) => { p.clearGrad(); });
    grad(() => withParameters(one, other.namedParameters(), () => one.cost(x, y)));
    expect(other.parameters().map((p) => p.grad?.toArray())).toEqual(expected);
    other.parameters().forEach((p) => { p.clearGrad(); });
    withParameters(one, other.namedParameters(), () => grad(() => one.cost(x, y)));
    expect(other.parameters().map((p) => p.grad?.toArray())).toEqual(expected);
    expect(one.parameters().every((p) => p.grad === null)).toBe(true);
  });

  it("differentiates through steps of gradient descent, as model-agnostic meta-learning does", () => {
    const model = new Network();
    /** The cost after two steps of descent from the weights, on other data. */
    const meta = (): Variable => {
      let fast = model.namedParameters() as Map<string, Variable>;
      for (let step = 0; step < 2; step++) {
        const slopes = gradients(() => withParameters(model, fast, () => model.cost(x, y)), [...fast.values()]);
        fast = new Map([...fast].map(([path, value], i) => [path, value.sub(slopes[i].mul(0.05))]));
      }
      return withParameters(model, fast, () => model.cost(x.neg(), y));
    };
    const before = model.parameters().map((p) => p.toArray());
    expect(checkGradients(meta, model).ok).toBe(true);
    expect(model.parameters().map((p) => p.toArray())).toEqual(before);
  });

  it("lets gradients flow to what stands in although evaluate was the first to use it", () => {
    const layer = new Layer(1, 1);
    layer.w.assign([[5]]);
    const w = parameter([[2]]);
    grad(() => withParameters(layer, { w }, () => {
      const target = evaluate(() => layer.forward(input([3])));
      return layer.forward(input([3])).mul(target).sum(); // 3w · 6
    }));
    expect([w.grad?.item(), layer.w.grad]).toEqual([18, null]);
  });

  it("reaches frozen parameters too", () => {
    const layer = new Layer(1, 1).freeze();
    const w = parameter([[2]]);
    grad(() => withParameters(layer, { w }, () => layer.forward(input([3])).sum()));
    expect([w.grad?.item(), layer.w.isFrozen]).toEqual([3, true]);
  });

  it("is within another call of it", () => {
    const layer = new Layer(1, 1);
    layer.w.assign([[1]]);
    const read = (): number => layer.forward(input([1])).item();
    const found = withParameters(layer, { w: input([[10]]) }, () => {
      const inner = withParameters(layer, { b: input([5]) }, read);
      const again = withParameters(layer, { w: input([[100]]) }, read);
      const from = withParameters(layer, { b: layer.w.reshape([1]) }, read);
      return [inner, again, from, read()];
    });
    expect(found).toEqual([15, 100, 20, 10]);
    expect(read()).toBe(1);
  });

  it("leaves all as it was after an error", () => {
    const model = new Network();
    const expected = model.forward(x).toArray();
    const fail = (): never => { throw new RangeError("mine"); };
    const map = { "layers.0.b": input([1, 1, 1, 1]) };
    expect(() => withParameters(model, map, fail)).toThrow(RangeError);
    expect(() => evaluate(() => withParameters(model, map, () => { model.forward(x); fail(); }))).toThrow(RangeError);
    expect(evaluate(() => {
      try {
        withParameters(model, map, fail);
      } catch { /* goes on */ }
      return model.forward(x);
    }).toArray()).toEqual(expected);
  });
});

describe("withParameters", () => {
  const layer = new Layer(2, 2);
  const w = zeros([2, 2]);

  it.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    ["a path that is not there", () => withParameters(layer, { W: w }, () => 0), ValueError, /"W", but Layer has no .* of this path\. Did you mean w\?/],
    ["another shape", () => withParameters(layer, { w: zeros([2]) }, () => 0), ShapeError, /got shape \[2\] for the parameter w of shape \[2, 2\]/],
    ["no Variable", () => withParameters(layer, { w: [[1, 2], [3, 4]] as never }, () => 0), ValueError, /takes Variables, but got an array of 2 for w/],
    ["no map", () => withParameters(layer, w as never, () => 0), ValueError, /takes a Map or an object .* but got a Variable \[2, 2\]/],
    ["no component", () => withParameters(w as never, {}, () => 0), ValueError, /takes a Component/],
    ["no function", () => withParameters(layer, { w }, 3 as never), UsageError, /takes a function, but got 3/],
    ["an asynchronous function", () => withParameters(layer, { w }, async () => 0), UsageError, /withParameters is async/],
    ["an argument too many", () => withParameters(layer, { w }, () => 0, ...[1] as unknown as []), ValueError, /argument too many/],
    ["two for a shared one", () => withParameters(new Shared(), { "byName.hidden": zeros([2]), again: zeros([2]) }, () => 0), ValueError, /again/],
    ["two that stand in for each other", () => {
      const pair = Object.assign(new Layer(2, 2), { v: parameter(zeros([2])) });
      withParameters(pair, { b: pair.v, v: pair.b }, () => 0);
    }, ValueError, /that another Variable stands in for/],
    ["an assignment", () => withParameters(layer, { w }, () => layer.w.assign(w)), UsageError, /assign was called on a parameter while another Variable/],
    ["an update", () => {
      const optimizer = new GradientDescent(layer, { learningRate: 1 });
      grad(() => layer.forward(ones).sum());
      withParameters(layer, { w }, () => optimizer.update());
    }, UsageError, /update was called on a parameter while another Variable/],
  ])("refuses %s", (_, f, kind, message) => {
    const before = layer.w.toArray();
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
    expect(layer.w.toArray()).toEqual(before);
  });

  it("takes a parameter for itself", () => {
    expect(withParameters(layer, { w: layer.w }, () => layer.w.toArray())).toEqual(layer.w.toArray());
  });

  it("keeps state and what is assigned to it", () => {
    class Counting extends Component {
      readonly w = parameter(1);
      readonly count = state(0);
      next(): Variable { return this.count.assign(this.count.add(this.w)); }
    }
    const counting = new Counting();
    evaluate(() => { withParameters(counting, { w: input(5) }, () => counting.next()); counting.next(); });
    expect(counting.count.item()).toBe(6);
  });
});

describe("withParameters where nobody can wait", () => {
  it("takes results that stay on the device, also for copies made meanwhile", async () => {
    const [, copied] = await onBoth(async () => {
      const layer = new Layer(2, 3);
      const optimizer = new GradientDescent(layer, { learningRate: 0.1 });
      const loss = () => layer.forward(input([[1, 2, 3]])).pow(2).sum();
      optimizer.minimize(loss);
      const w = evaluate(() => layer.w.mul(0).add(2));
      const [y, copy] = withParameters(layer, { w }, () => [evaluate(loss), layer.clone()] as const);
      optimizer.minimize(() => withParameters(layer, { w: layer.w.mul(2) }, loss));
      await ready([y, copy, layer]);
      return [y.item(), copy.w.data.every((value) => value === 2), layer.w.toArray()];
    });
    expect(copied).toBe(true);
  });
});

const ones = input([1, 1]);
