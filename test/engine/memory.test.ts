import { afterEach, describe, expect, it } from "vitest";
import {
  add, affine, argmax, Component, concat, cost, evaluate, grad, gradients, input, log, memory, MemoryError, type MemoryReport, mul, NanError, debug,
  parameter, Random, RmsProp, randn, setDevice, slice, sum, tanh, type Variable, zeros,
} from "../../src/index.ts";
import { onWasm, told } from "../device.ts";

afterEach(() => setDevice("wasm"));

class LogisticRegression extends Component {
  readonly w;
  readonly b;
  constructor(classes: number, features: number) {
    super();
    this.w = parameter(randn([classes, features], new Random(1)));
    this.b = parameter(zeros([classes]));
  }
  cost(x: Variable, y: readonly number[]): Variable { return cost.categoricalCrossEntropyWithScores(affine(this.w, x, this.b), y); }
}

/** Lets the garbage collector and what waits for it run. */
async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
}

describe("memory()", () => {
  // A million steps end with the same; that takes half a minute.
  onWasm("what its heap and plans take")("is the same after ten thousand steps and after fifty thousand", async () => {
    const θ = new LogisticRegression(3, 4);
    const x = randn([40, 4], new Random(2));
    const y = Array.from({ length: 40 }, (_, i) => i % 3);
    const optimizer = new RmsProp(θ, { learningRate: 1e-3 });
    await collect();
    let early: MemoryReport | null = null;
    for (let step = 1; step <= 50_000; step++) {
      grad(() => θ.cost(x, y));
      optimizer.update();
      if (step === 10_000) early = memory();
    }
    expect(memory()).toEqual(early);
  });

  onWasm("what its heap and plans take")("says what lives, by kind", async () => {
    await collect();
    const before = memory();
    const w = parameter(zeros([1000]));
    const x = input(zeros([3000]).data);
    expect(memory()).toEqual(before); // only on the host so far
    const step = (): Variable => grad(() => add(sum(mul(w, w)), sum(x)));
    step();
    const optimizer = new RmsProp([w], { learningRate: 0.1 });
    optimizer.update();
    step();
    const after = memory();
    for (const [kind, bytes] of [["parameters", 4000], ["gradients", 4000], ["optimizer", 4000], ["inputs", 12000]] as const) {
      expect(after[kind] - before[kind]).toBeGreaterThanOrEqual(bytes);
      expect(after[kind] - before[kind]).toBeLessThan(bytes + 200);
    }
    expect(after.arena).toBeGreaterThan(0);
    expect(after.plans).toBeGreaterThan(0);
    const { total, ...kinds } = after;
    expect(total).toBe(Object.values(kinds).reduce((a, b) => a + b));
  });

  it("gets back what has been collected: parameters, their gradients, optimizer state and inputs", async () => {
    await collect();
    const before = memory();
    for (let i = 0; i < 30; i++) {
      const θ = new LogisticRegression(10, 400);
      const x = randn([5, 400]);
      const optimizer = new RmsProp(θ, { learningRate: 0.1 });
      for (let step = 0; step < 3; step++) {
        grad(() => θ.cost(x, [1, 2, 3, 4, 5]));
        optimizer.update();
      }
    }
    told(() => {});
    await collect();
    const { parameters, gradients, optimizer, inputs } = memory();
    // The last one may still be in use by the stack.
    expect(parameters - before.parameters).toBeLessThan(2 * 17_000);
    expect(gradients - before.gradients).toBeLessThan(2 * 17_000);
    expect(optimizer - before.optimizer).toBeLessThan(2 * 17_000);
    expect(inputs - before.inputs).toBeLessThan(2 * 9_000);
  });

  it("gets back what a parameter has on the other device when it moves", () => {
    const w = parameter(zeros([5000]));
    grad(() => sum(w));
    const onWasm = memory();
    setDevice("reference");
    grad(() => sum(w));
    const onReference = memory();
    setDevice("wasm");
    grad(() => sum(w));
    expect(memory().parameters).toBe(onWasm.parameters);
    expect(memory().gradients).toBe(onWasm.gradients);
    expect(onReference.parameters - onWasm.parameters).toBeLessThanOrEqual(5000 * 4);
  });

  onWasm("what its heap and plans take")("is bounded when structures never repeat", () => {
    const w = parameter([1, 2, 3]);
    const random = new Random(3);
    const run = (): void => {
      const choices = Array.from({ length: 12 }, () => random.integer(0, 4));
      grad(() => sum(choices.reduce<Variable>((x, choice) => [mul(x, 0.5), tanh(x), add(x, w), concat([slice(x, [1]), slice(x, [0, 1])])][choice], w)));
    };
    for (let i = 0; i < 700; i++) run();
    const after = memory();
    for (let i = 0; i < 1000; i++) run();
    expect(memory().arena).toBe(after.arena);
    expect(memory().plans).toBeLessThan(1.5 * after.plans);
    expect(memory().plans).toBeLessThan(2 ** 21);
  });

  onWasm("what its heap and plans take")("is bounded when steps fail, look, or check numbers", () => {
    const w = parameter([1, 2, 3]);
    const bad = input([9]);
    const run = (): void => {
      expect(() => grad(() => {
        const y = mul(w, 2);
        if (y.data[0] > 0) throw new RangeError("mine");
        return sum(y);
      })).toThrow(RangeError);
      expect(() => grad(() => cost.categoricalCrossEntropyWithScores(w, add(bad, 0)))).toThrow(/index 9/);
      expect(gradients(() => sum(mul(w, w)), [w])[0].data[0]).toBe(2);
      debug({ checkNumerics: true });
      expect(() => grad(() => sum(log(mul(w, -1))))).toThrow(NanError);
      evaluate(() => add(w, argmax(w).item()));
      debug({ checkNumerics: false });
    };
    for (let i = 0; i < 5; i++) run();
    const after = memory();
    for (let i = 0; i < 60; i++) run();
    expect(memory()).toEqual(after);
  });
});

describe("large steps", () => {
  onWasm("what its heap and plans take")("grow the arena as needed, and the next ones use it again", () => {
    const sums = (n: number, count: number, looks: boolean): number => {
      const x = input(new Float32Array(n).fill(1));
      return evaluate(() => {
        const list = [add(x, 0)];
        while (list.length < count) {
          list.push(add(list[list.length - 1], 1));
          if (looks) expect(slice(list[list.length - 1], n - 1).item()).toBe(list.length);
        }
        return list.reduce<Variable>((total, v) => add(total, slice(v, n - 1)), input(0));
      }).item();
    };
    for (const [n, count] of [[10, 10], [100_000, 30], [2 ** 21, 12], [10, 10]]) {
      for (const looks of [false, true]) expect(sums(n, count, looks)).toBe((count * (count + 1)) / 2);
    }
    const after = memory();
    expect(sums(2 ** 21, 12, true)).toBe(78);
    expect(memory().arena).toBe(after.arena);
  });

  onWasm("what its heap and plans take")("give their block back to the heap after several small ones, and others may have it", () => {
    const step = (n: number): number => evaluate(() => sum(mul(add(zeros([n]), 1), 2))).item();
    for (let i = 0; i < 20; i++) step(1000);
    const before = memory().arena;
    for (const looks of [false, true]) {
      evaluate(() => {
        const x = add(zeros([2 ** 22]), 1);
        if (looks) expect(slice(x, 7).item()).toBe(1);
        return sum(mul(x, x));
      });
      expect(memory().arena).toBeGreaterThan(2 ** 24);
      for (let i = 0; i < 40; i++) expect(step(1000)).toBe(2000);
      expect(memory().arena).toBeLessThanOrEqual(Math.max(before, 2 ** 17));
    }
    expect(step(2 ** 22)).toBe(2 ** 23);
  });

  onWasm("what its heap and plans take")("alternate with small ones without losing their block each time", () => {
    const step = (n: number): number => evaluate(() => sum(add(zeros([n]), 1))).item();
    let lost = 0;
    for (let epoch = 0; epoch < 30; epoch++) {
      for (let i = 0; i < 3; i++) expect(step(2 ** 20)).toBe(2 ** 20);
      const large = memory().arena;
      for (let i = 0; i < 40; i++) expect(step(100)).toBe(100);
      if (memory().arena < large) lost++;
    }
    expect(lost).toBeLessThan(8);
  });

  // A million work as well, in a few seconds.
  it("of a hundred and fifty thousand operations work", () => {
    const w = parameter([0.5, 2]);
    for (let run = 1; run <= 2; run++) {
      const loss = grad(() => {
        let x: Variable = w;
        for (let i = 0; i < 150_000; i++) x = add(x, 1);
        return sum(x);
      });
      expect(loss.item()).toBe(300_002.5);
      expect(w.grad?.toArray()).toEqual([run, run]);
    }
    expect(grad(() => sum(w)).item()).toBe(2.5);
  });

  onWasm("what it has no room for")("of more than 4 GiB are refused, and the next step works", () => {
    const w = parameter([1, 2]);
    const x = input(new Float32Array(2 ** 20).fill(1));
    grad(() => sum(w));
    const tooLarge = (): Variable => grad(() => {
      const kept = Array.from({ length: 1100 }, (_, i) => add(x, i)); // 4 MiB each
      const total = kept.reduceRight<Variable>((sum, v) => add(sum, slice(v, 0)), input(0));
      return add(sum(w), total);
    });
    for (let run = 0; run < 2; run++) {
      expect(tooLarge).toThrow(MemoryError);
      expect(tooLarge).toThrow(/GiB more.*smaller batches/s);
      expect(w.grad?.toArray()).toEqual([1, 1]);
    }
    expect(grad(() => sum(w)).item()).toBe(3);
    expect(w.grad?.toArray()).toEqual([2, 2]);
  });

  it("with a single result of more than 4 GiB are refused, also where 32 bits would wrap around", () => {
    const column = (n: number): Variable => input(new Float32Array(n), [n, 1]);
    const row = (n: number): Variable => input(new Float32Array(n).fill(1), [1, n]);
    for (const [m, n] of [[2 ** 16, 2 ** 16], [2 ** 16, 2 ** 15], [2 ** 15 + 1, 2 ** 15]]) {
      for (const device of ["wasm", "reference"] as const) {
        setDevice(device);
        expect(() => evaluate(() => sum(add(column(m), row(n))))).toThrow(MemoryError);
        expect(() => add(column(m), row(n))).toThrow(new RegExp(`add makes a result of shape \\[${m}, ${n}\\]`));
        expect(add(input(1), 1).item()).toBe(2);
      }
    }
  });
});
