import { describe, expect, it } from "vitest";
import { LinearModel, LinearRegression, SigmoidRegression, SoftmaxRegression } from "../../src/components/index.ts";
import { Adam, type cost, exp, grad, input, type Labels, type Variable } from "../../src/index.ts";
import { draw, expectGradients } from "./plain.ts";

/** y is a count, with exp(x·wᵀ + b) as its mean. */
class PoissonRegression extends LinearModel {
  predict(x: Variable): Variable { return exp(this.score(x)); }
  cost(x: Variable, y: Variable): Variable { return this.predict(x).sub(y.mul(this.score(x))).sum(); }
}

/** What holds for any linear model: generic code over it compiles. */
function trained<M extends LinearModel>(model: M, x: Variable, y: cost.Numbers | Labels): { before: number; after: number } {
  const optimizer = new Adam(model, { learningRate: 0.1 });
  const before = model.cost(x, y).item();
  for (let step = 0; step < 20; step++) optimizer.minimize(() => model.cost(x, y));
  return { before, after: model.cost(x, y).item() };
}

const x = draw([4, 3]);
const kinds: readonly (readonly [string, LinearModel, cost.Numbers | Labels, readonly number[]])[] = [
  ["LinearRegression", new LinearRegression({ inputs: 3, outputs: 1 }), [[1], [2], [0], [1]], [4, 1]],
  ["SoftmaxRegression", new SoftmaxRegression({ inputs: 3, outputs: 2 }), [1, 0, 0, 1], [4]],
  ["SigmoidRegression", new SigmoidRegression({ inputs: 3, outputs: 1 }), [[1], [0], [0], [1]], [4, 1]],
  ["one of a user's", new PoissonRegression({ inputs: 3, outputs: 1 }), input([[3], [0], [1], [5]]), [4, 1]],
];

describe("a linear model", () => {
  it.each(kinds)("of any kind predicts, costs and is trained: %s", (_, model, y, shape) => {
    expect(model.predict(x).shape).toEqual(shape);
    expectGradients(() => model.cost(x, y), model);
    const { before, after } = trained(model, x, y);
    expect(after).toBeLessThan(before);
    expect(grad(() => model.cost(x, y)).item()).toBe(after);
  });
});
