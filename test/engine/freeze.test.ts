/** Parameters that are frozen, and what all variables have although it is for parameters and states. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  Adam, add, affine, checkGradients, Component, evaluate, grad, gradients, input, linear, matmul, mean, mul, parameter, randn, setDevice, state, sum, tanh,
  UsageError,
  type Variable, zeros,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";

const numbers = (variable: Variable | null): number[] | null => (variable === null ? null : Array.from(variable.data));

describe.each(["wasm", "reference"] as const)("a frozen parameter, on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));

  it("gets no gradient, and keeps none", () => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const step = (): Variable => grad(() => sum(mul(v, w)));
    for (let run = 1; run <= 3; run++) {
      step();
      expect([numbers(v.grad), numbers(w.grad)]).toEqual([[3 * run, 4 * run], [1, 2]]);
      expect([w.isFrozen, w.freeze(), w.isFrozen, w.grad]).toEqual([false, w, true, null]);
      for (let k = 0; k < 5; k++) {
        v.clearGrad();
        expect(step().item()).toBe(11);
        expect([numbers(v.grad), w.grad]).toEqual([[3, 4], null]);
      }
      v.clearGrad();
      for (let k = 0; k < run; k++) step();
      expect(w.unfreeze().isFrozen).toBe(false);
    }
  });

  it("costs no gradient", () => {
    const [v, w] = [parameter(randn([20, 30])), parameter(randn([10, 20]))];
    const [x, c] = [randn([4, 30]), zeros([20])];
    const products = (): number | undefined => launchesOf(() => grad(() => mean(matmul(tanh(affine(v, x, c)), w.reshape([20, 10])))), 6).product;
    expect(products()).toBe(5);
    v.freeze();
    expect(products()).toBe(3);
    v.unfreeze();
    w.freeze();
    expect(products()).toBe(4);
    w.unfreeze();
    expect(products()).toBe(5);
  });

  it("is left alone by optimizers, which go on where they were", () => {
    const [v, w] = [parameter([1]), parameter([1])];
    const optimizer = new Adam([v, w], { learningRate: 0.1 });
    const f = (): Variable => sum(mul(mul(v, v), mul(w, w)));
    optimizer.minimize(f);
    const [before, slots] = [w.item(), optimizer.slotsOf(w).firstMoment.item()];
    w.freeze();
    for (let run = 0; run < 5; run++) {
      const value = v.item();
      if (run % 2 === 0) optimizer.minimize(f);
      else {
        grad(f);
        optimizer.update();
      }
      expect(v.item()).toBeLessThan(value);
      expect([w.item(), optimizer.slotsOf(w).firstMoment.item()]).toEqual([before, slots]);
    }
    w.unfreeze();
    optimizer.minimize(f);
    expect(w.item()).toBeLessThan(before);
    expect([optimizer.snapshot().parameters.map(({ count }) => count), optimizer.parameters.length]).toEqual([[7, 2], 2]);
  });

  it("is a constant like others: gradients by it are given where they are asked for, and values may be assigned", () => {
    const w = parameter([1, 2]).freeze();
    const f = (): Variable => sum(mul(w, w));
    expect(numbers(gradients(f, [w])[0])).toEqual([2, 4]);
    w.assign([3, 4]);
    const v = parameter(1);
    grad(() => mul(v, sum(gradients(f, [w])[0])));
    expect([v.grad?.item(), w.grad, evaluate(f).item()]).toEqual([14, null, 25]);
  });
});

describe("freezing", () => {
  it("leaves a parameter out where gradients are checked", () => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4]).freeze()];
    const { ok, parameters } = checkGradients(() => sum(mul(v, mul(w, w))), new Map([["v", v], ["w", w]]));
    expect([ok, parameters.map(({ name }) => name), w.isFrozen]).toEqual([true, ["v"], true]);
    v.freeze();
    expect(() => checkGradients(() => sum(mul(v, w)), new Map([["v", v], ["w", w]]))).toThrow(/frozen/);
  });

  it("that leaves nothing to differentiate is an error that says so", () => {
    const [v, w] = [parameter(1).freeze(), parameter(2)];
    expect(() => grad(() => mul(v, v))).toThrow(/All parameters that grad could train are frozen.*unfreeze\(\)/s);
    expect(() => grad(() => mul(v, w), { of: v })).toThrow(/are frozen/);
    expect(() => new Adam(v).minimize(() => mul(v, w))).toThrow(/that Adam\.minimize could train are frozen/);
    expect(() => grad(() => mul(v, input(3)).add(evaluate(() => w)))).toThrow(/depends on no parameter/);
    expect(w.grad).toBeNull();
  });

  it("is refused while a step uses the parameter", () => {
    const w = parameter(2);
    const frozen = (): Variable => {
      const loss = mul(w, w);
      w.freeze();
      return loss;
    };
    expect(() => grad(frozen)).toThrow(/freeze was called inside grad or evaluate/);
    expect(() => evaluate(() => [mul(w, w), w.unfreeze()])).toThrow(/unfreeze was called inside/);
    expect([w.isFrozen, w.grad]).toEqual([false, null]);
  });
});

describe("what all variables have by their type", () => {
  it("lets what begins as a parameter or a state go on as a result", () => {
    class Cell extends Component {
      readonly u = parameter([[0.5]]);
      readonly h0 = parameter([1]);
      readonly last = state([1]);
      run(): readonly [Variable, Variable] {
        let [h, g] = [this.h0, this.last];
        for (let i = 0; i < 2; i++) {
          h = tanh(linear(this.u, h));
          g = linear(this.u, add(g, 0));
        }
        return [h, g];
      }
    }
    const [h, g] = evaluate(() => new Cell().run());
    expect(h.item()).toBeCloseTo(Math.tanh(0.5 * Math.tanh(0.5)), 6);
    expect(g.item()).toBe(0.25);
  });

  it("says that others are neither trained nor kept", () => {
    const [x, s] = [input([1, 2]), state([1, 2])];
    expect([x.grad, x.isFrozen, s.grad, s.isFrozen]).toEqual([null, false, null, false]);
    for (const v of [x, s]) {
      for (const f of [() => v.clearGrad(), () => v.freeze(), () => v.unfreeze()]) {
        expect(f).toThrow(UsageError);
        expect(f).toThrow(/was called on a Variable \[2\] that is not a parameter: those are made by parameter\(…\)/);
      }
    }
    const message = /assign was called on a Variable \[2\] that is not a parameter or a state: those are made by parameter\(…\) and state\(…\)/;
    expect(() => x.assign([3, 4])).toThrow(message);
  });
});
