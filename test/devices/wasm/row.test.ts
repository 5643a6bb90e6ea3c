import { describe, expect, it } from "vitest";
import type { Device, Program } from "../../../src/devices/device.ts";
import { ReferenceDevice } from "../../../src/devices/reference/reference.ts";
import { hasRelaxedSimd } from "../../../src/devices/wasm/kernels.ts";
import { WasmDevice } from "../../../src/devices/wasm/wasm.ts";
import { Random } from "../../../src/index.ts";
import { argument, index } from "../../../src/kernels/expression.ts";
import { type RowKernel, row, rowReduction } from "../../../src/kernels/kernel.ts";

const [x, y] = [argument(0), argument(1)];

const kernels: Record<string, RowKernel> = {
  sum: rowReduction("sum"),
  maximum: rowReduction("maximum"),
  minimum: rowReduction("minimum"),
  softmax: row(
    ["element"],
    [{ reduce: "maximum", value: x }, { reduce: "sum", value: x.sub(argument(1)).exp() }],
    [{ per: "element", value: x.sub(argument(1)).exp().div(argument(2)) }],
  ),
  "log sum with the chosen element": row(
    ["element", "row"],
    [{ reduce: "sum", value: x.exp() }, { reduce: "sum", value: index().equal(y).where(x, 0) }],
    [{ per: "row", value: argument(2).log().sub(argument(3)) }],
  ),
  // The first four stages share a pass, the last two another. Some are of what is the same for the whole row.
  "stages of several kinds over the same": row(
    ["element", "row"],
    [
      { reduce: "maximum", value: x }, { reduce: "sum", value: x }, { reduce: "minimum", value: x }, { reduce: "sum", value: y.sqrt() },
      { reduce: "sum", value: x.sub(argument(2)).mul(argument(4).sub(1)) }, { reduce: "maximum", value: y },
    ],
    [
      { per: "element", value: x.sub(argument(2)).mul(argument(3).mul(argument(4))) },
      { per: "row", value: argument(5).add(argument(6)) },
      { per: "element", value: argument(7).sub(argument(3)) },
    ],
  ),
  "outputs of both kinds, in this order": row(
    ["row", "element", "element"],
    [{ reduce: "sum", value: argument(1).mul(argument(2)).add(x) }],
    [
      { per: "element", value: argument(1).add(index()).mul(argument(3)) },
      { per: "row", value: argument(3).add(x) },
      { per: "element", value: argument(2).sub(x) },
    ],
  ),
};

/** How much larger numbers become in kernels that multiply a sum over a row of n, or sum up products with a position. */
const larger: Record<string, (n: number) => number> = {
  "stages of several kinds over the same": (n) => 4 * n,
  "outputs of both kinds, in this order": (n) => 6 * n * n,
};

const guard = 9;
const filler = 77;

/** Runs one launch whose operands lie among fillers, and gives all that is in memory afterwards. */
function run(device: Device, kernel: RowKernel, rows: number, n: number, strides: readonly number[], inputs: readonly Float64Array[]): ArrayLike<number>[] {
  const outputSizes = kernel.outputs.map(({ per }) => (per === "row" ? rows : rows * n));
  const arrays = [...outputSizes.map((size) => new Float64Array(size).fill(filler)), ...inputs];
  const buffers = arrays.map((array) => {
    const whole = new device.FloatArray(array.length + 2 * guard).fill(filler);
    whole.set(array, guard);
    const buffer = device.allocate(whole.length, "inputs");
    device.write(buffer, whole);
    return buffer;
  });
  const operands = arrays.flatMap((_, k) => [k + 1, guard]);
  const words = Int32Array.of(kernel.id, 4 + operands.length + strides.length, ...operands, rows, n, ...strides);
  const program: Program = {
    words, launches: 1, arena: 4, scalars: new Int32Array(0), hosts: new Int32Array(0), functions: [], buffers: buffers.length, strands: new Int32Array(0),
    checks: null,
  };
  const executable = device.prepare(program);
  device.run(executable, new Float64Array(0), [], buffers);
  device.endStep();
  const found = buffers.map((buffer) => device.read(buffer));
  executable.release();
  for (const buffer of buffers) buffer.free();
  return found;
}

describe.each([...new Set([false, hasRelaxedSimd()])])("fused multiply-add: %s", (fused) => {
  const device = new WasmDevice({ fused });
  const reference = new ReferenceDevice();

  it.each(Object.keys(kernels))("%s: many short rows, few long ones, and all between, agree with float64", (name) => {
    const kernel = kernels[name];
    const random = new Random(5);
    for (let round = 0; round < 250; round++) {
      const rows = random.integer(0, 14);
      const n = random.uniform() < 0.7 ? random.integer(1, 16) : random.integer(16, 70);
      // Rows may be apart, or all the same.
      const strides = kernel.inputs.map((per) => (random.uniform() < 0.2 ? 0 : per === "row" ? random.integer(1, 3) : n + random.integer(0, 3)));
      const inputs = kernel.inputs.map((per, k) => Float64Array.from(
        { length: strides[k] * Math.max(0, rows - 1) + (per === "row" ? 1 : n) },
        () => (per === "row" && kernel.inputs[0] === "element" ? random.integer(0, n) : Math.fround(4 * random.uniform() - 2)),
      ));
      const found = run(device, kernel, rows, n, strides, inputs);
      const expected = run(reference, kernel, rows, n, strides, inputs);
      // A sum of n numbers below 4 + 2, and a product with a number below n: each addition and each function rounds once or twice.
      const tolerance = (n + 8) * 2 ** -23 * 6 * (larger[name]?.(n) ?? 1);
      expected.forEach((array, k) => {
        for (let i = 0; i < array.length; i++) {
          const difference = Math.abs(found[k][i] - array[i]);
          if (!(difference <= tolerance)) {
            expect.fail(`operand ${k} of ${rows} rows of ${n}, strides ${strides}: element ${i - guard} is ${found[k][i]}, not ${array[i]}`);
          }
        }
      });
    }
  });

  it("a row gets the same bits wherever it is among more than two, and however many there are", () => {
    const random = new Random(7);
    const kernel = kernels.softmax;
    for (const n of [1, 3, 4, 7, 12, 13]) {
      const data = Float64Array.from({ length: 11 * n }, () => Math.fround(random.normal()));
      const all = run(device, kernel, 11, n, [n], [data])[0];
      for (let first = 0; first < 8; first++) {
        for (let rows = 3; first + rows <= 11; rows++) {
          const part = run(device, kernel, rows, n, [n], [data.slice(first * n, (first + rows) * n)])[0];
          expect(Array.from(part).slice(guard, guard + rows * n)).toEqual(Array.from(all).slice(guard + first * n, guard + (first + rows) * n));
        }
      }
    }
  });
});
