import { describe, expect, it } from "vitest";
import { LinearRegression } from "../../src/components/index.ts";
import { evaluate, grad, input, RmsProp, ShapeError, seed, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, matrix, plus, randomize, times, vector } from "./plain.ts";

const θ = randomize(new LinearRegression({ inputs: 3, outputs: 2 }));
const x = draw([4, 3]);
const y = draw([4, 2], 5);

describe("LinearRegression", () => {
  it("predicts w·x + b, for a sample as in a batch", () => {
    const expected = matrix(x).map((row) => plus(times(matrix(θ.w), row), vector(θ.b)));
    expectValue(() => θ.predict(x), expected);
    expectValue(() => θ.predict(input(matrix(x)[1])), expected[1]);
  });

  it("costs half of the squared errors, weighed", () => {
    const errors = matrix(x).map((row, i) => plus(times(matrix(θ.w), row), vector(θ.b)).map((value, k) => (value - matrix(y)[i][k]) ** 2 / 2));
    const each = errors.map((row) => row.reduce((a, b) => a + b));
    const weight = [1, 0, 2, 0.5];
    expectValue(() => θ.cost(x, y), each.reduce((a, b) => a + b));
    expectValue(() => θ.cost(x, y, { weight }), each.reduce((a, b, i) => a + weight[i] * b, 0));
    expectValue(() => θ.cost(x, matrix(y), { reduction: "mean" }), each.reduce((a, b) => a + b) / 4);
  });

  it("has right gradients", () => expectGradients(() => θ.cost(x, y, { weight: [1, 2, 3, 4] }), θ));

  it("drops inputs in training only", () => {
    seed(1);
    const dropping = new LinearRegression({ inputs: 1000, outputs: 1, dropout: 0.5 });
    dropping.w.assign(draw([1, 1000]).mul(0).add(1));
    const ones = draw([1000]).mul(0).add(1);
    expect(evaluate(() => dropping.predict(ones)).toArray()).toEqual([1000]);
    const { h } = grad(() => {
      const score = dropping.predict(ones);
      return { loss: score.sum(), h: score };
    });
    // Each of 1000 inputs is 0 or 2: deviation √1000; five of them. An exact 1000 would be no dropout (probability 2.5 %).
    expect(Math.abs(vector(h)[0] - 1000)).toBeLessThan(5 * Math.sqrt(1000));
    expect(h.toArray()).not.toEqual([1000]);
  });

  it("learns a line", () => {
    const line = new LinearRegression({ inputs: 1, outputs: 1 });
    const xs = input([[-1], [0], [1], [2]]);
    const optimizer = new RmsProp(line, { learningRate: 0.02 });
    for (let i = 0; i < 400; i++) {
      grad(() => line.cost(xs, [[-1], [1], [3], [5]]));
      optimizer.update();
    }
    expectClose([line.w.item(), line.b.item()], [2, 1], 0.05); // RMSProp ends within a few steps of 0.02
  });

  it("refuses what does not fit", () => {
    expect(() => new LinearRegression({ inputs: 0, outputs: 2 }))
      .toThrow(new ValueError("LinearRegression takes an integer of at least 1 as inputs, but got 0."));
    expect(() => new LinearRegression({ inputs: 2 } as never)).toThrow("LinearRegression takes an integer of at least 1 as outputs, but got undefined.");
    expect(() => new LinearRegression({ inputs: 2, outputs: 1, dropout: 1 }))
      .toThrow("LinearRegression takes as dropout the share that is dropped, from 0 to less than 1, but got 1: nothing would be left.");
    expect(() => new LinearRegression({ inputs: 2, outputs: 1, units: 3 } as never))
      .toThrow('LinearRegression got the option "units", which it does not have. Its options are inputs, outputs, dropout.');
    expect(() => new LinearRegression(3 as never)).toThrow("LinearRegression takes one object with the options inputs, outputs, dropout, but got 3.");
    expect(() => θ.predict(draw([4, 2]))).toThrow(ShapeError);
    expect(() => θ.predict(draw([4, 2]))).toThrow("LinearRegression got x of shape [4, 2], but its last axis must have size 3");
    expect(() => θ.predict([1, 2, 3] as never)).toThrow("LinearRegression takes a Variable as x, but got an array of 3. Wrap arrays with input(…).");
    expect(() => θ.cost(x, draw([3, 2]))).toThrow(ShapeError);
  });
});
