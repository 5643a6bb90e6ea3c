/** One step of training in one call, by the optimizer's own parameters. */

import { afterEach, describe, expect, it } from "vitest";
import {
  Adam, type DeviceName, evaluate, GradientDescent, grad, input, mul, parameter, setDevice, sub, sum, UsageError, type Variable,
} from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

describe.each(["reference", "wasm"] as DeviceName[])("minimize on %s", (device) => {
  it("trains two against each other, each by its own loss", () => {
    setDevice(device);
    const [generated, slope] = [parameter(0), parameter(1)];
    const real = input(2);
    const generator = new GradientDescent(generated, { learningRate: 0.125 });
    const critic = new GradientDescent(slope, { learningRate: 0.5 });
    let [g, c] = [0, 1];
    for (let run = 0; run < 6; run++) {
      // −c·real + c·g, then −c·g
      expect(critic.minimize(() => mul(slope, sub(generated, real))).item()).toBeCloseTo(c * (g - 2), 6);
      c -= 0.5 * (g - 2);
      expect(generator.minimize(() => mul(slope, generated).neg()).item()).toBeCloseTo(-c * g, 6);
      g += 0.125 * c;
      expect([slope.item(), generated.item()].map((value, i) => value - [c, g][i])).toEqual([expect.closeTo(0, 5), expect.closeTo(0, 5)]);
      expect([slope.grad, generated.grad]).toEqual([null, null]);
    }
  });

  it("applies the gradient of its function, whatever an earlier grad has left", () => {
    setDevice(device);
    const [v, w, other] = [parameter([1]), parameter([1]), parameter([1])];
    const optimizer = new GradientDescent([v, w], { learningRate: 1 });
    for (let run = 1; run <= 5; run++) {
      v.assign([1]);
      grad(() => sum(mul(mul(v, w), other).mul(10)));
      optimizer.minimize(() => mul(v, other).mul(0.25).sum());
      // w, which the function does not reach, stays; other keeps what grad has left.
      expect([v.item(), w.item(), other.grad?.item()]).toEqual([0.75, 1, 10 * run]);
    }
    optimizer.update();
    expect(optimizer.step).toBe(5);
  });

  it("does as grad and update do, where nothing else is trained", () => {
    setDevice(device);
    const [v, w] = [parameter([1, -2]), parameter([1, -2])];
    const [one, two] = [new Adam(v, { learningRate: 0.1 }), new Adam(w, { learningRate: 0.1 })];
    const f = (p: Variable): Variable => sum(mul(mul(p, p), p));
    for (let run = 0; run < 6; run++) {
      const { loss, scores } = one.minimize(() => ({ loss: f(v), scores: v.mul(2) }));
      expect(loss.item()).toBe(grad(() => f(w)).item());
      expect(scores.data).toEqual(w.mul(2).data);
      two.update();
      expect(v.data).toEqual(w.data);
    }
  });
});

describe("minimize", () => {
  it("refuses what grad refuses, by its own name", () => {
    const [v, w] = [parameter(1), parameter(2)];
    const optimizer = new Adam(v);
    expect(() => optimizer.minimize(() => mul(w, w))).toThrow(/The loss given to Adam\.minimize depends on none of the parameters that are asked for/);
    expect(() => optimizer.minimize(() => input([1, 2]))).toThrow(/The loss given to Adam\.minimize has shape \[2\]/);
    expect(() => optimizer.minimize(3 as never)).toThrow(/Adam\.minimize takes a function/);
    expect(() => evaluate(() => optimizer.minimize(() => v))).toThrow(UsageError);
    expect(() => evaluate(() => optimizer.minimize(() => v))).toThrow(/Adam\.minimize was called inside evaluate/);
    expect([optimizer.step, v.item()]).toEqual([0, 1]);
  });

  it("has clearGrad, for what earlier steps have left", () => {
    const [v, w, other] = [parameter(1), parameter(2), parameter(3)];
    const optimizer = new Adam([v, w]);
    grad(() => mul(mul(v, w), other));
    optimizer.clearGrad();
    expect([v.grad, w.grad, other.grad?.item()]).toEqual([null, null, 2]);
    optimizer.update();
    expect(optimizer.step).toBe(0);
  });
});
