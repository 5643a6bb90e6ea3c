import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  abs, add, affine, argmax, Component, checkGradients, checkGradientsAsync, cost, dropout, evaluate, type FlimsyError, gather, GradientError, grad,
  gradients, input, maximum, mean, mul, operation, type Parameter, parameter, Random, RmsProp, randn, ready, relu, seed, setDevice, ShapeError, sqrt, state,
  sum, tanh, UsageError, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { currentDevice } from "../../src/devices/current.ts";
import { defaultRandom } from "../../src/random/random.ts";
import { inFloat32 } from "../device.ts";
import { errorOf, unwaited } from "../devices/unwaited.ts";

class Model extends Component {
  readonly w = parameter(randn([3, 4], new Random(1)));
  readonly b = parameter(zeros([3]));
  score(x: Variable): Variable { return tanh(affine(this.w, x, this.b)); }
}
const x = randn([5, 4], new Random(2));
const labels = [0, 1, 2, 1, 0];

/** The identity, whose rule gives `factor(i)` times the gradient of entry i. */
function bent(factor: (i: number) => number): (v: Variable) => Variable {
  return operation({
    name: "bent", shape: (shape) => shape,
    forward(y, v) { y.data.set(v.data); },
    reverse: (g) => [mul(g, input(Float64Array.from({ length: g.size }, (_, i) => factor(i)), g.shape))],
  });
}

/** The sum of squares, which a float32 device gets wrong from some entry on. */
const wrongOnDevice = (from: number, by: number): ((v: Variable) => Variable) => {
  const derivative = operation({
    name: "derivative", shape: (shape) => shape,
    forward(y, v) { y.data.forEach((_, i) => { y.data[i] = 2 * v.data[i] + (y.data instanceof Float32Array && i >= from ? by : 0); }); },
  });
  return operation({
    name: "square", shape: () => [],
    forward(y, v) {
      y.data[0] = 0;
      for (const value of v.data) y.data[0] += value * value;
    },
    reverse: (g, _, v) => [mul(derivative(v), g)],
  });
};

let model: Model;
const loss = (): Variable => cost.categoricalCrossEntropyWithScores(model.score(x), labels);

beforeEach(() => {
  setDevice("wasm");
  model = new Model();
});
afterEach(() => setDevice("wasm"));

describe("checkGradients", () => {
  inFloat32()("passes what is right, and reports", () => {
    const report = checkGradients(loss, model);
    expect(report.ok).toBe(true);
    expect(report.mismatches).toEqual([]);
    expect(report.parameters.map(({ name, shape, entries, checked }) => ({ name, shape, entries, checked }))).toEqual([
      { name: "w", shape: [3, 4], entries: 12, checked: 12 }, { name: "b", shape: [3], entries: 3, checked: 3 },
    ]);
    for (const { error, deviceError } of report.parameters) {
      expect(error).toBeLessThan(1e-8);
      expect(error).toBeGreaterThan(0); // the difference as it is, also where all of it may be rounding
      expect(deviceError).toBeGreaterThan(0);
      expect(deviceError).toBeLessThan(1e-5);
    }
    expect(String(report)).toMatch(
      /^Gradients agree with finite differences:\n {2}w \[3, 4\]: all 12 entries checked, largest error \S+, of the device \S+\n {2}b \[3\]/,
    );
  });

  inFloat32()("passes a gradient of which cancellation leaves little more than rounding", () => {
    // Standardized features and targets: the bias starts at its optimum, where 506 terms of size 1 cancel, beside gradients of some hundred.
    const rows = randn([506, 5], new Random(3)).toArray() as number[][];
    const means = rows[0].map((_, k) => rows.reduce((total, row) => total + row[k], 0) / rows.length);
    const features = input(rows.map((row) => row.map((value, k) => value - means[k])));
    const targets = input(rows.map((row) => [row.reduce((total, value, k) => total + value - means[k], 0)]));
    const θ = new Map([["w", parameter(zeros([1, 5]))], ["b", parameter(zeros([1]))]] as const);
    const [w, b] = [...θ.values()];
    const report = checkGradients(() => cost.mse(affine(w, features, b), targets), θ);
    expect(report.ok).toBe(true);
    expect(report.parameters[1].deviceError).toBeGreaterThan(0);
    // An error of the device in an entry of ordinary size is seen all the same.
    expect(() => checkGradients(() => wrongOnDevice(0, 5)(w).add(cost.mse(affine(w, features, b), targets)), θ)).toThrow(GradientError);
  });

  it("takes an object with a loss", () => {
    expect(checkGradients(() => ({ loss: loss(), extra: model.score(x) }), model).ok).toBe(true);
  });

  it("takes named parameters, one, and an array of them or of components", () => {
    const names = (target: Parameters<typeof checkGradients>[1]): string[] => checkGradients(loss, target).parameters.map(({ name }) => name);
    expect(names(new Map([["weights", model.w]]))).toEqual(["weights"]);
    expect(names(model.w)).toEqual(["parameter"]);
    expect(names([model.b, model.w])).toEqual(["0", "1"]);
    expect(names([model.b, model])).toEqual(["0", "1.w", "1.b"]);
    model.w.freeze();
    expect(names(model)).toEqual(["b"]);
    model.b.freeze();
    expect(() => names(model)).toThrow(/are frozen/);
    model.unfreeze();
  });

  it("runs on the reference device alone if that is the current one", () => {
    setDevice("reference");
    const report = checkGradients(loss, new Model());
    expect(report.parameters.every(({ deviceError }) => deviceError === 0)).toBe(true);
    expect(String(report)).not.toContain("of the device");
    expect(currentDevice().name).toBe("reference");
  });

  it("takes parameters that the loss does not reach, and empty ones", () => {
    class More extends Component {
      readonly w = parameter([1, 2]);
      readonly unused = parameter([3]);
      readonly empty = parameter(zeros([0, 4]));
    }
    const more = new More();
    const report = checkGradients(() => add(sum(mul(more.w, more.w)), sum(more.empty)), more);
    expect(report.parameters.map(({ error }) => error < 1e-8)).toEqual([true, true, true]);
  });

  it("draws some entries of a large parameter, and says so", () => {
    class Large extends Component { readonly w = parameter(randn([20, 10], new Random(3))); }
    const large = new Large();
    const f = (): Variable => mean(tanh(large.w));
    expect(String(checkGradients(f, large))).toContain("w [20, 10]: 64 of 200, drawn at random, entries checked");
    expect(checkGradients(f, large, { maxEntries: 7 }).parameters[0].checked).toBe(7);
    expect(checkGradients(f, large, { maxEntries: 200 }).parameters[0].checked).toBe(200);
  });

  it("raises no false alarm for a large loss, and still finds what is wrong", () => {
    class Sum extends Component { readonly w = parameter([1, 2, 3]); }
    const s = new Sum();
    expect(checkGradients(() => add(sum(mul(s.w, s.w)), 1e6), s).ok).toBe(true);
    expect(checkGradients(() => mul(sum(mul(s.w, s.w)), 1e7), s).ok).toBe(true);
    expect(() => checkGradients(() => add(sum(bent((i) => (i === 1 ? 1.001 : 1))(s.w)), 1e6), s)).toThrow(GradientError);
  });
});

describe("gradients that are not finite", () => {
  const report = (w: Parameter, f: (w: Variable) => Variable, options = {}): ReturnType<typeof checkGradients> =>
    checkGradients(() => sum(f(w)), new Map([["w", w]]), { throws: false, ...options });

  it("are reported once, and not as a difference of devices that agree", () => {
    const found = report(parameter([0, 4]), sqrt);
    expect(found.mismatches).toMatchObject([{ index: [0], gradient: Infinity, against: "finite differences" }]);
    expect(found.parameters[0].deviceError).toBeLessThan(1e-6);
    expect(String(found)).toContain("w[0]: gradient Infinity, but finite differences give NaN\nA gradient that is not finite cannot be compared");
    expect(String(found)).not.toContain("reverse rules");
  });

  it("are found among many entries, of which some are drawn", () => {
    const w = parameter(new Float64Array(1000).fill(1).with(123, 0));
    expect(report(w, sqrt, { maxEntries: 3 }).mismatches).toMatchObject([{ index: [123], gradient: Infinity }]);
  });

  inFloat32()("do not hide a device that is wrong elsewhere", () => {
    const found = report(parameter([0, 1]), (w) => add(sqrt(w), wrongOnDevice(1, 2)(w)));
    expect(found.mismatches).toMatchObject([{ index: [0] }, { index: [1], against: "the reference device" }]);
  });
});

describe("checkGradients finds", () => {
  it("a wrong rule, and names parameter, index and both values", () => {
    const wrong = bent((i) => (i === 6 ? 1.5 : 1));
    const f = (): Variable => sum(wrong(mul(model.w, 2)));
    expect(() => checkGradients(f, model)).toThrow(GradientError);
    const report = checkGradients(f, model, { throws: false });
    expect(report.ok).toBe(false);
    expect(report.mismatches).toHaveLength(1);
    const [mismatch] = report.mismatches;
    expect(mismatch).toMatchObject({ parameter: "w", index: [1, 2], gradient: 3, against: "finite differences" });
    expect(mismatch.expected).toBeCloseTo(2, 7);
    expect(String(report)).toMatch(/^Gradients are wrong:\n {2}w\[1, 2\]: gradient 3, but finite differences give 2/);
    expect(report.parameters[0].error).toBeCloseTo(1 / 3, 6);
  });

  it("a rule that is wrong by very little", () => {
    const f = (factor: number) => () => sum(bent((i) => (i === 0 ? factor : 1))(model.w));
    expect(() => checkGradients(f(1 + 3e-6), model)).toThrow(GradientError);
    expect(checkGradients(f(1 + 1e-7), model).ok).toBe(true);
    expect(checkGradients(f(1 + 3e-6), model, { tolerance: 1e-5 }).ok).toBe(true);
  });

  it("many errors, of which it shows some", () => {
    const text = String(checkGradients(() => sum(bent(() => -1)(model.w)), model, { throws: false }));
    expect(text.match(/finite differences give/g)).toHaveLength(10);
    expect(text).toContain("… and 2 more");
  });

  it("a rule that forgets an input", () => {
    const half = operation({
      name: "half", shape: (a) => a,
      forward(y, a, b) { y.data.forEach((_, i) => { y.data[i] = a.data[i] * b.data[i]; }); },
      reverse: (g, _, __, b) => [mul(g, b), null],
    });
    expect(() => checkGradients(() => sum(half(model.w, model.w)), model)).toThrow(GradientError);
    expect(checkGradients(() => sum(half(model.w, randn([3, 4], new Random(5)))), model).ok).toBe(true);
  });

  it("a kink, and says that it is one", () => {
    class AtZero extends Component { readonly w = parameter([0, 1, -2]); }
    const θ = new AtZero();
    const report = checkGradients(() => sum(relu(θ.w)), θ, { throws: false });
    expect(report.mismatches).toMatchObject([{ parameter: "w", index: [0], kink: [expect.closeTo(0, 6), expect.closeTo(1, 6)] }]);
    expect(String(report)).toContain("; f has a kink here, with slope 0 below and 1 above\nAt a kink");
    expect(String(report)).not.toContain("reverse rules");
    // At ties, abs and maximum have the gradient between both sides.
    for (const f of [abs, (w: Variable) => maximum(w, 0)]) expect(checkGradients(() => sum(f(θ.w)), θ).ok).toBe(true);
    // Near a kink, and beside one, what is wrong is wrong.
    θ.w.assign([1e-6, 1, -2]);
    expect(checkGradients(() => sum(relu(θ.w)), θ, { throws: false }).mismatches[0].kink).not.toBe(null);
    const both = String(checkGradients(() => sum(bent((i) => (i === 1 ? 1.5 : 1))(relu(θ.w))), θ, { throws: false }));
    expect(both).toMatch(/w\[0\]: .*; f has a kink here.*\n {2}w\[1\]: gradient 1.5, but finite differences give \S+\nAt a kink.*\nCheck the reverse rules/);
    // A gradient that no side has is no matter of the kink.
    θ.w.assign([0, 1, -2]);
    expect(checkGradients(() => sum(bent((i) => (i === 0 ? 3 : 1))(mul(θ.w, 1).add(relu(θ.w)))), θ, { throws: false }).mismatches[0].kink).toBe(null);
  });

  it("no kink where a function is only curved", () => {
    class Curved extends Component { readonly w = parameter([0.5, -1]); }
    const θ = new Curved();
    const report = checkGradients(() => sum(bent((i) => (i === 0 ? 1.01 : 1))(mul(tanh(mul(θ.w, 3)), 10))), θ, { throws: false });
    expect(report.mismatches.map(({ kink }) => kink)).toEqual([null]);
  });

  it("NaN and infinity", () => {
    for (const value of [NaN, Infinity]) expect(() => checkGradients(() => sum(bent((i) => (i === 3 ? value : 1))(model.w)), model)).toThrow(GradientError);
  });

  inFloat32()("a device that is wrong", () => {
    const report = checkGradients(() => wrongOnDevice(7, 0.5)(model.w), model, { throws: false });
    expect(report.mismatches).toHaveLength(1);
    expect(report.mismatches[0]).toMatchObject({ parameter: "w", against: "the reference device" });
    expect(report.parameters[0].error).toBeLessThan(1e-8);
    expect(String(report)).toMatch(/w\[\d, \d\]: gradient \S+, but the reference device gives/);
    expect(() => checkGradients(() => wrongOnDevice(0, 0.5)(model.w), model)).toThrow(GradientError);
    expect(checkGradients(() => wrongOnDevice(0, 0.5)(model.w), model, { deviceTolerance: 10 }).ok).toBe(true);
    for (const from of [0, 5, 11]) {
      expect(() => checkGradients(() => wrongOnDevice(from, NaN)(model.w), model)).toThrow(GradientError);
      expect(() => checkGradients(() => wrongOnDevice(from, Infinity)(model.w), model)).toThrow(GradientError);
    }
  });

  it("a function that does not compute the same at every call, and mentions that possibility", () => {
    for (const f of [
      () => mul(loss(), 1 + 0.01 * Math.random()),
      () => add(loss(), Math.random()),
      () => { const generator = outside; return sum(mul(dropout(model.w, 0.5, generator), 2)); },
    ]) {
      expect(() => checkGradients(f, model)).toThrow(GradientError);
      expect(() => checkGradients(f, model)).toThrow(/f computes the same at every call/);
      expect(checkGradients(f, model, { throws: false }).mismatches.every(({ kink }) => kink === null)).toBe(true);
    }
  });
  const outside = new Random(9);

  it("nothing wrong in gradients within the loss", () => {
    const f = (): Variable => {
      const [slope] = gradients(() => sum(tanh(affine(model.w, x, model.b))), [x]);
      return sum(mul(slope, slope));
    };
    expect(checkGradients(f, model).ok).toBe(true);
  });
});

describe("checkGradients leaves everything as it was:", () => {
  it("values and gradients bit for bit, also of parameters that it was not asked about", () => {
    class Other extends Component { readonly v = parameter(randn([3], new Random(4))); }
    const other = new Other();
    const f = (): Variable => add(loss(), sum(mul(mul(other.v, other.v), model.b)));
    const state = (): unknown => [model.w, model.b, other.v].map((p) => [Array.from(p.data), p.grad === null ? null : Array.from(p.grad.data)]);
    const check = (): void => {
      const before = state();
      checkGradients(f, model);
      expect(state()).toEqual(before);
      // As the device has them.
      expect(evaluate(() => [model.w, model.b, other.v].map((p) => add(p, 0))).map((v) => Array.from(v.data)))
        .toEqual([model.w, model.b, other.v].map((p) => Array.from(p.data)));
      checkGradients(f, other);
      expect(state()).toEqual(before);
      expect(() => checkGradients(() => sum(bent(() => 2)(add(model.w, sum(other.v)))), model)).toThrow(GradientError);
      expect(state()).toEqual(before);
    };
    check();
    grad(f);
    check();
    grad(f);
    check();
    for (const p of [model.w, other.v]) p.clearGrad();
    check();
  });

  it("also when f throws, at whichever call", () => {
    grad(loss);
    const device = currentDevice();
    const before = [model.w, model.b].map((p) => [Array.from(p.data), Array.from(p.grad?.data ?? [])]);
    for (const call of [1, 2, 3, 4, 17]) {
      let calls = 0;
      expect(() => checkGradients(() => {
        if (++calls === call) throw new RangeError("mine");
        return loss();
      }, model)).toThrow(new RangeError("mine"));
      expect([model.w, model.b].map((p) => [Array.from(p.data), Array.from(p.grad?.data ?? [])])).toEqual(before);
      expect(currentDevice()).toBe(device);
    }
    expect(grad(loss).item()).toBeGreaterThan(0);
  });

  it("the random numbers that come next; dropout uses one mask throughout", () => {
    seed(3);
    const f = (): Variable => cost.categoricalCrossEntropyWithScores(dropout(model.score(dropout(x, 0.3)), 0.5), labels);
    const state = defaultRandom().state;
    for (let run = 0; run < 3; run++) expect(checkGradients(f, model).ok).toBe(true);
    expect(defaultRandom().state).toEqual(state);
    expect(grad(f).item()).not.toBe(grad(f).item());
  });

  it("optimizer and training", () => {
    const train = (checked: boolean): number[] => {
      model = new Model();
      const optimizer = new RmsProp(model, { learningRate: 0.05 });
      return Array.from({ length: 8 }, () => {
        const nll = grad(loss).item();
        if (checked) checkGradients(loss, model);
        optimizer.update();
        if (checked) checkGradients(loss, model);
        return nll;
      });
    };
    expect(train(true)).toEqual(train(false));
  });
});

describe("the wrong use of checkGradients", () => {
  class Nothing extends Component {}
  it.each<[string, () => unknown, typeof FlimsyError, RegExp]>([
    ["inside a step", () => grad(() => { checkGradients(loss, model); return loss(); }), UsageError, /on its own/],
    ["without a component", () => checkGradients(loss, undefined as unknown as Component), ValueError, /takes a Component, .* but got undefined/],
    ["with an array of something else", () => checkGradients(loss, [model.w, x] as never), ValueError, /takes a Component, .* but got a Variable/],
    ["with a name for something else", () => checkGradients(loss, new Map([["x", x]]) as never), ValueError, /takes Parameters by name, .* as x/],
    ["with an empty array", () => checkGradients(loss, []), ValueError, /got nothing that holds a Parameter/],
    ["with a component without parameters", () => checkGradients(loss, new Nothing()), ValueError, /got nothing that holds a Parameter/],
    ["without a function", () => checkGradients(3 as unknown as () => Variable, model), ValueError, /takes a function and what holds parameters, but got 3/],
    ["with an async function", () => checkGradients((async () => loss()) as unknown as () => Variable, model), UsageError, /async/],
    ["with a loss of several elements", () => checkGradients(() => model.score(x), model), ShapeError, /single number/],
    ["with a loss that is no Variable", () => checkGradients(() => 3 as unknown as Variable, model), UsageError, /must return the loss/],
    ["with a loss that depends on no parameter", () => checkGradients(() => sum(argmax(model.score(x))), model), UsageError, /depends on no parameter/],
    ["with a tolerance of NaN", () => checkGradients(loss, model, { tolerance: NaN }), ValueError, /tolerance/],
    ["with a negative tolerance", () => checkGradients(loss, model, { deviceTolerance: -1 }), ValueError, /deviceTolerance/],
    ["with no entries", () => checkGradients(loss, model, { maxEntries: 0 }), ValueError, /maxEntries/],
  ])("%s", (_, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
    expect(checkGradients(loss, model).ok).toBe(true);
  });
});

describe("checkGradientsAsync", () => {
  it("reports what checkGradients does", async () => {
    expect(String(await checkGradientsAsync(loss, model, { maxEntries: 5 }))).toBe(String(checkGradients(loss, model, { maxEntries: 5 })));
    await expect(checkGradientsAsync(() => bent(() => 3)(model.w).sum(), model)).rejects.toThrow(GradientError);
    expect(currentDevice().name).toBe("wasm");
    await expect(checkGradientsAsync(loss, [])).rejects.toThrow("checkGradientsAsync got nothing that holds a Parameter");
    setDevice("reference");
    expect((await checkGradientsAsync(loss, model)).parameters.map(({ deviceError }) => deviceError)).toEqual([0, 0]);
  });

  it("leaves a device that cannot be waited for, and comes back to it with all that was there", async () => {
    const device = unwaited({ inner: "wasm" });
    const [w, other, seen] = [parameter([1, -2]), parameter([0.5, 0.25]), state(0)];
    const optimizer = new RmsProp([w, other], { learningRate: 0.1 });
    const f = (): Variable => {
      seen.assign(seen.add(1));
      return dropout(tanh(w).mul(other), 0.5).pow(2).sum();
    };
    for (let step = 0; step < 3; step++) optimizer.minimize(f);
    grad(f);
    const all = async () => (await ready([w, other, w.grad, other.grad, seen])).map((each) => each?.toArray());
    const copies = [w, other, w.grad, other.grad, seen].map((each) => input(each as Variable));
    const { state: random } = defaultRandom();
    expect(() => checkGradients(f, w)).toThrow("checkGradients looks at numbers, but the device delaying cannot be waited for here. " +
      "Call await checkGradientsAsync(f, θ).");
    const report = await checkGradientsAsync(f, w);
    expect(currentDevice()).toBe(device);
    expect(report.ok).toBe(true);
    expect(report.parameters[0].checked).toBe(2);
    expect(defaultRandom().state).toEqual(random);
    expect(await all()).toEqual((await ready(copies)).map((each) => each.toArray()));
    optimizer.update();
    expect((await ready(w)).data.every(Number.isFinite)).toBe(true);
    expect(device.waits).toBe(0);
  });

  it("compares with the gradients of that device", async () => {
    unwaited({ inner: "wasm" });
    const w = parameter([1, 2, 3]);
    const { mismatches } = await checkGradientsAsync(() => wrongOnDevice(1, 0.5)(w), w, { throws: false });
    expect(mismatches.map(({ index, against }) => ({ index, against }))).toEqual([{ index: [1], against: "the reference device" }]);
    expect(w.toArray()).toEqual([1, 2, 3]);
  });

  it("tells what went wrong, before it or in it, and all is as before", async () => {
    const device = unwaited();
    const w = parameter([[1, 2], [3, 4]]);
    const step = (row: number) => grad(() => gather(w, input(row).mul(1)).sum());
    step(1);
    w.assign(w.mul(2));
    const failed = step(4);
    expect(await errorOf(checkGradientsAsync(() => w.sum(), w))).toBeInstanceOf(ValueError);
    expect(await errorOf(failed.read())).toBeInstanceOf(ValueError);
    expect((await errorOf(checkGradientsAsync(() => gather(w, input(5).mul(1)).sum(), w))).message).toMatch(/gather got index 5/);
    expect(currentDevice()).toBe(device);
    await ready([w, w.grad]);
    expect([w.toArray(), w.grad?.toArray()]).toEqual([[[2, 4], [6, 8]], [[0, 0], [1, 1]]]);
    step(0);
    expect(Array.from(await (w.grad as Variable).read())).toEqual([1, 1, 1, 1]);
  });
});
