/** Reductions in the forms that are fast on a GPU: a workgroup a row, several a row, columns in parts; beside the float64 reference device. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { useDevice } from "../../../src/devices/current.ts";
import type { WebGpuDevice } from "../../../src/devices/webgpu/webgpu.ts";
import {
  argmax, grad, input, layerNorm, max, mean, min, parameter, rand, seed, setDevice, softmax, sum, type Variable,
} from "../../../src/index.ts";
import { gpu } from "./adapter.ts";
import { onGpu } from "./made.ts";

/** A workgroup has 64 threads. */
const shapes: readonly (readonly [rows: number, n: number])[] = [[3, 127], [3, 128], [5, 200], [257, 131], [1, 8192], [3, 9001]];
const functions: Readonly<Record<string, (x: Variable) => Variable>> = {
  "sum": (x) => sum(x, 1), "mean of products": (x) => mean(x.mul(x), 1), "maximum": (x) => max(x, 1), "minimum": (x) => min(x, 1),
  "softmax": (x) => softmax(x, 1), "log-sum-exp": (x) => sum(x.exp(), 1).log(), "norm": (x) => sum(x.mul(x), 1).sqrt(),
  "layer norm": (x) => layerNorm(x), "position of the maximum": (x) => argmax(x, 1).add(sum(x, 1)),
  "sum of columns": (x) => sum(x, 0), "maxima of columns": (x) => max(x, 0), "columns in the middle": (x) => sum(x.reshape([1, ...x.shape]), 1),
};

/** Its compiler takes seconds for some of the kernels. */
const isSlow = gpu?.name.includes("SwiftShader") ?? false;
if (isSlow) console.warn("Skipped on SwiftShader: reductions whose kernels take it seconds to compile.");
const tried = isSlow ? ["sum", "maximum", "softmax", "sum of columns", "maxima of columns"] : Object.keys(functions);

describe.runIf(gpu !== null)(`reductions on ${gpu?.name}`, () => {
  let device: WebGpuDevice;
  beforeAll(async () => { device = await onGpu("worker", "gpu"); });
  afterAll(() => setDevice("wasm"));

  /** The values and the gradient, of a weighted sum of the values; before fusion and after it. */
  async function compute(f: (x: Variable) => Variable, [rows, n]: readonly [number, number], runs: number): Promise<number[][][]> {
    seed(11);
    const x = parameter(rand([rows, n]).mul(2).sub(1));
    const weights = input(rand([rows * n]));
    const found: number[][][] = [];
    for (let run = 0; run < runs; run++) {
      x.clearGrad();
      const { values } = grad(() => {
        const values = f(x);
        return { loss: sum(values.reshape([values.size]).mul(weights.slice([0, values.size]))), values };
      });
      found.push([Array.from(await values.read()), Array.from(await (x.grad as Variable).read())]);
    }
    return found;
  }

  it.each(tried)("%s, of short and long rows: right, and the same to the bit before fusion and after it", async (name) => {
    for (const shape of shapes) {
      await setDevice("reference");
      const [exact] = await compute(functions[name], shape, 1);
      useDevice(device);
      const found = await compute(functions[name], shape, 5);
      for (const other of found) expect(other).toEqual(found[0]);
      found[0].forEach((values, k) => {
        const largest = exact[k].reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
        const error = values.reduce((a, value, i) => Math.max(a, Math.abs(value - exact[k][i])), 0);
        // Sums are of blocks of 16 and of pairs, so the error of a sum does not grow with its length; some operations come after it.
        expect(error / largest).toBeLessThan(4e-6);
      });
    }
  });
});
