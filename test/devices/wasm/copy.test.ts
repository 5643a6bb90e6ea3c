import { expect, it } from "vitest";
import { ModuleBuilder } from "../../../src/devices/wasm/assembler.ts";
import { writeCopy } from "../../../src/devices/wasm/emit-move.ts";
import { Random } from "../../../src/index.ts";
import { type CopyKernel, copy, copyAdd } from "../../../src/kernels/kernel.ts";

const record = 256;
const first = 256; // the first word of the operands
const pages = 4;

function load(kernel: CopyKernel): { f32: Float32Array; i32: Int32Array; run: (record: number) => void } {
  const module = new ModuleBuilder();
  module.importMemory("memory");
  module.function("copy", 1, (f) => writeCopy(f, kernel));
  const memory = new WebAssembly.Memory({ initial: pages });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.complete()), { env: { memory } });
  return { f32: new Float32Array(memory.buffer), i32: new Int32Array(memory.buffer), run: instance.exports.copy as (record: number) => void };
}

/** Size, stride of the output, stride of the input. */
type Axis = [size: number, out: number, into: number];

/** Where each element of a box lies, from the first one on. */
function places(axes: readonly Axis[], which: 1 | 2): number[] {
  return [...axes].reverse().reduce<number[]>((before, axis) => before.flatMap((at) => Array.from({ length: axis[0] }, (_, i) => at + i * axis[which])), [0]);
}

it.each([["copies", copy], ["adds", copyAdd]] as const)("%s any box, and touches nothing else", (_, kernel) => {
  const { f32, i32, run } = load(kernel);
  const random = new Random(11);
  let copied = 0;
  for (let round = 0; round < 1500; round++) {
    const axes: Axis[] = [];
    const rank = random.integer(1, 6);
    // Axes in a random order of nesting, apart by gaps; inputs may repeat, overlap and run backwards.
    let [out, into] = [random.uniform() < 0.6 ? 1 : random.integer(2, 4), random.integer(1, 4)];
    for (let axis = 0; axis < rank; axis++) {
      const size = axis === 0 ? random.integer(1, 35) : random.integer(random.uniform() < 0.05 ? 0 : 1, 5);
      axes.push([size, out, random.uniform() < 0.15 ? 0 : random.uniform() < 0.15 ? -into : into]);
      out *= Math.max(1, size);
      out += random.integer(0, 3);
      into = random.uniform() < 0.2 ? into + 1 : into * Math.max(1, size) + random.integer(0, 2);
    }
    if (random.uniform() < 0.3) axes.reverse();
    const [to, from] = [places(axes, 1), places(axes, 2)];
    const [lowest, highest] = [Math.min(0, ...from), Math.max(0, ...from)];
    const outputEnd = first + 8 + Math.max(0, ...to) + 1;
    const end = f32.length;
    if (outputEnd + 8 + highest - lowest + 1 > end) continue;
    // The input ends where memory does, or begins anywhere.
    const input = (random.uniform() < 0.5 ? end - highest - 1 : outputEnd + 8 - lowest);
    copied++;
    f32.fill(NaN, first);
    from.forEach((at, i) => { f32[input + at] = i + 0.5; });
    if (kernel.adds) to.forEach((at, i) => { f32[first + 8 + at] = 1 / (i + 1); });
    const before = f32.slice();
    i32.set([-1, -1, 4 * (first + 8), 4 * input, axes.length, ...axes.flat(), 7, 7, 7], record / 4);
    run(record);
    const expected = before.slice();
    to.forEach((at, i) => { expected[first + 8 + at] = (kernel.adds ? before[first + 8 + at] : 0) + before[input + from[i]]; });
    // The record itself lies before `first`.
    const found = Buffer.from(f32.buffer, 4 * first);
    expect(found.equals(Buffer.from(expected.buffer, 4 * first)), JSON.stringify(axes)).toBe(true);
  }
  expect(copied).toBeGreaterThan(1000); // few boxes are too large for the memory
});
