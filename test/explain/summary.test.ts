import { afterEach, describe, expect, it } from "vitest";
import { BatchNorm, Conv2d, FeedForward, Lstm, SoftmaxRegression, Stacked } from "../../src/components/index.ts";
import {
  Component, evaluate, grad, input, type Parameter, parameter, Random, randn, ready, relu, setDevice, state, summary, UsageError, ValueError,
  type Variable,
} from "../../src/index.ts";
import { onBoth } from "../devices/unwaited.ts";

afterEach(() => setDevice("wasm"));

class Digits extends Component {
  readonly conv = new Conv2d({ inputs: 2, outputs: 4, size: 3, padding: 1 });
  readonly norm = new BatchNorm({ inputs: 4, axis: -3 });
  readonly again = this.conv;
  readonly classifier = new SoftmaxRegression({ inputs: 4, outputs: 10 });
  score(x: Variable): Variable { return this.classifier.score(relu(this.norm.forward(this.conv.forward(x))).mean([-1, -2])); }
  cost(x: Variable, labels: number[]): Variable { return this.classifier.cost(relu(this.conv.forward(x)).mean([-1, -2]), labels); }
}

describe.each(["wasm", "reference"] as const)("summary on the %s device", (device) => {
  it("has each part with its class, what it gives, its parameters and its work", () => {
    setDevice(device);
    const { parts, ...totals } = summary(new Digits(), randn([3, 2, 6, 5]));
    // A product and a sum for each weight of the kernel at each place, and for each weight of the scores of 3 samples; sums begin with the bias.
    const [conv, classifier] = [2 * 3 * 4 * 6 * 5 * 2 * 9, 2 * 3 * 10 * 4];
    expect(parts.map(({ flops, ...rest }) => rest)).toEqual([
      { path: "", kind: "Digits", sharedWith: null, calls: 1, outputs: [[3, 10]], parameters: 76 + 8 + 50, frozen: 0 },
      { path: "conv", kind: "Conv2d", sharedWith: null, calls: 1, outputs: [[3, 4, 6, 5]], parameters: 76, frozen: 0 },
      { path: "norm", kind: "BatchNorm", sharedWith: null, calls: 1, outputs: [[3, 4, 6, 5]], parameters: 8, frozen: 0 },
      { path: "again", kind: "Conv2d", sharedWith: "conv", calls: 1, outputs: [[3, 4, 6, 5]], parameters: 76, frozen: 0 },
      { path: "classifier", kind: "SoftmaxRegression", sharedWith: null, calls: 1, outputs: [[3, 10]], parameters: 50, frozen: 0 },
    ]);
    const flops = new Map(parts.map((part) => [part.path, part.flops]));
    expect([flops.get("conv"), flops.get("again"), flops.get("classifier")]).toEqual([conv, conv, classifier]);
    // The whole: its parts, and relu and the mean, an operation each for each of 3·4·6·5 elements.
    const own = totals.flops - ["conv", "norm", "classifier"].reduce((sum, path) => sum + (flops.get(path) as number), 0);
    expect(own).toBeGreaterThanOrEqual(2 * 360);
    expect(own).toBeLessThan(3 * 360);
    expect(flops.get("")).toBe(totals.flops);
    expect(totals).toMatchObject({ trained: 134, frozen: 0, state: 8 });
  });
});

describe("summary", () => {
  it("prints a table", () => {
    const model = new Digits();
    model.conv.freeze();
    model.classifier.b.freeze();
    // The work of the convolution and of the scores as above; what the other two take is not told here.
    const found = summary(model, randn([3, 2, 6, 5]));
    const rest = [found.flops, found.parts[2].flops].map((flops) => (flops / 1e6).toPrecision(3));
    expect(String(found).replaceAll(rest[0], "…").replaceAll(rest[1], "…")).toBe([
      "part         class                   parameters  calls     MFLOP  output",
      "(the whole)  Digits             134 (86 frozen)      1    …  [3, 10]",
      "conv         Conv2d                   76 frozen      1    0.0130  [3, 4, 6, 5]",
      "norm         BatchNorm                        8      1   …  [3, 4, 6, 5]",
      "again        Conv2d, as conv",
      "classifier   SoftmaxRegression   50 (10 frozen)      1  0.000240  [3, 10]",
      "48 parameters are trained, 86 frozen; 8 numbers of state; … MFLOP forward",
    ].join("\n"));
  });

  it("of a recurrent network counts the calls, and knows the shapes of lists", () => {
    const rnn = new Stacked({ layers: [new Lstm({ inputs: 2, outputs: 3 }), new Lstm({ inputs: 3, outputs: 4 })] });
    const xs = [1, 2, 3, 4, 5].map(() => randn([2]));
    const unfolded = summary(rnn, xs);
    expect(unfolded.parts.map(({ calls, outputs }) => [calls, outputs])).toEqual([[1, xs.map(() => [4])], [1, xs.map(() => [3])], [1, xs.map(() => [4])]]);
    const stepwise = summary(rnn, () => {
      let state = rnn.initialState();
      for (const x of xs) state = rnn.step(x, state);
    });
    expect(stepwise.parts.map(({ calls, outputs }) => [calls, outputs])).toEqual([[5, [[3], [3], [4], [4]]], [5, [[3], [3]]], [5, [[4], [4]]]]);
    expect(String(stepwise)).toMatch(/\nlayers\.1 +Lstm +\d+ +5 +\S+ +2 × \[4\]\n/);
    // Four gates, of which each is a product with the input and one with the state; besides them little.
    const products = 5 * 4 * 2 * ((2 + 3) * 3 + (3 + 4) * 4);
    expect(stepwise.flops).toBeGreaterThan(products);
    expect(stepwise.flops).toBeLessThan(3 * products);
  });

  it("takes a function that calls the component in any way, and none", () => {
    const model = new Digits();
    const x = randn([2, 2, 4, 4]);
    expect(summary(model, () => model.cost(x, [1, 2])).parts.map(({ outputs }) => outputs)).toEqual([[[]], [[2, 4, 4, 4]], [], [[2, 4, 4, 4]], [[]]]);
    const plain = summary(model);
    expect(plain.parts.every(({ calls, flops }) => calls === 0 && flops === 0)).toBe(true);
    expect(String(plain)).toMatch(/^part +class +parameters\n\(the whole\) +Digits +134\nconv +Conv2d +76\n/);
    expect(String(plain)).toMatch(/\n134 parameters are trained, 0 frozen; 8 numbers of state$/);
    expect(summary(new FeedForward({ inputs: 2, hidden: [3], outputs: 1 }), input([1, 2])).parts[0].outputs).toEqual([[1]]);
  });

  it("counts shared parameters once, and what is called within itself once", () => {
    class Tied extends Component {
      readonly w: Parameter = parameter([[1, 2], [3, 4]]);
      readonly inner = Object.assign(new Inner(), { w: this.w });
      forward(x: Variable): Variable { return this.more(this.inner.forward(x), 2); }
      more(x: Variable, times: number): Variable { return times === 0 ? x : this.more(x.mul(2), times - 1); }
    }
    class Inner extends Component {
      forward(x: Variable): Variable { return x.matmul((this as unknown as Tied).w); }
    }
    const found = summary(new Tied(), input([[1, 1]]));
    // [1, 2] by [2, 2], then two products by 2.
    expect([found.trained, found.flops, found.parts.map(({ flops }) => flops)]).toEqual([4, 8 + 4, [12, 8]]);
  });

  it("leaves all as it was: methods, states, random numbers", () => {
    class Noisy extends Component {
      readonly count = state(0);
      readonly inner = new FeedForward({ inputs: 2, hidden: [3], outputs: 1, dropout: 0.5 });
      forward(x: Variable): Variable {
        this.count.assign(this.count.add(1));
        return this.inner.forward(x.add(randn([2]))).add(this.count);
      }
    }
    const model = new Noisy();
    const { state: before } = Random.default;
    const text = String(model);
    summary(model, input([1, 2]));
    expect([model.count.item(), Random.default.state, String(model)]).toEqual([0, before, text]);
    for (const part of model.components().values()) expect(Object.getOwnPropertyNames(part)).not.toContain("forward");
    const failing = Object.assign(new Noisy(), { inner: null as never });
    expect(() => summary(failing, input([1, 2]))).toThrow(TypeError);
    expect([failing.count.item(), Object.hasOwn(failing, "forward")]).toEqual([0, false]);
    evaluate(() => model.forward(input([1, 2])));
    expect(model.count.item()).toBe(1);
  });

  it("refuses what it cannot summarize", () => {
    class Odd extends Component {
      encode(x: Variable): Variable { return x; }
    }
    expect(() => summary(new Odd(), input(1))).toThrow(new UsageError(
      "summary cannot tell how to call Odd, which has no method forward, unfold, score, predict. Give it a function: summary(model, () => model.encode(x))."));
    expect(() => summary(input(1) as never)).toThrow(new ValueError("summary takes a Component and what it is called with, but got a Variable []."));
    expect(() => grad(() => { summary(new Odd()); return parameter(1); })).toThrow(/summary was called inside a step/);
  });
});

describe("summary where nobody can wait", () => {
  it("is the same, and leaves states as they are", async () => {
    await onBoth(async () => {
      const norm = new BatchNorm({ inputs: 3 });
      const model = new Stacked({ layers: [new Lstm({ inputs: 3, outputs: 2 })] });
      const x = evaluate(() => randn([2, 3]));
      grad(() => norm.forward(x).sum());
      const found = [String(summary(norm, x)), String(summary(model, [x, x]))];
      return [found, (await ready(norm.mean)).toArray()];
    });
  });
});
