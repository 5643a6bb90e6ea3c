import { describe, expect, it } from "vitest";
import { ModuleBuilder } from "../../../src/devices/wasm/assembler.ts";
import { emitProduct, productScratchBytes } from "../../../src/devices/wasm/product.ts";

const page = 65536;
const scratch = 1024;
const record = 256;
/** Operands lie behind the scratch, each among words that must neither be written nor matter. */
const firstOperand = Math.ceil((scratch + productScratchBytes) / 64) * 64;
const guardWords = 8;
/** How far reads may reach beyond an operand. */
const overRead = 12;

function bytesOf(fused: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory("memory");
  module.importScratch("scratch");
  emitProduct(module, "product", { fused, scratch: 64 });
  return module.complete();
}

function load(fused: boolean, pages: number): { memory: WebAssembly.Memory; run: (record: number) => void } {
  const memory = new WebAssembly.Memory({ initial: pages });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytesOf(fused)), { env: { memory, scratch: scratch - 64 } });
  return { memory, run: instance.exports.product as (record: number) => void };
}

function randomNumbers(seed: number): { number: () => number; pick: <T>(list: readonly T[]) => T } {
  let state = seed;
  const number = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  return { number, pick: (list) => list[Math.floor(number() * list.length)] };
}

interface Case {
  m: number; n: number; k: number;
  a: [row: number, column: number];
  b: [row: number, column: number];
  mode: number;
  /** Twice, outer level first: count, stride of A, stride of B. */
  batch: [number, number, number, number, number, number];
}

type Layout = "rows" | "columns" | "wide rows" | "wide columns" | "sparse" | "constant";
const strides = (layout: Layout, rows: number, columns: number): [number, number] => {
  switch (layout) {
    case "rows": return [columns, 1];
    case "columns": return [1, rows];
    case "wide rows": return [columns + 3, 1];
    case "wide columns": return [1, rows + 5];
    case "sparse": return [2 * columns + 1, 2];
    case "constant": return [0, 1];
  }
};

/** The number of elements from the first to the last that a strided operand reaches. */
const extent = (rows: number, columns: number, [row, column]: [number, number]): number =>
  rows === 0 || columns === 0 ? 0 : (rows - 1) * row + (columns - 1) * column + 1;

/**
 * How many roundings an element meets at most, as the error of a sum is no more than their number times 2⁻²⁴ · Σ|terms|: that of the product, those
 * of its block (of 256, which a stream begins with up to eight more), and those of the sum of blocks with what is added.
 */
const roundings = (k: number): number => 1 + Math.min(k, 256 + 8) + Math.ceil(k / 256);

/**
 * Runs a case and compares up to `samples` elements. The operand number `last` ends as near the end of memory as is allowed.
 * @param values of an operand (1: A, 2: B), by their number
 */
function check(
  { memory, run }: ReturnType<typeof load>, c: Case, random: ReturnType<typeof randomNumbers>, last: number, samples: number,
  values = (_operand: number, _i: number): number => random.number() - 0.5,
): void {
  const f32 = new Float32Array(memory.buffer);
  const { m, n, k, mode } = c;
  const [count0, a0, b0, count1, a1, b1] = c.batch;
  const batchExtent = (inner: number, step0: number, step1: number): number =>
    inner === 0 || count0 === 0 || count1 === 0 ? 0 : (count0 - 1) * step0 + (count1 - 1) * step1 + inner;
  const sizeC = count0 * count1 * m * n;
  const lengths = [sizeC, batchExtent(extent(m, k, c.a), a0, a1), batchExtent(extent(k, n, c.b), b0, b1), mode === 1 ? sizeC : n];
  let next = firstOperand / 4 + guardWords;
  const end = memory.buffer.byteLength / 4;
  const starts = lengths.map((length, operand) => {
    if (operand === last) return end - overRead / 4 - length;
    next += length + guardWords;
    return next - length - guardWords;
  });
  const tail = starts[last] - guardWords;
  if (mode === 1 && random.number() < 0.5) starts[3] = starts[0]; // added to C itself
  const [startC, startA, startB, startAddend] = starts;
  expect(next).toBeLessThanOrEqual(tail);

  const used: [number, number][] = [[firstOperand / 4, next], [tail, end]];
  for (const [from, to] of used) f32.fill(NaN, from, to);
  starts.forEach((start, operand) => {
    for (let i = 0; i < lengths[operand]; i++) f32[start + i] = values(operand, i);
  });
  const before = used.map(([from, to]) => f32.slice(from, to));
  const oldC = f32.slice(startC, startC + lengths[0]);
  const oldAddend = f32.slice(startAddend, startAddend + lengths[3]);
  new Int32Array(memory.buffer).set(
    [-1, -1, ...starts.map((start) => start * 4), m, n, k, ...c.a, ...c.b, mode, ...c.batch, n], record / 4,
  );
  run(record);

  const total = lengths[0];
  const step = total <= samples ? 1 : Math.ceil(total / samples);
  let worst = 0;
  // The last elements are always among those compared.
  for (let e = total - 1; e >= 0; e -= step) {
    const j = e % n;
    const i = Math.floor(e / n) % m;
    const inBatch = Math.floor(e / (n * m));
    const offsetA = startA + Math.floor(inBatch / count1) * a0 + (inBatch % count1) * a1 + i * c.a[0];
    const offsetB = startB + Math.floor(inBatch / count1) * b0 + (inBatch % count1) * b1 + j * c.b[1];
    let expected = mode === 1 ? oldAddend[e] : mode === 2 ? oldAddend[j] : 0;
    let magnitude = Math.abs(expected);
    for (let l = 0; l < k; l++) {
      const term = f32[offsetA + l * c.a[1]] * f32[offsetB + l * c.b[0]];
      expected += term;
      magnitude += Math.abs(term);
    }
    const error = Math.abs(f32[startC + e] - expected) / (roundings(k) * 2 ** -24 * magnitude + 1e-30);
    if (!(error <= worst)) worst = error;
  }
  expect(worst, JSON.stringify(c)).toBeLessThanOrEqual(1);

  // Nothing but C has changed. Bits are compared, for the sake of the NaNs.
  f32.set(oldC, startC);
  const words = (floats: Float32Array): Buffer => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
  used.forEach(([from, to], i) => {
    expect(words(f32.subarray(from, to)).equals(words(before[i])), `writes only C: ${JSON.stringify(c)}`).toBe(true);
  });
}

const plain = (m: number, n: number, k: number, layoutA: Layout = "rows", layoutB: Layout = "rows", mode = 0): Case => ({
  m, n, k, a: strides(layoutA, m, k), b: strides(layoutB, k, n), mode, batch: [1, 0, 0, 1, 0, 0],
});

describe.each([false, true])("product (fused: %s)", (fused) => {
  const test = it.skipIf(fused && !WebAssembly.validate(bytesOf(true)));
  const everyLayout: Layout[] = ["rows", "columns", "wide rows", "wide columns", "sparse", "constant"];

  test("multiplies small matrices of every size, layout and mode", () => {
    const device = load(fused, 40);
    const random = randomNumbers(1);
    for (const m of [0, 1, 2, 3, 4, 5, 9]) {
      for (const n of [0, 1, 2, 3, 4, 5, 8, 9, 17]) {
        for (const k of [0, 1, 2, 3, 4, 5, 8, 13]) {
          for (const mode of [0, 1, 2]) {
            const c = plain(m, n, k, random.pick(everyLayout), random.pick(everyLayout), mode);
            check(device, c, random, random.pick([0, 1, 2, 3]), 1000);
          }
        }
      }
    }
  });

  test("multiplies random shapes, alone and in batches", () => {
    const device = load(fused, 400);
    const random = randomNumbers(2);
    const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 64, 65, 100, 257];
    for (let round = 0; round < 1500; round++) {
      const [m, n, k] = [random.pick(sizes), random.pick(sizes), random.pick(sizes)];
      const c = plain(m, n, k, random.pick(everyLayout), random.pick(everyLayout), random.pick([0, 1, 2]));
      const [sizeA, sizeB] = [extent(m, k, c.a), extent(k, n, c.b)];
      const small = m * n * k < 20000;
      const count0 = small ? random.pick([0, 1, 1, 2, 3]) : 1;
      const count1 = small ? random.pick([1, 1, 2, 3]) : 1;
      // Broadcast, one after the other, or continuing the rows (which overlap where columns are contiguous).
      c.batch = [
        count0, random.pick([0, sizeA * count1, m * c.a[0] * count1]), random.pick([0, 0, sizeB * count1]),
        count1, random.pick([0, sizeA, m * c.a[0]]), random.pick([0, 0, sizeB]),
      ];
      check(device, c, random, random.pick([0, 1, 2, 3]), 200);
    }
  });

  test("multiplies shapes of more than one block", () => {
    const device = load(fused, 400);
    const random = randomNumbers(3);
    const shapes: [number, number, number][] = [
      [193, 33, 257], [200, 70, 513], [17, 1030, 260], [100, 515, 300], [1, 1000, 300], [300, 1, 1000], [3, 700, 400],
      [1, 257, 1025], [50, 600, 600], [400, 100, 3], [1000, 10, 64], [40, 40, 1], [257, 600, 1],
    ];
    for (const [m, n, k] of shapes) {
      for (const layoutA of ["rows", "columns", "wide rows", "sparse"] as const) {
        for (const layoutB of ["rows", "columns", "wide columns", "sparse"] as const) {
          check(device, plain(m, n, k, layoutA, layoutB, random.pick([0, 1, 2])), random, random.pick([0, 1, 2, 3]), 300);
        }
      }
    }
  });

  // Every way to multiply, with each row and column a little further in the same numbers, so that K may be large in little memory.
  const forms: Record<string, [m: number, n: number, a: [number, number], b: [number, number]]> = {
    "a tile of one row": [1, 7, [1, 1], [2, 1]],
    "tiles of two rows": [3, 16, [3, 1], [1, 1]],
    "tiles of four rows": [7, 9, [1, 2], [1, 1]],
    "one dot product": [1, 1, [1, 1], [1, 1]],
    "dot products of one row": [1, 6, [1, 1], [1, 5]],
    "dot products of two rows": [5, 3, [3, 1], [1, 2]],
    "a matrix by a vector": [70, 1, [3, 1], [1, 1]],
    "the transpose of a matrix by a vector": [70, 1, [1, 2], [1, 1]],
    "a vector by a matrix": [1, 70, [0, 1], [1, 1]],
    "a stream of several rows": [5, 70, [1, 1], [2, 1]],
    "panels, B read where it lies": [32, 43, [2, 1], [1, 1]],
    "panels of dot products": [50, 49, [1, 1], [1, 2]],
    "panels of columns": [17, 60, [1, 2], [2, 1]],
    "sparse operands": [3, 5, [1, 2], [2, 3]],
  };
  const data: Record<string, (operand: number, i: number) => number> = {
    equal: (operand) => (operand === 1 ? 0.1 : 1),
    alternating: (operand, i) => (operand === 1 ? (i % 2 === 0 ? 0.1 : -0.3) : 1),
    growing: (operand, i) => (operand === 1 ? 0.1 : 1 + i / 1000),
  };
  test.each(Object.keys(forms))("rounds no more often than blocks do: %s", (form) => {
    const device = load(fused, 400);
    const random = randomNumbers(4);
    const [m, n, a, b] = forms[form];
    for (const [k, kinds] of [[300, data], [1500, data], [65_541, data], [2 ** 20 + 1, { equal: data.equal }]] as const) {
      for (const values of Object.values(kinds)) {
        // Small products are also tried in a batch, where the next one continues the numbers.
        const count = k < 2000 ? 2 : 1;
        const c: Case = { m, n, k, a, b, mode: random.pick([0, 1, 2]), batch: [1, 0, 0, count, m * a[0] + 1, 1] };
        check(device, c, random, random.pick([0, 1, 2, 3]), 3, values);
      }
    }
  });

  test("adds up blocks of more columns than have room for a stream's sums", () => {
    const device = load(fused, 3000);
    const random = randomNumbers(5);
    for (const m of [1, 3]) check(device, { ...plain(m, 9001, 1100), b: [9, 1] }, random, 2, 500);
  });

  test("keeps what is not a number within its row and column", () => {
    const { memory, run } = load(fused, 40);
    const f32 = new Float32Array(memory.buffer);
    const start = firstOperand / 4;
    for (const layoutB of ["rows", "columns"] as const) {
      for (const [m, n, k] of [[5, 6, 7], [50, 50, 50]]) {
        const c = plain(m, n, k, "rows", layoutB);
        const [a, b] = [start + m * n, start + m * n + m * k];
        f32.fill(1, start, b + k * n);
        f32[a + 2 * k + 1] = Infinity;
        f32[b + c.b[0] + 4 * c.b[1]] = NaN;
        const words = [0, 0, start * 4, a * 4, b * 4, start * 4, m, n, k, ...c.a, ...c.b, c.mode, ...c.batch, n];
        new Int32Array(memory.buffer).set(words, record / 4);
        run(record);
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) expect(f32[start + i * n + j]).toBe(j === 4 ? NaN : i === 2 ? Infinity : k);
        }
      }
    }
  });

  test("reaches addresses beyond 2 GiB", () => {
    let device: ReturnType<typeof load>;
    try {
      device = load(fused, 2 ** 31 / page + 20);
    } catch (error) {
      if (error instanceof RangeError) return; // no room for such a memory here
      throw error;
    }
    const { memory, run } = device;
    const start = memory.buffer.byteLength - 15 * page;
    const layouts: Layout[] = ["rows", "columns"];
    for (const [m, n, k] of [[3, 5, 7], [1, 70, 70], [70, 70, 70]]) {
      for (const layoutA of layouts) {
        for (const layoutB of layouts) {
          const c = plain(m, n, k, layoutA, layoutB);
          const [a, b] = [start + 4 * m * n, start + 4 * (m * n + m * k)];
          new Float32Array(memory.buffer, a, m * k + k * n).fill(2);
          const words = [0, 0, start, a, b, start, m, n, k, ...c.a, ...c.b, c.mode, ...c.batch, n];
          new Int32Array(memory.buffer).set(words, record / 4);
          run(record);
          expect(new Float32Array(memory.buffer, start, m * n).every((value) => value === 4 * k)).toBe(true);
        }
      }
    }
  });
});
