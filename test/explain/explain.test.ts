/** The report on steps says what ran. */

import { afterEach, describe, expect, it } from "vitest";
import { Lstm } from "../../src/components/index.ts";
import { explain } from "../../src/explain/index.ts";
import {
  Adam, affine, debug, evaluate, grad, layerNorm, operation, parameter, randn, setDevice, tanh, UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { onWasm } from "../device.ts";
import { onBoth } from "../devices/unwaited.ts";

afterEach(() => setDevice("wasm"));

describe.each(["wasm", "reference"] as const)("explain on the %s device", (device) => {
  it("names what is fused and batched, with its work", () => {
    setDevice(device);
    const steps = 6;
    const rnn = new Lstm({ inputs: 4, outputs: 8 });
    const optimizer = new Adam(rnn, { learningRate: 0.1 });
    const xs = Array.from({ length: steps }, () => randn([4]));
    const report = explain(() => {
      grad(() => {
        let state = rnn.initialState();
        for (const x of xs) state = rnn.step(x, state);
        return state[0].sum();
      });
      optimizer.update();
    });
    expect(report.steps.map(({ caller }) => caller)).toEqual(["grad", "Adam.update"]);
    const [step] = report.steps;
    const products = step.launches.filter(({ kernel }) => kernel === "product");
    expect(products.filter(({ members }) => members === steps).length).toBe(4 + 8); // input projections, gradients of weights
    // One projection: 2·6·8·4 operations; it reads [6, 4] and [8, 4], and writes [6, 8].
    expect(products[0]).toMatchObject({ operations: `${steps} × matmul`, flops: 2 * steps * 8 * 4, bytes: 4 * (steps * 4 + 8 * 4 + steps * 8), shape: [8] });
    expect(step.launches.some(({ operations }) => operations.includes("sigmoid") && operations.includes("tanh"))).toBe(true);
    for (const launch of step.launches) {
      expect(launch.estimated).toBeGreaterThan(0);
      expect(launch.measured).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(launch.measured)).toBe(true);
    }
    expect(step.computed).toBeLessThan(step.operations);
    expect(step.notes.join()).toMatch(/4 times: 12 products with a matrix \[8, 8\] take 12 launches/);
    const text = String(report);
    expect(text).toMatch(/grad: \d+ operations, \d+ launches(?: in \d+ dispatches)?, [\d.]+ µs/);
    expect(text).toContain(`${steps} × matmul`);
    expect(text).toContain("Adam.update: ");
  });

  it("counts what all rows of a launch share once, and what is the same for a row not for each element", () => {
    setDevice(device);
    const [x, gain, bias] = [randn([8, 20]), randn([20]), randn([20])];
    const [{ launches }] = explain(() => evaluate(() => layerNorm(x, gain, bias))).steps;
    // Reads x, gain, bias and two numbers, writes the result. An element: six operations for what it becomes, two squares, four sums.
    expect(launches).toMatchObject([{ kernel: "row", operations: "layerNorm", bytes: 4 * (2 * 8 * 20 + 2 * 20 + 2), flops: 8 * 20 * (6 + 2 + 4) }]);
  });

  it("really runs the function, as often as it is told, and leaves later steps as they were", () => {
    setDevice(device);
    const w = parameter(1);
    let calls = 0;
    const f = (): Variable => {
      calls++;
      return w.mul(3);
    };
    explain(() => grad(f), { runs: 2 });
    expect([calls, w.grad?.item()]).toEqual([2, 6]);
    w.clearGrad();
    for (let run = 0; run < 6; run++) grad(f);
    expect(w.grad?.item()).toBe(18);
  });

  it("shows the parts of a step that looks at values", () => {
    setDevice(device);
    const w = parameter([1, 2]);
    const { steps } = explain(() => grad(() => {
      const y = tanh(w);
      return y.sum().item() > 0 ? y.mul(2).sum() : y.sum();
    }));
    expect(steps.length).toBe(2);
    expect(steps[0].launches.map(({ operations }) => operations)).toEqual(["tanh", "sum"]);
    expect(w.grad?.toArray()).toHaveLength(2);
  });

  it("survives a function that throws, and operations of one's own", () => {
    setDevice(device);
    const twice: (x: Variable) => Variable = operation({
      name: "twice", shape: (x) => x, reverse: (g) => [twice(g)],
      forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = 2 * x.data[i]; },
    });
    const w = parameter([1, 2]);
    expect(() => explain(() => { grad(() => twice(w).sum()); throw new Error("mine"); })).toThrow("mine");
    const { steps } = explain(() => grad(() => twice(w).sum()), { runs: 1 });
    expect(steps[0].launches.map(({ kernel, operations }) => `${kernel} ${operations}`)).toContain("host twice");
    expect(grad(() => twice(w).sum()).item()).toBe(6);
  });
});

describe("explain", () => {
  it("refuses what it cannot explain", () => {
    const w = parameter(1);
    expect(() => explain(1 as never)).toThrow(ValueError);
    expect(() => explain(() => grad(() => w.mul(1)), { runs: 0 })).toThrow(ValueError);
    expect(() => explain(() => 1)).toThrow(UsageError);
    expect(() => evaluate(() => explain(() => grad(() => w.mul(1))))).toThrow(UsageError);
  });
});

describe("debug({ eager: true })", () => {
  afterEach(() => debug({ eager: false }));

  it("is one of the options of debug, which has no others", () => {
    expect(() => debug({ toString: true } as never)).toThrow("Its options are checkNumerics, checkComparisons, eager.");
    expect(() => debug({ eager: 1 } as never)).toThrow(ValueError);
  });

  onWasm("what has run when a call returns")("runs each operation at once, and gives the same results", () => {
    const [w, b] = [parameter(randn([3, 4])), parameter(randn([3]))];
    const x = randn([5, 4]);
    const order: string[] = [];
    const noted: (x: Variable) => Variable = operation({
      name: "noted", shape: (v) => v, reverse: (g) => [g.mul(1)],
      forward(y, v) {
        order.push("ran");
        y.data.set(v.data);
      },
    });
    const f = (): Variable => {
      const y = noted(affine(w, x, b));
      order.push("called");
      return tanh(y).sum();
    };
    const step = (): number[] => {
      for (const p of [w, b]) p.clearGrad();
      order.length = 0;
      const loss = grad(f).item();
      return [loss, ...(w.grad?.data ?? []), ...(b.grad?.data ?? [])];
    };
    const expected = step();
    expect(order).toEqual(["called", "ran"]);
    debug({ eager: true });
    const found = step();
    expect(order).toEqual(["ran", "called"]);
    // The same operations one by one: sums in another order, float32.
    found.forEach((value, i) => { expect(Math.abs(value - expected[i])).toBeLessThan(1e-5); });
  });
});

describe("explain where nobody can wait", () => {
  it("reports what it does on the reference device", async () => {
    await onBoth(async () => {
      const w = parameter(randn([3, 4]));
      const optimizer = new Adam(w);
      const { steps } = explain(() => {
        grad(() => tanh(affine(w, randn([2, 4]), parameter([0, 0, 0]))).sum());
        optimizer.update();
      }, { runs: 2 });
      await w.read();
      return steps.map(({ launches, ...others }) => ({ ...others, launches: launches.map(({ measured, ...each }) => each) }));
    });
  });
});
