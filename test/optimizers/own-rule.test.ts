import { describe, expect, it } from "vitest";
import {
  elementwise, grad, type NumberKinds, type Numbers, Optimizer, type OptimizerOptions, option, parameter, ShapeError, type Target, type Updated,
  UsageError, type Variable,
} from "../../src/index.ts";

const forward = elementwise("forward", (value, gradient, rate, factor) => value.sub(gradient.mul(rate).mul(factor)));
const count = elementwise("count", (before, now) => before.mul(0).add(now));

interface OwnOptions extends OptimizerOptions {
  readonly factor?: number;
}

class Own extends Optimizer<OwnOptions> {
  static override get options(): NumberKinds<OwnOptions> { return { ...Optimizer.options, factor: option.optional(option.positive, 2) }; }
  protected readonly slots = ["updates"];
  protected rule(value: Variable, gradient: Variable, [before]: readonly Variable[], numbers: Numbers<OwnOptions>): Updated {
    return { value: forward(value, gradient, numbers.learningRate, numbers.factor), slots: [count(before, numbers.count)] };
  }
}

describe("a rule of one's own", () => {
  it("is given its settings, the rate and the count of the parameter's updates", () => {
    const [a, b] = [parameter([0]), parameter([0])];
    const optimizer = new Own([{ parameters: a }, { parameters: b, factor: 3, learningRate: 1 }], { learningRate: 0.5 });
    grad(() => a.sum());
    optimizer.update();
    grad(() => a.add(b).sum());
    optimizer.update();
    expect([a.item(), b.item()]).toEqual([-2, -3]);
    expect([optimizer.slotsOf(a).updates.item(), optimizer.slotsOf(b).updates.item()]).toEqual([2, 1]);
    expect(() => new Own(a, { learningRate: 1, factor: 0 })).toThrow("Own takes a finite number of more than 0 as factor, but got 0.");
    expect(() => new Own(a, { learningRate: 1, factro: 1 } as unknown as OptimizerOptions)).toThrow(/"factro".*learningRate, factor, clip, noise/);
  });

  it.each<[string, (value: Variable, gradient: Variable) => Updated, new (message: string) => Error]>([
    ["no slots", (value, gradient) => ({ value: value.sub(gradient), slots: [] }), UsageError],
    ["a value that is no operation's", (value, gradient) => ({ value, slots: [gradient.mul(1)] }), UsageError],
    ["another shape", (value, gradient) => ({ value: value.sub(gradient), slots: [gradient.sum()] }), UsageError],
    ["shapes that do not fit", (value) => ({ value: value.add(parameter([1, 2, 3])), slots: [] }), ShapeError],
  ])("that gives %s is refused, and nothing changes", (_, rule, error) => {
    class Wrong extends Optimizer {
      protected readonly slots = ["slot"];
      protected rule(value: Variable, gradient: Variable): Updated { return rule(value, gradient); }
    }
    const θ = parameter([1, 2]);
    const optimizer = new Wrong(θ, { learningRate: 1 });
    grad(() => θ.sum());
    expect(() => { optimizer.update(); }).toThrow(error);
    expect(θ.toArray()).toEqual([1, 2]);
    expect(optimizer.step).toBe(0);
    expect(θ.grad?.toArray()).toEqual([1, 1]);
  });

  it("may write into what it is given: neither other parameters nor the next update see it", () => {
    class Writing extends Own {
      protected override readonly slots = ["updates", "twice"];
      constructor(target: Target) { super(target, { learningRate: 1 }); }
      protected override rule(value: Variable, gradient: Variable, slots: readonly Variable[], numbers: Numbers<OwnOptions>): Updated {
        const next = { value: forward(value, gradient, numbers.learningRate, numbers.factor), slots: [slots[0].add(1), slots[1].add(2)] };
        Object.assign(numbers, { learningRate: 99, count: 99, factor: 99 });
        expect(() => (slots as Variable[]).reverse()).toThrow(TypeError);
        return next;
      }
    }
    const [a, b] = [parameter([0]), parameter([0])];
    const optimizer = new Writing([a, b]);
    for (let i = 0; i < 3; i++) {
      grad(() => a.add(b).sum());
      optimizer.update();
    }
    expect([a.item(), b.item()]).toEqual([-6, -6]);
    expect(Object.values(optimizer.slotsOf(b)).map((value) => value.item())).toEqual([3, 6]);
  });

  it("is known as an Optimizer, whatever its settings are", () => {
    const any: Optimizer = new Own(parameter([1]), { learningRate: 1 });
    expect(any.groups).toHaveLength(1);
  });
});
