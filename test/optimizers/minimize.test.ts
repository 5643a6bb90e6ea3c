/** One step of training in one call, by the optimizer's own parameters. */

import { afterEach, describe, expect, it } from "vitest";
import {
  Adam, type DeviceName, embed, evaluate, GradientDescent, grad, input, LBFGS, log, mul, parameter, setDevice, sub, sum, UsageError, type Variable, zeros,
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

  it("leaves gradients as they were, whatever fails", () => {
    setDevice(device);
    const [v, w, table] = [parameter([1, 2]), parameter([3]), parameter(zeros([2 ** 15, 2]))];
    const rows = (indices: number[]): Variable => embed(table, indices).sum();
    const rate = (step: number): number => (step === 0 ? 1 : NaN);
    const optimizer = new GradientDescent([v, w, table], { learningRate: rate });
    const fails: [f: () => Variable, message: RegExp][] = [
      [() => { throw new Error("of its own"); }, /of its own/],
      [() => v.mul(2), /The loss given to GradientDescent\.minimize has shape \[2\]/],
      [() => input(1), /depends on none of the parameters/],
      // These fail when the step runs, after the gradient of v is known, the last one in the update.
      [() => v.sum().add(rows([3])).add(embed(table, input([2 ** 15])).sum()), /32768/],
      [() => v.sum().add(rows([3, 5])), /schedule/],
    ];
    grad(() => v.sum().add(w).add(rows([3, 4, 3])));
    const gradients = (): unknown[] => [v.grad?.toArray(), w.grad?.item(), embed(table.grad ?? table, [2, 3, 4, 5]).toArray(), table.grad?.sum().item()];
    optimizer.update();
    for (const has of [false, true]) {
      if (has) grad(() => v.mul(v).sum().add(w.mul(4)).add(rows([3, 4, 3])));
      const expected = has ? [[0, 2], 4, [[0, 0], [2, 2], [1, 1], [0, 0]], 6] : [undefined, undefined, gradients()[2], undefined];
      for (const [f, message] of fails) {
        expect(() => optimizer.minimize(f)).toThrow(message);
        expect(gradients()).toEqual(expected);
      }
      expect(() => evaluate(() => { optimizer.minimize(() => v.sum()); })).toThrow(/was called inside evaluate/);
      expect(gradients()).toEqual(expected);
    }
    // They still add up.
    grad(() => v.sum().add(rows([4])));
    expect(gradients()).toEqual([[1, 3], 4, [[0, 0], [2, 2], [2, 2], [0, 0]], 8]);
  });

  it("leaves gradients as they were, where a search fails", () => {
    setDevice(device);
    const w = parameter(2);
    grad(() => w.mul(3));
    const optimizer = new LBFGS(w);
    for (const last of [1, 2, 3]) {
      let calls = 0;
      expect(() => optimizer.minimize(() => {
        if (++calls === last) throw new Error("of its own");
        return w.sub(7).pow(2);
      })).toThrow("of its own");
      expect([calls, w.grad?.item()]).toEqual([last, 3]);
    }
    optimizer.minimize(() => log(w.sub(3))); // which is NaN, so nothing is done
    expect([w.item(), w.grad]).toEqual([expect.any(Number), null]);
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
