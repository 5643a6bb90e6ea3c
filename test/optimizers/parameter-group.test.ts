import { describe, expect, it } from "vitest";
import {
  Adam, AdamW, Component, GradientDescent, Momentum, Nesterov, type OptimizerOptions, type Parameter, parameter, schedule, ValueError, grad,
} from "../../src/index.ts";
import { optimizers } from "./exported.ts";

class Part extends Component {
  readonly w = parameter([1, 1]);
  readonly b = parameter([1]);
}
class Whole extends Component {
  readonly encoder = new Part();
  readonly decoder = new Part();
}

/** A gradient of 1 for everything. */
function ones(θ: Component | readonly Parameter[]): void {
  const parameters = θ instanceof Component ? θ.parameters() : θ;
  grad(() => parameters.map((p) => p.sum()).reduce((a, b) => a.add(b)));
}

describe("parameter groups", () => {
  it("have their own learning rates, or that of the optimizer", () => {
    const θ = new Whole();
    const optimizer = new GradientDescent(
      [{ parameters: θ.encoder, learningRate: 0.25 }, { parameters: [θ.decoder.w] }, { parameters: θ.decoder.b, learningRate: (step) => 0.5 + step }],
      { learningRate: 0.125 },
    );
    ones(θ);
    optimizer.update();
    expect([θ.encoder.w.data[1], θ.encoder.b.item(), θ.decoder.w.data[0], θ.decoder.b.item()]).toEqual([0.75, 0.75, 0.875, 0.5]);
    optimizer.learningRate = 0;
    optimizer.groups[0].learningRate = null;
    ones(θ);
    optimizer.update();
    expect([θ.encoder.w.data[1], θ.encoder.b.item(), θ.decoder.w.data[0], θ.decoder.b.item()]).toEqual([0.75, 0.75, 0.875, -1]);
    expect(() => { optimizer.groups[1].learningRate = -1; }).toThrow(ValueError);
    expect(optimizer.parameters).toEqual([θ.encoder.w, θ.encoder.b, θ.decoder.w, θ.decoder.b]);
  });

  it("have their own settings of the rule", () => {
    const [a, b] = [parameter([1]), parameter([1])];
    const optimizer = new AdamW([{ parameters: a }, { parameters: b, weightDecay: 0, beta1: 0.5 }], { learningRate: 0, weightDecay: 0.5 });
    expect(optimizer.groups.map((group) => group.settings)).toEqual([
      { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5 },
      { beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    ]);
    optimizer.learningRate = 0.5;
    ones([a, b]);
    optimizer.update();
    // The step of Adam is η in both at first; only a decays, by 0.5 · 0.5.
    expect(b.item()).toBeCloseTo(0.5, 6);
    expect(a.item()).toBeCloseTo(0.25, 6);
    expect(optimizer.slotsOf(b).firstMoment.item()).toBe(0.5);
    expect(optimizer.slotsOf(a).firstMoment.item()).toBeCloseTo(0.1, 7);
  });

  it("may come and go in training: bias corrections count the updates of each parameter", () => {
    const [a, b] = [parameter([0]), parameter([0])];
    const optimizer = new Adam([{ parameters: a }, { parameters: b }], { learningRate: 0.125, epsilon: 1e-12 });
    for (let i = 0; i < 3; i++) {
      ones([a]);
      optimizer.update();
    }
    expect(b.item()).toBe(0);
    ones([a, b]);
    optimizer.update();
    expect(b.item()).toBeCloseTo(-0.125, 6); // a full first step
    expect(a.item()).toBeCloseTo(-0.5, 6);
    expect(optimizer.step).toBe(4);
  });

  it("a target may be a component, a parameter or an array of both", () => {
    const θ = new Whole();
    expect(new GradientDescent(θ, { learningRate: 1 }).parameters).toHaveLength(4);
    expect(new GradientDescent(θ.encoder.b, { learningRate: 1 }).parameters).toEqual([θ.encoder.b]);
    expect(new GradientDescent([θ.encoder, θ.decoder.b, θ.encoder.b], { learningRate: 1 }).parameters).toEqual([θ.encoder.w, θ.encoder.b, θ.decoder.b]);
  });
});

describe.each(optimizers)("groups of %s", (name, Kind) => {
  const own = Object.keys(Kind.options);

  it("have their own numbers of each kind, or those of the optimizer", () => {
    const p = parameter([1]);
    const one = new Kind(p, { learningRate: 0.25 });
    const [settings] = one.groups.map((group) => group.settings as Record<string, unknown>);
    expect(["learningRate", ...Object.keys(settings)].sort()).toEqual([...own].sort());
    const [first, second] = new Kind([{ parameters: p, learningRate: 0.125, ...settings }, { parameters: parameter([1]) }], { learningRate: 0.25 }).groups;
    expect([first.learningRate, second.learningRate]).toEqual([0.125, null]);
    expect([first.settings, second.settings]).toEqual([settings, settings]);
  });

  it.each(own)("refuse a %s that is no number", (option) => {
    const p = parameter([1]);
    expect(() => new Kind(p, { learningRate: 0.25, [option]: NaN })).toThrow(new RegExp(`^${name} .*${option}.* but got NaN`));
    expect(() => new Kind([{ parameters: p, [option]: NaN }], { learningRate: 0.25 })).toThrow(new RegExp(`^${name} .*${option}.* but got NaN`));
  });

  it("refuse what the rule does not have", () => {
    const p = parameter([1]);
    expect(() => new Kind(p, { learningRate: 0.25, bogus: 1 })).toThrow(`${name} got the option "bogus", which it does not have`);
    expect(() => new Kind([{ parameters: p, bogus: 1 }], { learningRate: 0.25 })).toThrow(`A group of ${name} got the option "bogus", which it does not have`);
  });
});

describe("refused", () => {
  const p = parameter([1]);
  const q = parameter([1]);
  class Empty extends Component {}
  const options = (o: object) => o as unknown as OptimizerOptions;

  it.each<[string, () => unknown, RegExp]>([
    ["no target", () => new Adam(undefined as unknown as Parameter), /Adam takes a Component, a Parameter/],
    ["nothing to train", () => new Adam([]), /Adam got nothing to train/],
    ["a component without parameters", () => new Adam(new Empty()), /nothing to train/],
    ["a number to train", () => new Adam([p, 3 as unknown as Parameter]), /but got 3 in one/],
    ["a parameter in two groups", () => new Adam([{ parameters: p }, { parameters: [q, p] }]), /in groups 0 and 1/],
    ["groups mixed with parameters", () => new Adam([{ parameters: p }, q] as unknown as Parameter[]), /array of groups with a Parameter \[/],
    ["an empty group", () => new Adam([{ parameters: p }, { parameters: [] }]), /nothing to train/],
    [
      "no options", () => new GradientDescent(p, undefined as unknown as OptimizerOptions),
      /takes one object with the options learningRate, clip, noise, but got undefined/,
    ],
    ["no learning rate", () => new GradientDescent(p, options({})), /learningRate, but got undefined/],
    ["a negative learning rate", () => new GradientDescent(p, { learningRate: -1 }), /learningRate/],
    ["NaN as learning rate", () => new Adam(p, { learningRate: NaN }), /learningRate, but got NaN/],
    ["a learning rate that is text", () => new Adam(p, options({ learningRate: "0.1" })), /learningRate/],
    ["a bad learning rate of a group", () => new Adam([{ parameters: p, learningRate: -1 }]), /learningRate/],
    ["a momentum of 1", () => new Momentum(p, { learningRate: 1, momentum: 1 }), /from 0 to less than 1 as momentum, but got 1/],
    ["a negative momentum", () => new Nesterov(p, { learningRate: 1, momentum: -0.1 }), /momentum/],
    ["β₂ = 1", () => new Adam(p, { beta2: 1 }), /beta2/],
    ["ε = 0", () => new Adam(p, { epsilon: 0 }), /of more than 0 as epsilon/],
    ["an infinite weight decay", () => new AdamW(p, { weightDecay: Infinity }), /weightDecay/],
    ["a setting of a group out of range", () => new Adam([{ parameters: p, beta1: 2 }]), /beta1/],
    ["an option with a typing error", () => new Momentum(p, options({ learningRate: 1, momentun: 0.5 })), /"momentun".*momentum/],
    ["a clip in a group", () => new Adam([options({ parameters: p, clip: { norm: 1 } })] as unknown as Parameter[]), /A group of Adam got the option "clip"/],
    ["an option of another optimizer", () => new GradientDescent(p, options({ learningRate: 1, decay: 0.9 })), /"decay"/],
    ["a schedule of a group that gives no number", () => {
      const optimizer = new Adam([{ parameters: p, learningRate: () => -1 }], { learningRate: schedule.constant(1) });
      ones([p]);
      optimizer.update();
    }, /gave -1 at step 0/],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(ValueError);
    expect(make).toThrow(message);
  });
});
