import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add, affine, Component, concat, evaluate, gather, grad, input, memory, mul, parameter, Random, randn, reshape, setDevice, slice, sub, sum, tanh,
  type Variable,
} from "../../src/index.ts";
import { PlanCache } from "../../src/plan/cache.ts";

/** A plan that remembers how often it was released. */
class Fake {
  released = 0;
  readonly executable: { bytes: number; release: () => void };
  constructor(readonly name: string, bytes = 100) {
    this.executable = { bytes, release: () => { this.released++; } };
  }
}
const words = (...numbers: number[]): Int32Array => Int32Array.from(numbers);

describe("the plan cache", () => {
  it("finds what has the same words, and only that", () => {
    const cache = new PlanCache<Fake>();
    const plan = new Fake("a");
    cache.put(words(1, 2, 3, 99), 3, plan);
    expect(cache.find(words(1, 2, 3, 7, 7), 3)).toBe(plan);
    for (const other of [words(1, 2, 4), words(1, 2), words(1, 2, 3, 4), words(0, 2, 3), words(), words(3, 2, 1)]) {
      expect(cache.find(other, other.length)).toBeNull();
    }
  });

  it("keeps a copy of the words", () => {
    const cache = new PlanCache<Fake>();
    const key = words(1, 2, 3);
    const plan = new Fake("a");
    cache.put(key, 3, plan);
    key[2] = 4;
    expect(cache.find(words(1, 2, 3), 3)).toBe(plan);
    expect(cache.find(key, 3)).toBeNull();
  });

  it("replaces a plan of the same structure, and releases the one before once", () => {
    const cache = new PlanCache<Fake>();
    const [first, second] = [new Fake("first"), new Fake("second")];
    cache.put(words(5), 1, first);
    cache.put(words(5), 1, second);
    expect(cache.find(words(5), 1)).toBe(second);
    expect([cache.size, first.released, second.released]).toEqual([1, 1, 0]);
  });

  it("drops the least recently used when there are many", () => {
    const cache = new PlanCache<Fake>();
    const plans = Array.from({ length: 1000 }, (_, i) => new Fake(String(i)));
    plans.forEach((plan, i) => {
      cache.put(words(i, i), 2, plan);
      expect(cache.size).toBeLessThanOrEqual(256);
      if (i > 0) expect(cache.find(words(0, 0), 2)).toBe(plans[0]); // used all the time
    });
    expect(cache.find(words(999, 999), 2)).toBe(plans[999]);
    expect(cache.find(words(500, 500), 2)).toBeNull();
    const alive = plans.filter((plan, i) => cache.find(words(i, i), 2) === plan);
    expect(alive).toHaveLength(cache.size);
    expect(plans.every((plan) => plan.released === (alive.includes(plan) ? 0 : 1))).toBe(true);
  });

  it("drops plans when they take much memory, but never the one that is about to run", () => {
    const cache = new PlanCache<Fake>();
    const plans = Array.from({ length: 20 }, (_, i) => new Fake(String(i), 2 ** 26));
    plans.forEach((plan, i) => {
      cache.put(words(i), 1, plan);
      expect(cache.size).toBeLessThanOrEqual(4);
      expect(cache.find(words(i), 1)).toBe(plan);
    });
    const huge = new Fake("huge", 2 ** 31);
    cache.put(words(77), 1, huge);
    expect([cache.find(words(77), 1), cache.size, huge.released]).toEqual([huge, 1, 0]);
  });

  it("releases everything when it is cleared", () => {
    const cache = new PlanCache<Fake>();
    const plans = Array.from({ length: 50 }, (_, i) => new Fake(String(i)));
    plans.forEach((plan, i) => { cache.put(words(i % 3, i), 2, plan); });
    cache.clear();
    expect([cache.size, plans.map((plan) => plan.released)]).toEqual([0, plans.map(() => 1)]);
    expect(cache.find(words(0, 0), 2)).toBeNull();
  });

  it("behaves as a map from words to plans", () => {
    const key = fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 4 });
    fc.assert(fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 60 }), (calls) => {
      const cache = new PlanCache<Fake>();
      const model = new Map<string, Fake>();
      calls.forEach(([list, isPut], i) => {
        const array = words(...list, 9, 9);
        if (isPut) {
          const plan = new Fake(String(i));
          cache.put(array, list.length, plan);
          model.set(String(list), plan);
        } else expect(cache.find(array, list.length)).toBe(model.get(String(list)) ?? null);
      });
      expect(cache.size).toBe(model.size);
    }));
  });
});

describe.each(["wasm", "reference"] as const)("cached plans on %s", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));
  const numbers = (v: Variable | null): number[] => Array.from(v?.data ?? []);

  it("take the data of each run: values, inputs, numbers, indices", () => {
    const w = parameter([[0, 0], [0, 0]]);
    const random = new Random(1);
    for (let run = 0; run < 12; run++) {
      const [values, x, factor, index] = [
        random.normalArray(4).map(Math.fround), random.normalArray(2).map(Math.fround), Math.fround(random.normal()), random.integer(0, 2),
      ];
      w.assign(Float64Array.from(values));
      w.clearGrad();
      const { loss, row } = grad(() => {
        const row = gather(w, index);
        return { loss: sum(mul(mul(row, input(x)), factor)), row };
      });
      expect(numbers(row)).toEqual([values[2 * index], values[2 * index + 1]]);
      expect(loss.item()).toBeCloseTo(factor * (x[0] * values[2 * index] + x[1] * values[2 * index + 1]), 5);
      expect(w.grad?.data[2 * index]).toBeCloseTo(x[0] * factor, 5);
      expect(w.grad?.data[2 - 2 * index]).toBe(0);
    }
  });

  it("tell structures apart that differ in little", () => {
    const x = input(Array.from({ length: 24 }, (_, i) => i));
    const w = parameter([1, 2]);
    for (let run = 0; run < 5; run++) {
      const cases: [Variable, number[]][] = [
        [evaluate(() => slice(x, [1, 3])), [1, 2]],
        [evaluate(() => slice(x, [2, 4])), [2, 3]],
        [evaluate(() => slice(x, [2, 6, 2])), [2, 4]],
        [evaluate(() => sum(reshape(x, [4, 6]), 0)), [36, 40, 44, 48, 52, 56]],
        [evaluate(() => sum(reshape(x, [6, 4]), 1)), [6, 22, 38, 54, 70, 86]],
        [evaluate(() => sum(reshape(x, [4, 6]), 1)), [15, 51, 87, 123]],
        [evaluate(() => sub(w, mul(w, 2))), [-1, -2]],
        [evaluate(() => sub(mul(w, 2), w)), [1, 2]],
        [evaluate(() => sub(mul(w, w), w)), [0, 2]],
        [evaluate(() => concat([w, mul(w, 2)])), [1, 2, 2, 4]],
        [evaluate(() => concat([mul(w, 2), w])), [2, 4, 1, 2]],
      ];
      for (const [found, expected] of cases) expect(numbers(found)).toEqual(expected);
      const [a, b] = evaluate(() => { const y = mul(w, 3); return [y, add(y, 1)]; });
      expect([numbers(a), numbers(b)]).toEqual([[3, 6], [4, 7]]);
      const [c, d] = evaluate(() => { const y = mul(w, 3); return [add(y, 1), y]; });
      expect([numbers(c), numbers(d)]).toEqual([[4, 7], [3, 6]]);
      expect(numbers(evaluate(() => { const y = mul(w, 3); add(y, 1); return y; }))).toEqual([3, 6]);
      expect(numbers(evaluate(() => { const y = mul(w, 3); return add(y, 1); }))).toEqual([4, 7]);
    }
  });

  it("tell gradients that are new from gradients that are added to, and from none", () => {
    const w = parameter([1, 2]);
    const f = (): Variable => sum(mul(w, w));
    const pattern = "nanaaneaneaaanaaaaaenaaanna";
    let expected = [0, 0];
    for (const step of pattern) {
      if (step === "e") {
        expect(evaluate(f).item()).toBe(5);
        continue;
      }
      if (step === "n") {
        w.clearGrad();
        expected = [0, 0];
      }
      grad(f);
      expected = [expected[0] + 2, expected[1] + 4];
      expect(numbers(w.grad)).toEqual(expected);
    }
  });

  it("serve components of one structure, each with its own parameters", () => {
    class Layer extends Component {
      readonly w;
      readonly b;
      constructor(seed: number) {
        super();
        this.w = parameter(randn([3, 2], new Random(seed)));
        this.b = parameter([seed, 0, 0]);
      }
      score(x: Variable): Variable { return tanh(affine(this.w, x, this.b)); }
    }
    const layers = Array.from({ length: 8 }, (_, i) => new Layer(i));
    const x = input([[1, 2], [3, 4]]);
    const first = layers.map((layer) => {
      const loss = grad(() => sum(layer.score(x))).item();
      const gradient = numbers(layer.w.grad);
      layer.w.clearGrad();
      layer.b.clearGrad();
      return { loss, gradient };
    });
    expect(new Set(first.map(({ loss }) => loss)).size).toBe(8);
    for (let run = 0; run < 5; run++) {
      for (const i of [3, 1, 7, 0, 5, 2, 6, 4]) {
        const loss = grad(() => sum(layers[i].score(x)));
        expect(loss.item()).toBeCloseTo(first[i].loss, 5);
        numbers(layers[i].w.grad).forEach((g, k) => { expect(g).toBeCloseTo(first[i].gradient[k], 5); });
        layers[i].w.clearGrad();
        layers[i].b.clearGrad();
      }
    }
    // Two of them exchanged in one step.
    const both = (a: Layer, b: Layer): number => evaluate(() => sub(sum(a.score(x)), sum(mul(b.score(x), 2)))).item();
    for (let run = 0; run < 5; run++) {
      expect(both(layers[1], layers[2])).toBeCloseTo(first[1].loss - 2 * first[2].loss, 4);
      expect(both(layers[2], layers[1])).toBeCloseTo(first[2].loss - 2 * first[1].loss, 4);
    }
  });

  it("follow large inputs to the device, where they stay from their second use on", () => {
    const before = memory().inputs;
    const w = parameter([2]);
    const make = (value: number): Variable => input(new Float32Array(1500).fill(value));
    const [kept, other] = [make(1), make(2)];
    for (let run = 0; run < 8; run++) {
      expect(evaluate(() => sum(mul(kept, w))).item()).toBe(3000);
      const once = make(run);
      expect(evaluate(() => sum(mul(once, w))).item()).toBe(3000 * run);
      expect(evaluate(() => sum(mul(run % 2 === 0 ? kept : other, w))).item()).toBe(run % 2 === 0 ? 3000 : 6000);
      const twice = make(run + 1);
      expect(evaluate(() => [sum(mul(twice, w)), sum(add(twice, kept))]).map((v) => v.item())).toEqual([3000 * (run + 1), 1500 * (run + 2)]);
      expect(evaluate(() => [sum(mul(twice, w)), sum(add(kept, twice))]).map((v) => v.item())).toEqual([3000 * (run + 1), 1500 * (run + 2)]);
    }
    expect(memory().inputs - before).toBeGreaterThanOrEqual(2 * 6000);
  });

  it("survive thousands of other structures in between", () => {
    const w = parameter([1, 2, 3, 4]);
    const f = (): number => evaluate(() => sum(mul(tanh(w), w))).item();
    const expected = f();
    const total = memory().total;
    for (let run = 0; run < 3000; run++) {
      const [a, b, c] = [run % 13, Math.floor(run / 13) % 17, Math.floor(run / 221)];
      const n = evaluate(() => {
        let x: Variable = input(new Float32Array(a + 1));
        for (let i = 0; i < b; i++) x = add(x, 1);
        for (let i = 0; i < c; i++) x = concat([x, x.reshape([-1])]).slice([0, a + 1]);
        return sum(x);
      });
      expect(n.item()).toBe(b * (a + 1));
      if (run % 100 === 0) expect(f()).toBe(expected);
    }
    expect(f()).toBeCloseTo(expected, 5);
    expect(memory().total - total).toBeLessThan(2 ** 21);
  });
});
