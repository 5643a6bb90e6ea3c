/**
 * The reference device: float64, plain loops, no tricks. It is the specification that every other device is tested
 * against, so each kernel is written as its definition reads.
 */

import { interpret } from "../../kernels/expression.ts";
import {
  type ColumnsKernel, type CopyKernel, type HostFunction, type HostKernel, type Kernel, kernelById, type MapKernel, operandCount, outputCount, type RowKernel, type RowStage,
} from "../../kernels/kernel.ts";
import { philox4x32 } from "../../random/philox.ts";
import { type Device, type DeviceMemory, type Executable, LaunchFault, type MemoryKind, type Program } from "../device.ts";
import { Buffer } from "../residency.ts";
import { outOfMemory } from "../shortage.ts";

/** Ordinary memory: nothing leaves it, and the collector finds it at once. */
class ReferenceBuffer extends Buffer {
  constructor(readonly values: Float64Array, release: () => void) {
    super(values.length, release);
  }
}

class ReferenceExecutable implements Executable {
  readonly bytes = 0;
  constructor(readonly program: Program) {}
  release(): void {}
}

/** The operands and parameters of one launch. */
interface Launch {
  /** Operand k, from its first element on. */
  operand(k: number): Float64Array;
  /** Operand k read and written at any distance from its first element, also before it. */
  read(k: number, distance: number): number;
  write(k: number, distance: number, value: number): void;
  parameter(i: number): number;
  readonly number: number;
}

export class ReferenceDevice implements Device {
  readonly name = "reference";
  readonly FloatArray = Float64Array;
  private readonly live: Record<MemoryKind, number> = { parameters: 0, gradients: 0, optimizer: 0, state: 0, inputs: 0 };

  allocate(size: number, kind: MemoryKind): Buffer {
    const bytes = size * 8;
    const values = this.zeros(size, kind);
    this.live[kind] += bytes;
    return new ReferenceBuffer(values, this.release(kind, bytes));
  }

  /** Made apart, so that it cannot hold the values. */
  private release(kind: MemoryKind, bytes: number): () => void { return () => { this.live[kind] -= bytes; }; }

  write(buffer: Buffer, data: Float32Array | Float64Array): void { (buffer as ReferenceBuffer).values.set(data); }
  read(buffer: Buffer): Float64Array { return (buffer as ReferenceBuffer).values.slice(); }
  prepare(program: Program): Executable { return new ReferenceExecutable(program); }

  run(executable: Executable, scalars: Float64Array, hosts: readonly (Float32Array | Float64Array)[], buffers: readonly Buffer[], times: Float64Array | null = null): Float64Array {
    const { program } = executable as ReferenceExecutable;
    const arena = this.zeros(program.arena, "arena");
    program.scalars.forEach((scalar, i) => { arena[i] = scalars[scalar]; });
    program.hosts.forEach((offset, i) => { arena.set(hosts[i], offset); });
    const { words } = program;
    const space = (at: number): Float64Array => (words[at] === 0 ? arena : (buffers[words[at] - 1] as ReferenceBuffer).values);
    for (let at = 0, number = 0; at < words.length; at += words[at + 1], number++) {
      const kernel = kernelById(words[at]);
      const parameters = at + 2 + 2 * operandCount(kernel.id);
      const start = at;
      const begin = times === null ? 0 : performance.now();
      carryOut(kernel, {
        number,
        operand: (k) => space(start + 2 + 2 * k).subarray(words[start + 3 + 2 * k]),
        read: (k, distance) => space(start + 2 + 2 * k)[words[start + 3 + 2 * k] + distance],
        write: (k, distance, value) => { space(start + 2 + 2 * k)[words[start + 3 + 2 * k] + distance] = value; },
        parameter: (i) => words[parameters + i],
      }, program.functions);
      if (times !== null) times[number] = performance.now() - begin;
      if (program.checks !== null) check(program.checks, number, [arena, ...buffers.map((buffer) => (buffer as ReferenceBuffer).values)]);
    }
    return arena;
  }

  readRegion(region: object | number, offset: number, size: number): Float64Array {
    return (region as Float64Array).slice(offset, offset + size);
  }

  view(base: Buffer | object | number, offset: number, size: number): Buffer {
    const values = base instanceof ReferenceBuffer ? base.values : (base as Float64Array);
    return new ReferenceBuffer(values.subarray(offset, offset + size), () => {});
  }

  private zeros(size: number, kind: keyof DeviceMemory): Float64Array {
    try {
      return new Float64Array(size);
    } catch (error) {
      throw outOfMemory(size * 8, kind, this.memory(), null, error);
    }
  }

  endStep(): void {}

  memory(): DeviceMemory { return { ...this.live, arena: 0, plans: 0, kernels: 0 }; }
}

function check(checks: Int32Array, launch: number, spaces: readonly Float64Array[]): void {
  for (let i = 0; i < checks.length; i += 4) {
    if (checks[i] !== launch) continue;
    const [space, offset, size] = checks.subarray(i + 1, i + 4);
    for (let k = 0; k < size; k++) {
      const value = spaces[space][offset + k];
      if (!Number.isFinite(value)) throw new LaunchFault(launch, "nan", value);
    }
  }
}

function carryOut(kernel: Kernel, launch: Launch, functions: readonly HostFunction[]): void {
  switch (kernel.kind) {
    case "map": return map(kernel, launch);
    case "row": return row(kernel, launch);
    case "columns": return columns(kernel, launch);
    case "product": return product(launch);
    case "copy": return copy(kernel, launch);
    case "gather": return gather(launch);
    case "scatterAdd": return scatterAdd(launch);
    case "random": return random(launch);
    case "host": return host(kernel, launch, functions);
  }
}

function map(kernel: MapKernel, launch: Launch): void {
  const { inputs } = kernel;
  const outputs = outputCount(kernel.id);
  const rank = launch.parameter(1 + inputs);
  // Axes, innermost first: size, stride of each input.
  const sizes = [launch.parameter(0)];
  const strides = [Array.from({ length: inputs }, (_, k) => launch.parameter(1 + k))];
  for (let d = 0; d < rank; d++) {
    const at = 2 + inputs + d * (1 + inputs);
    sizes.push(launch.parameter(at));
    strides.push(Array.from({ length: inputs }, (_, k) => launch.parameter(at + 1 + k)));
  }
  const total = sizes.reduce((a, b) => a * b, 1);
  const operands = Array.from({ length: outputs + inputs }, (_, k) => launch.operand(k));
  const at = new Array<number>(inputs).fill(0);
  const evaluate = interpret(kernel.outputs, (k) => operands[outputs + k][at[k]], () => 0);
  const results = new Float64Array(outputs);
  for (let i = 0; i < total; i++) {
    at.fill(0);
    for (let axis = 0, rest = i; axis <= rank; axis++) {
      const position = rest % sizes[axis];
      rest = Math.floor(rest / sizes[axis]);
      for (let k = 0; k < inputs; k++) at[k] += position * strides[axis][k];
    }
    evaluate(results);
    for (let k = 0; k < outputs; k++) operands[k][i] = results[k];
  }
}

const identities: Record<RowStage["reduce"], number> = { sum: 0, maximum: -Infinity, minimum: Infinity };
const combine = (reduce: RowStage["reduce"], a: number, b: number): number =>
  reduce === "sum" ? a + b : reduce === "maximum" ? Math.max(a, b) : Math.min(a, b);

function row(kernel: RowKernel, launch: Launch): void {
  const { stages } = kernel;
  const inputs = kernel.inputs.length;
  const outputs = outputCount(kernel.id);
  const [rows, n] = [launch.parameter(0), launch.parameter(1)];
  const operands = Array.from({ length: outputs + inputs }, (_, k) => launch.operand(k));
  const results = new Float64Array(stages.length);
  let r = 0;
  let i = 0;
  const read = (k: number): number =>
    k < inputs ? operands[outputs + k][r * launch.parameter(2 + k) + (kernel.inputs[k] === "element" ? i : 0)] : results[k - inputs];
  const single = new Float64Array(1);
  const stageValues = stages.map((stage) => interpret([stage.value], read, () => i));
  const outputValues = kernel.outputs.map((output) => interpret([output.value], read, () => i));
  for (r = 0; r < rows; r++) {
    stages.forEach((stage, s) => {
      let total = identities[stage.reduce];
      for (i = 0; i < n; i++) {
        stageValues[s](single);
        total = combine(stage.reduce, total, single[0]);
      }
      results[s] = total;
    });
    kernel.outputs.forEach((output, o) => {
      const count = output.per === "row" ? 1 : n;
      for (i = 0; i < count; i++) {
        outputValues[o](single);
        operands[o][r * count + i] = single[0];
      }
    });
  }
}

function columns(kernel: ColumnsKernel, launch: Launch): void {
  const [outer, n, inner] = [0, 1, 2].map(launch.parameter);
  const [output, input] = [launch.operand(0), launch.operand(1)];
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) {
      let total = identities[kernel.reduce];
      for (let i = 0; i < n; i++) total = combine(kernel.reduce, total, input[(o * n + i) * inner + j]);
      output[o * inner + j] = total;
    }
  }
}

function product(launch: Launch): void {
  const [m, n, k, rowA, columnA, rowB, columnB, mode] = Array.from({ length: 8 }, (_, i) => launch.parameter(i));
  const [count0, strideA0, strideB0, count1, strideA1, strideB1] = Array.from({ length: 6 }, (_, i) => launch.parameter(8 + i));
  const [c, a, b, addend] = [0, 1, 2, 3].map(launch.operand);
  for (let p = 0; p < count0; p++) {
    for (let q = 0; q < count1; q++) {
      const [atA, atB, atC] = [p * strideA0 + q * strideA1, p * strideB0 + q * strideB1, (p * count1 + q) * m * n];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = mode === 1 ? addend[atC + i * n + j] : mode === 2 ? addend[j] : 0;
          for (let l = 0; l < k; l++) total += a[atA + i * rowA + l * columnA] * b[atB + l * rowB + j * columnB];
          c[atC + i * n + j] = total;
        }
      }
    }
  }
}

function copy({ adds }: CopyKernel, launch: Launch): void {
  const rank = launch.parameter(0);
  const visit = (axis: number, to: number, from: number): void => {
    if (axis < 0) {
      launch.write(0, to, adds ? launch.read(0, to) + launch.read(1, from) : launch.read(1, from));
      return;
    }
    const [size, strideOut, strideIn] = [1, 2, 3].map((i) => launch.parameter(axis * 3 + i));
    for (let i = 0; i < size; i++) visit(axis - 1, to + i * strideOut, from + i * strideIn);
  };
  visit(rank - 1, 0, 0);
}

function checkedIndex(launch: Launch, value: number, size: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= size) throw new LaunchFault(launch.number, "index", value, size);
  return value;
}

function gather(launch: Launch): void {
  const [outer, count, inner, size] = [0, 1, 2, 3].map(launch.parameter);
  const [output, table, indices] = [0, 1, 2].map(launch.operand);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const from = (o * size + checkedIndex(launch, indices[j], size)) * inner;
      for (let i = 0; i < inner; i++) output[(o * count + j) * inner + i] = table[from + i];
    }
  }
}

function scatterAdd(launch: Launch): void {
  const [outer, count, inner, size] = [0, 1, 2, 3].map(launch.parameter);
  const [output, indices, updates] = [0, 1, 2].map(launch.operand);
  output.fill(0, 0, outer * size * inner);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const to = (o * size + checkedIndex(launch, indices[j], size)) * inner;
      for (let i = 0; i < inner; i++) output[to + i] += updates[(o * count + j) * inner + i];
    }
  }
}

function random(launch: Launch): void {
  const n = launch.parameter(0);
  const [output, bits] = [launch.operand(0), launch.operand(1)];
  const [key0, key1, low, high] = [0, 2, 4, 6].map((i) => (bits[i] | (bits[i + 1] << 16)) >>> 0);
  const block = new Uint32Array(4);
  for (let i = 0; i < n; i++) {
    if (i % 4 === 0) {
      const counter = low + i / 4;
      philox4x32([counter >>> 0, (high + Math.floor(counter / 2 ** 32)) >>> 0, 0, 0], [key0, key1], block);
    }
    output[i] = (block[i % 4] >>> 8) / 2 ** 24;
  }
}

function host(kernel: HostKernel, launch: Launch, functions: readonly HostFunction[]): void {
  const arrays: { data: Float64Array; shape: number[] }[] = [];
  let at = 2;
  for (let k = 0; k <= kernel.inputs; k++) {
    const rank = launch.parameter(at++);
    const shape = Array.from({ length: rank }, () => launch.parameter(at++));
    arrays.push({ data: launch.operand(k).subarray(0, shape.reduce((a, b) => a * b, 1)), shape });
  }
  functions[launch.parameter(1)](arrays[0], ...arrays.slice(1));
}
