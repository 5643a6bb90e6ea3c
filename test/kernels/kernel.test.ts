import { afterEach, describe, expect, it } from "vitest";
import { useDevice } from "../../src/devices/current.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import {
  add, debug, elementwise, evaluate, gradients, grad, input, memory, mul, operation, parameter, setDevice, sum, tanh, type Variable,
} from "../../src/index.ts";
import { argument, derivative } from "../../src/kernels/expression.ts";
import { kernelCount, kernelGeneration, limitKernels, map, MAX_KERNELS } from "../../src/kernels/kernel.ts";
import { onWasm, told } from "../device.ts";

afterEach(() => setDevice("wasm"));

let made = 0;
/** A function that nobody has made before, x + its number, which is exact. */
function another(): { plus: (x: Variable) => Variable; number: number } {
  const number = ++made;
  return { plus: elementwise("plus", (x) => x.mul(1 + number).sub(x.mul(number)).add(number)), number };
}

/** Uses `count` functions that are new in one step, and checks the sum. */
function useNew(count: number): void {
  const functions = Array.from({ length: count }, another);
  const expected = functions.reduce((total, { number }) => total + 1 + number, 0);
  expect(evaluate(() => functions.map(({ plus }) => plus(input(1))).reduce((a, b) => add(a, b))).item()).toBe(expected);
}

const nextGeneration = (): void => {
  const before = kernelGeneration();
  for (let i = 0; kernelGeneration() === before; i++) {
    expect(i).toBeLessThan(50);
    useNew(200);
  }
};

describe("kernels of operations made without end", () => {
  onWasm("what its kernels take")("are bounded, and so is what memory() shows of them", () => {
    let most = 0;
    const before = kernelGeneration();
    while (kernelGeneration() < before + 4) {
      useNew(200);
      expect(kernelCount()).toBeLessThan(MAX_KERNELS + 1000);
      most = Math.max(most, memory().kernels);
    }
    expect(memory().kernels).toBeGreaterThan(0);
    // By estimate some 10 kB for each in modules of two hundred.
    expect(most).toBeLessThan(MAX_KERNELS * 50_000);
    const { total, ...kinds } = memory();
    expect(total).toBe(Object.values(kinds).reduce((a, b) => a + b));
  });

  it.each(["wasm", "reference"] as const)("do not disturb what is used on: operations, gradients of each order, looks, checks (%s)", (name) => {
    setDevice(name);
    const cube = elementwise("cube", (x) => x.mul(x).mul(x));
    const host = operation({ name: "twice", shape: (x) => x, forward(y, x) { y.data.set(x.data.map((v) => 2 * v)); }, reverse: (g) => [mul(g, 2)] });
    const w = parameter([2, 3]);
    const loss = (): Variable => {
      const y = cube(w);
      expect(y.data[1]).toBe(27); // a look
      return sum(add(host(y), tanh(mul(w, 0))));
    };
    for (let i = 0; i < 4; i++) {
      for (let run = 0; run < 5; run++) { // fused at the last
        w.clearGrad();
        expect(grad(loss).item()).toBe(2 * 35);
        expect(w.grad?.toArray()).toEqual([6 * 4, 6 * 9]); // of 2w³
        const [second] = gradients(() => sum(gradients(() => sum(cube(w)), [w])[0]), [w]);
        expect(second.toArray()).toEqual([12, 18]);
      }
      debug({ checkNumerics: true });
      expect(grad(loss).item()).toBe(70);
      debug({ checkNumerics: false });
      nextGeneration();
    }
  });

  it("may begin anew in the middle of a step, between looks", () => {
    const w = parameter([2]);
    const value = grad(() => {
      let x: Variable = w;
      let expected = 2;
      const before = kernelGeneration();
      while (kernelGeneration() < before + 2) {
        for (let i = 0; i < 150; i++) {
          const { plus, number } = another();
          x = i === 0 ? plus(x) : add(x, plus(input(0)));
          expected += number;
        }
        expect(x.item()).toBe(expected);
        x = add(x, -expected); // numbers stay exact
        expected = 0;
      }
      return sum(mul(x, w));
    });
    expect(value.item()).toBe(0);
  });

  it("begin anew on every device, whichever was in use then", () => {
    const other = new WasmDevice({ shared: false });
    const w = parameter([1, 2, 3]);
    const step = (): void => {
      w.clearGrad();
      expect(grad(() => sum(mul(tanh(mul(w, 0)), w))).item()).toBe(0);
      expect(w.grad?.toArray()).toEqual([0, 0, 0]);
    };
    for (let i = 0; i < 3; i++) {
      for (const device of [other, null]) {
        if (device === null) setDevice("wasm");
        else useDevice(device);
        for (let run = 0; run < 5; run++) step();
        if (i % 2 === (device === null ? 0 : 1)) nextGeneration();
      }
    }
  });

  it("are not kept where they are never used", () => {
    const before = kernelCount();
    for (let i = 0; i < 20_000; i++) map(1, argument(0).mul(1000 + i));
    expect(kernelCount()).toBe(before);
  });

  it("have the same id until it is forgotten, and then another one", () => {
    const kernel = map(1, argument(0).mul(0.123));
    const { id } = kernel;
    expect(kernel.id).toBe(id);
    limitKernels(); // not yet
    expect(kernel.id).toBe(id);
    nextGeneration();
    expect(kernel.id).toBeLessThan(MAX_KERNELS);
    expect(map(1, argument(0).mul(0.123)).id).not.toBe(map(1, argument(0).mul(0.124)).id);
  });
});

describe("functions of the host", () => {
  it("go with the operations that they belong to", async () => {
    const x = input([1, 2]);
    const references = Array.from({ length: 20 }, (_, i) => {
      const state = { factor: i };
      const own = operation({ name: "own", shape: (s) => s, forward(y, v) { y.data.set(v.data.map((a) => a * state.factor)); } });
      for (let run = 0; run < 3; run++) expect(evaluate(() => sum(own(x))).item()).toBe(3 * i);
      return new WeakRef(state);
    });
    const before = kernelCount();
    for (let i = 0; i < 400; i++) evaluate(() => add(x, input(new Float32Array(2 * (i + 1)), [i + 1, 2]))); // other plans
    expect(kernelCount() - before).toBeLessThan(5);
    told(() => {});
    for (let i = 0; i < 5; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
    // The last ones may be in use by the stack.
    expect(references.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(3);
  });

  it("of one plan are told apart, and one that is used often is there once", () => {
    const scaled = (factor: number) => operation({ name: "scaled", shape: (s) => s, forward(y, v) { y.data.set(v.data.map((a) => a * factor)); } });
    const [twice, thrice] = [scaled(2), scaled(3)];
    for (const device of ["wasm", "reference"] as const) {
      setDevice(device);
      for (let run = 0; run < 5; run++) {
        expect(evaluate(() => [twice(thrice(input([1, 2]))), thrice(thrice(input([1, 2]))), twice(input(5))]).map((y) => y.toArray()))
          .toEqual([[6, 12], [9, 18], 10]);
      }
    }
  });
});

describe("expressions made without end", () => {
  it("have the same derivatives when the earlier ones have been forgotten", () => {
    const text = (): string[] => {
      const [x, y] = [argument(0), argument(1)];
      return [x.mul(y).tanh(), x.div(y), x.pow(y), x.maximum(y.mul(2)), x.greater(0).where(x, 0.5), x.mul(y).add(3), x.add(y)].flatMap((e) =>
        [0, 1].map((k) => String(derivative(e, k))));
    };
    const before = text();
    const x = argument(0);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20_000; i++) x.mul(0.5 + round + i * 1e-5);
      expect(text()).toEqual(before);
    }
  });

  it("may hold what was made before and after: the same argument twice", () => {
    const forget = (): void => { for (let i = 0; i < 20_000; i++) argument(0).mul(77 + i * 1e-5); };
    const made = [
      elementwise("square", (x) => { forget(); return x.mul(argument(0)); }),
      elementwise("sum", (x) => { const y = x.mul(2); forget(); return y.add(argument(0).mul(2)).mul(0.25).mul(x); }),
    ];
    const values = Array.from({ length: 11 }, (_, i) => i - 4);
    for (const device of ["wasm", "reference"] as const) {
      setDevice(device);
      for (const square of made) {
        const x = parameter(values);
        for (let run = 0; run < 5; run++) {
          x.clearGrad();
          grad(() => sum(square(x)));
          expect(evaluate(() => square(x)).toArray()).toEqual(values.map((v) => v * v));
          expect(x.grad?.toArray()).toEqual(values.map((v) => 2 * v));
        }
      }
    }
  });

  it("have the same derivatives as older ones", () => {
    const x = argument(0);
    for (let i = 0; i < 20_000; i++) x.mul(88 + i * 1e-5);
    expect(String(derivative(x.mul(argument(1)), 0))).toBe("b");
  });
});
