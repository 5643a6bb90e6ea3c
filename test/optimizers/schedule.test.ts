import { describe, expect, it } from "vitest";
import {
  Adam, AdamW, ElementwiseOptimizer, elementwise, GradientDescent, grad, Momentum, memory, type NumberKinds, type Numbers, type OptimizerOptions, option,
  parameter, type Schedule, schedule, type Updated, ValueError, type Variable,
} from "../../src/index.ts";

const steps = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("schedules", () => {
  it("are what the namespace has, and nothing else is public there", () => {
    expect(Object.keys(schedule).sort()).toEqual([
      "constant", "cosine", "cosineRestarts", "exponential", "oneCycle", "plateau", "sequence", "step", "warmUp",
    ]);
  });

  it("constant", () => {
    expect(steps(3).map(schedule.constant(0.1))).toEqual([0.1, 0.1, 0.1]);
  });

  it("step: multiplied by the factor after each `every` steps", () => {
    const rates = steps(7).map(schedule.step(0.8, { every: 3, factor: 0.5 }));
    expect(rates).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
    expect(schedule.step(1, { every: 1 })(2)).toBeCloseTo(0.01, 15);
  });

  it("cosine: half a period, then the minimum", () => {
    const rate = schedule.cosine(1, { steps: 4, minimum: 0.2 });
    const expected = [1, 0.2 + 0.4 * (1 + Math.SQRT1_2), 0.6, 0.2 + 0.4 * (1 - Math.SQRT1_2), 0.2, 0.2];
    steps(6).forEach((step) => { expect(rate(step)).toBeCloseTo(expected[step], 14); });
    expect(schedule.cosine(3, { steps: 10 })(1000)).toBe(0);
  });

  it("warmUp: a line up to the rate, whose steps count from there", () => {
    expect(steps(6).map(schedule.warmUp(4, 2))).toEqual([0.5, 1, 1.5, 2, 2, 2]);
    const composed = schedule.warmUp(2, schedule.step(1, { every: 2, factor: 0.5 }));
    expect(steps(7).map(composed)).toEqual([0.5, 1, 1, 1, 0.5, 0.5, 0.25]);
  });

  // What PyTorch 1.13 has as rates of its updates, in float64.
  it.each<[string, Schedule, number[]]>([
    ["OneCycleLR(max_lr=2, total_steps=10)", schedule.oneCycle(2, { steps: 10 }), [
      0.08, 1.04, 2, 1.9009692640269473, 1.6234913078995261, 1.2225240438725786, 0.7774839561274215, 0.37651669210047395, 0.09903873597305257, 8e-6, 8e-6,
    ]],
    [
      "OneCycleLR(max_lr=2, total_steps=10, pct_start=0.5, anneal_strategy='linear', div_factor=10, final_div_factor=100)",
      schedule.oneCycle(2, { steps: 10, pctStart: 0.5, anneal: "linear", divFactor: 10, finalDivFactor: 100 }),
      [0.2, 0.65, 1.1, 1.55, 2, 1.6004, 1.2008, 0.8012, 0.4016, 0.002],
    ],
    ["OneCycleLR(max_lr=1, total_steps=12, pct_start=0.25, three_phase=True)", schedule.oneCycle(1, { steps: 12, pctStart: 0.25, threePhase: true }), [
      0.04, 0.52, 1, 0.52, 0.04, 0.038019575420312576, 0.032470549057570956, 0.024451973637258376, 0.015552026362741628, 0.0075334509424290486,
      0.0019844245796874246, 4e-6,
    ]],
    [
      "OneCycleLR(max_lr=2, total_steps=10), the momentum",
      schedule.oneCycle(0.85, { steps: 10, divFactor: 0.85 / 0.95, finalDivFactor: 1 }),
      [0.95, 0.9, 0.85, 0.854951556604879, 0.8688255099070633, 0.8888739533021842, 0.9111260466978157, 0.9311744900929366, 0.945048443395121, 0.95],
    ],
    ["CosineAnnealingWarmRestarts(3, 2, eta_min=0.1)", schedule.cosineRestarts(1, { steps: 3, multiplier: 2, minimum: 0.1 }), [
      1, 0.775, 0.325, 1, 0.9397114317029974, 0.775, 0.55, 0.325, 0.16028856829700258, 1, 0.9846666218300807, 0.9397114317029974,
    ]],
    ["CosineAnnealingWarmRestarts(4)", schedule.cosineRestarts(1, { steps: 4 }), [
      1, 0.8535533905932737, 0.5, 0.14644660940672627, 1, 0.8535533905932737, 0.5, 0.14644660940672627, 1, 0.8535533905932737,
    ]],
    ["ExponentialLR(0.9)", schedule.exponential(1, { factor: 0.9 }), [1, 0.9, 0.81, 0.729, 0.6561]],
  ])("as %s of PyTorch", (_, rate, expected) => {
    expected.forEach((value, step) => { expect(rate(step)).toBeCloseTo(value, 14); });
  });

  it("oneCycle: without a rise, with nothing but one, and with one step", () => {
    expect(steps(3).map(schedule.oneCycle(1, { steps: 3, pctStart: 0, anneal: "linear", divFactor: 2, finalDivFactor: 1 }))).toEqual([1, 0.75, 0.5]);
    expect(schedule.oneCycle(1, { steps: 3, pctStart: 1 })(2)).toBe(1);
    expect(Number.isFinite(schedule.oneCycle(1, { steps: 1 })(0))).toBe(true);
  });

  it("cosineRestarts: far along, and exponential: in so many steps", () => {
    expect(schedule.cosineRestarts(1, { steps: 10 })(1e9 + 5)).toBeCloseTo(0.5, 14);
    expect(schedule.cosineRestarts(1, { steps: 1, multiplier: 2 })(2 ** 40 - 1)).toBe(1);
    expect([0, 5, 15].map(schedule.exponential(2, { factor: 0.25, every: 10 }))).toEqual([2, 1, 0.25]);
  });

  it("sequence, and any of them as the rate of another", () => {
    expect(steps(5).map(schedule.sequence(3, 2, (step) => step / 10))).toEqual([3, 3, 0, 0.1, 0.2]);
    const product = schedule.step(schedule.step(1, { every: 2, factor: 0.5 }), { every: 3, factor: 0.1 });
    expect(product(5)).toBeCloseTo(0.025, 15);
  });

  it.each([
    ["a negative rate", () => schedule.constant(-1)],
    ["NaN", () => schedule.cosine(NaN, { steps: 3 })],
    ["no steps", () => schedule.cosine(1, { steps: 0 })],
    ["no options", () => schedule.step(1, undefined as unknown as { every: number })],
    ["a number as options", () => schedule.cosine(1, 100 as unknown as { steps: number })],
    ["half a step", () => schedule.step(1, { every: 1.5 })],
    ["a negative factor", () => schedule.step(1, { every: 1, factor: -1 })],
    ["an endless warm-up", () => schedule.warmUp(Infinity, 1)],
    ["a rate that is text", () => schedule.sequence(1, 2, "3" as unknown as number)],
    ["a factor of 0", () => schedule.exponential(1, { factor: 0 })],
    ["a factor above 1", () => schedule.exponential(1, { factor: 1.5 })],
    ["a cycle without steps", () => schedule.oneCycle(1, {} as { steps: number })],
    ["a share above 1", () => schedule.oneCycle(1, { steps: 9, pctStart: 30 })],
    ["a division by 0", () => schedule.oneCycle(1, { steps: 9, divFactor: 0 })],
    ["another line", () => schedule.oneCycle(1, { steps: 9, anneal: "cos" as "cosine" })],
    ["half a multiplier", () => schedule.cosineRestarts(1, { steps: 9, multiplier: 0.5 })],
    ["a negative minimum", () => schedule.cosine(1, { steps: 1, minimum: -1 })],
  ])("refuses %s", (_, make) => { expect(make).toThrow(ValueError); });
});

describe("an optimizer with a schedule", () => {
  const p = () => parameter([1, 2]);

  it("asks it for the rate of each update, by the number of updates before it", () => {
    const θ = p();
    const asked: number[] = [];
    const optimizer = new GradientDescent(θ, { learningRate: (step) => { asked.push(step); return 0.5 ** step; } });
    for (let i = 0; i < 3; i++) {
      grad(() => θ.sum());
      optimizer.update();
    }
    expect(asked).toEqual([0, 1, 2]);
    expect(θ.toArray()).toEqual([1 - 1.75, 2 - 1.75]);
    expect(optimizer.learningRate).toBe(0.125);
  });

  it("takes a new rate or schedule between updates", () => {
    const θ = p();
    const optimizer = new GradientDescent(θ, { learningRate: 1 });
    grad(() => θ.sum());
    optimizer.update();
    optimizer.learningRate /= 2;
    expect(optimizer.learningRate).toBe(0.5);
    grad(() => θ.sum());
    optimizer.update();
    expect(θ.toArray()).toEqual([-0.5, 0.5]);
    optimizer.learningRate = schedule.constant(0.25);
    expect(optimizer.learningRate).toBe(0.25);
    expect(() => { optimizer.learningRate = -1; }).toThrow(ValueError);
  });

  it("refuses what a schedule gives if it is no rate, and then changes nothing", () => {
    const θ = p();
    const optimizer = new Adam(θ, { learningRate: (step) => (step === 1 ? NaN : 0.1) });
    grad(() => θ.sum());
    optimizer.update();
    const before = θ.toArray();
    grad(() => θ.sum());
    expect(() => { optimizer.update(); }).toThrow(/schedule of Adam gave NaN at step 1/);
    expect(optimizer.step).toBe(1);
    expect(θ.toArray()).toEqual(before);
    expect(θ.grad?.toArray()).toEqual([1, 1]);
  });

  it("runs one plan, whatever the rate, the bound and the bias corrections are", () => {
    const θ = p();
    const optimizer = new Adam(θ, { learningRate: (step) => 1 / (2 + step), clip: { norm: 1 } });
    const update = () => {
      grad(() => θ.mul(θ).sum());
      optimizer.update();
    };
    for (let i = 0; i < 5; i++) update(); // the gradient's step is planned again when it has been seen often
    const { plans } = memory();
    for (let i = 0; i < 20; i++) update();
    expect(memory().plans).toBe(plans);
  });
});

describe("every number of an optimizer", () => {
  it("may be a schedule, of the optimizer or of a group, by the number of updates before", () => {
    const [a, b] = [parameter([0]), parameter([0])];
    const momentum = (step: number) => [0, 0.5, 0.25][step];
    const optimizer = new Momentum([{ parameters: a }, { parameters: b, momentum: schedule.constant(0.5) }], { learningRate: 1, momentum });
    const found: number[][] = [];
    for (let i = 0; i < 3; i++) {
      grad(() => a.add(b).sum());
      optimizer.update();
      found.push([a.item(), b.item()]);
    }
    // The velocities of a are −1, −0.5 − 1 and −0.375 − 1, those of b −1, −1.5 and −1.75.
    expect(found).toEqual([[-1, -1], [-2.5, -2.5], [-3.875, -4.25]]);
    expect(optimizer.groups[0].settings.momentum).toBe(momentum);
  });

  it("gives the same bits as a number, and runs the same plan", () => {
    const run = (weightDecay: number | Schedule, beta1: number | Schedule) => {
      const θ = parameter([1, -2, 3]);
      const optimizer = new AdamW(θ, { learningRate: 0.1, weightDecay, beta1 });
      for (let i = 0; i < 6; i++) {
        grad(() => θ.mul(θ).sum());
        optimizer.update();
      }
      return θ.toArray();
    };
    expect(run(() => 0.3, schedule.constant(0.8))).toEqual(run(0.3, 0.8));
    const { plans } = memory();
    run((step) => step / 10, (step) => 1 - 1 / (2 + step));
    expect(memory().plans).toBe(plans);
  });

  it("goes on where a snapshot was made", () => {
    const make = () => {
      const θ = parameter([1, -2, 3]);
      return { θ, optimizer: new Momentum(θ, { learningRate: 0.1, momentum: schedule.oneCycle(0.85, { steps: 8, divFactor: 0.9, finalDivFactor: 1 }) }) };
    };
    const train = ({ θ, optimizer }: ReturnType<typeof make>, updates: number) => {
      for (let i = 0; i < updates; i++) {
        grad(() => θ.mul(θ).sum());
        optimizer.update();
      }
      return θ;
    };
    const [whole, first, second] = [make(), make(), make()];
    train(first, 3);
    second.θ.assign(first.θ);
    second.optimizer.restore(first.optimizer.snapshot());
    expect(train(second, 4).toArray()).toEqual(train(whole, 7).toArray());
  });

  it("is refused at an update that it does not fit, and then nothing has changed", () => {
    const θ = parameter([1]);
    const optimizer = new Momentum(θ, { learningRate: 1, momentum: (step) => step });
    for (const expected of [0, "refused"]) {
      grad(() => θ.sum());
      if (expected === 0) optimizer.update();
      else expect(() => optimizer.update()).toThrow("Momentum, at step 1 of a schedule, takes a finite number from 0 to less than 1 as momentum, but got 1.");
    }
    expect([θ.item(), optimizer.step, θ.hasGradient]).toEqual([0, 1, true]);
    expect(String(optimizer)).toContain("momentum=");
  });

  it("so are those of a rule of one's own", () => {
    const descend = elementwise("descend", (value, gradient, rate, decay) => value.mul(decay).sub(gradient.mul(rate)));
    interface OwnOptions extends OptimizerOptions { readonly decay?: number | Schedule }
    class Own extends ElementwiseOptimizer<OwnOptions> {
      static override get options(): NumberKinds<OwnOptions> { return { ...ElementwiseOptimizer.options, decay: option.optional(option.fraction, 0.5) }; }
      protected readonly slots = [];
      protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate, decay }: Numbers<OwnOptions>): Updated {
        return { value: descend(value, gradient, learningRate, decay), slots: [] };
      }
    }
    const θ = parameter([8]);
    const optimizer = new Own(θ, { learningRate: 1, decay: (step) => 0.25 * (1 + step) });
    for (let i = 0; i < 2; i++) {
      grad(() => θ.sum());
      optimizer.update();
    }
    expect(θ.item()).toBe(-0.5);
  });
});
