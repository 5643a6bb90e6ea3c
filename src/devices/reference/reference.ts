/**
 * The reference device: float64, plain loops, no tricks. It is the specification that every other device is tested
 * against, so each kernel is written as its definition reads.
 */

import { interpret } from "../../kernels/expression.ts";
import {
  beginnings, type ColumnsKernel, type CopyKernel, columnsParameters, type FloatArray, type GatherKernel, gatherParameters, type HostFunction, type HostKernel,
  hostPlaceAt, identities, type Kernel, type KernelOf, type Kind, kernelById, type MapKernel, ProductMode, parametersAt, productParameters, type Reduction,
  type RowKernel, randomParameters, readCopyAxes, readHostShapes, readMapAxes, readParameters, rowParameters, type ScanKernel, scatterAddParameters,
} from "../../kernels/kernel.ts";
import { sizeOf } from "../../support/shape.ts";
import { philox4x32 } from "../../random/philox.ts";
import { type Device, type DeviceMemory, type Executable, LaunchFault, type MemoryKind, type Program, processorPolicy } from "../device.ts";
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
  /** The words of the program, and where in them the parameters begin. */
  readonly words: Int32Array;
  readonly parameters: number;
  readonly functions: readonly HostFunction[];
  readonly number: number;
}

export class ReferenceDevice implements Device {
  readonly name = "reference";
  readonly FloatArray = Float64Array;
  readonly policy = processorPolicy;
  readonly later = null;
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

  run(
    executable: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly Buffer[], times: Float64Array | null = null,
  ): Float64Array {
    const { program } = executable as ReferenceExecutable;
    const arena = this.zeros(program.arena, "arena");
    program.scalars.forEach((scalar, i) => { arena[i] = scalars[scalar]; });
    program.hosts.forEach((offset, i) => { arena.set(hosts[i], offset); });
    const { words } = program;
    const space = (at: number): Float64Array => (words[at] === 0 ? arena : (buffers[words[at] - 1] as ReferenceBuffer).values);
    for (let at = 0, number = 0; at < words.length; at += words[at + 1], number++) {
      const kernel = kernelById(words[at]);
      const start = at;
      const begin = times === null ? 0 : performance.now();
      (ways[kernel.kind] as (launch: Launch, kernel: Kernel) => void)({
        number, words, functions: program.functions, parameters: parametersAt(words, at),
        operand: (k) => space(start + 2 + 2 * k).subarray(words[start + 3 + 2 * k]),
        read: (k, distance) => space(start + 2 + 2 * k)[words[start + 3 + 2 * k] + distance],
        write: (k, distance, value) => { space(start + 2 + 2 * k)[words[start + 3 + 2 * k] + distance] = value; },
      }, kernel);
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

/** A way to carry out each kind of kernel. */
const ways: { readonly [K in Kind]: (launch: Launch, kernel: KernelOf<K>) => void } = {
  map, row, columns, product, copy, gather, scatterAdd, scan, random, host,
};

function map(launch: Launch, kernel: MapKernel): void {
  const outputs = kernel.outputs.length;
  const axes = readMapAxes(kernel, launch.words, launch.parameters);
  const total = axes.reduce((product, { size }) => product * size, 1);
  const operands = kernel.operands.map((_, k) => launch.operand(k));
  const at = new Array<number>(kernel.inputs).fill(0);
  const evaluate = interpret(kernel.outputs, (k) => operands[outputs + k][at[k]], () => 0);
  const results = new Float64Array(outputs);
  for (let i = 0; i < total; i++) {
    at.fill(0);
    let rest = i;
    for (const { size, strides } of axes) {
      const position = rest % size;
      rest = Math.floor(rest / size);
      for (let k = 0; k < at.length; k++) at[k] += position * strides[k];
    }
    evaluate(results);
    for (let k = 0; k < outputs; k++) operands[k][i] = results[k];
  }
}

const combine = (reduce: Reduction, a: number, b: number): number =>
  reduce === "sum" ? a + b : reduce === "maximum" ? Math.max(a, b) : Math.min(a, b);

function row(launch: Launch, kernel: RowKernel): void {
  const { stages } = kernel;
  const inputs = kernel.inputs.length;
  const outputs = kernel.outputs.length;
  const { rows, n } = readParameters(rowParameters, launch.words, launch.parameters);
  const stridesAt = launch.parameters + rowParameters.strides;
  const operands = kernel.operands.map((_, k) => launch.operand(k));
  const results = new Float64Array(stages.length);
  let r = 0;
  let i = 0;
  const read = (k: number): number =>
    k < inputs ? operands[outputs + k][r * launch.words[stridesAt + k] + (kernel.inputs[k] === "element" ? i : 0)] : results[k - inputs];
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

function columns(launch: Launch, kernel: ColumnsKernel): void {
  const { outer, n, inner } = readParameters(columnsParameters, launch.words, launch.parameters);
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
  const { m, n, k, mode, ...p } = readParameters(productParameters, launch.words, launch.parameters);
  const [c, a, b, addend] = [0, 1, 2, 3].map(launch.operand);
  for (let i0 = 0; i0 < p.count0; i0++) {
    for (let i1 = 0; i1 < p.count1; i1++) {
      const [atA, atB, atC] = [i0 * p.batchA0 + i1 * p.batchA1, i0 * p.batchB0 + i1 * p.batchB1, (i0 * p.count1 + i1) * m * n];
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = mode === ProductMode.matrix ? addend[atC + i * n + j] : mode === ProductMode.row ? addend[j] : 0;
          for (let l = 0; l < k; l++) total += a[atA + i * p.rowA + l * p.columnA] * b[atB + l * p.rowB + j * p.columnB];
          c[atC + i * n + j] = total;
        }
      }
    }
  }
}

function copy(launch: Launch, kernel: CopyKernel): void {
  const axes = readCopyAxes(launch.words, launch.parameters);
  const visit = (axis: number, to: number, from: number): void => {
    if (axis < 0) {
      launch.write(0, to, kernel.adds ? launch.read(0, to) + launch.read(1, from) : launch.read(1, from));
      return;
    }
    const [size, strideOut, strideIn] = axes[axis];
    for (let i = 0; i < size; i++) visit(axis - 1, to + i * strideOut, from + i * strideIn);
  };
  visit(axes.length - 1, 0, 0);
}

function checkedIndex(launch: Launch, value: number, size: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= size) throw new LaunchFault(launch.number, "index", value, size);
  return value;
}

function gather(launch: Launch, { puts }: GatherKernel): void {
  const { outer, count, inner, size } = readParameters(gatherParameters, launch.words, launch.parameters);
  const [output, input, indices] = [0, 1, 2].map(launch.operand);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const inTable = (o * size + checkedIndex(launch, indices[j], size)) * inner;
      const inList = (o * count + j) * inner;
      const [to, from] = puts ? [inTable, inList] : [inList, inTable];
      for (let i = 0; i < inner; i++) output[to + i] = input[from + i];
    }
  }
}

function scatterAdd(launch: Launch): void {
  const { outer, count, inner, size } = readParameters(scatterAddParameters, launch.words, launch.parameters);
  const [output, indices, updates] = [0, 1, 2].map(launch.operand);
  output.fill(0, 0, outer * size * inner);
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < count; j++) {
      const to = (o * size + checkedIndex(launch, indices[j], size)) * inner;
      for (let i = 0; i < inner; i++) output[to + i] += updates[(o * count + j) * inner + i];
    }
  }
}

function scan(launch: Launch, kernel: ScanKernel): void {
  const { outer, n, inner } = readParameters(columnsParameters, launch.words, launch.parameters);
  const [output, input] = [launch.operand(0), launch.operand(1)];
  const factors = kernel.hasFactors ? launch.operand(2) : null;
  for (let o = 0; o < outer; o++) {
    for (let j = 0; j < inner; j++) {
      let total = beginnings[kernel.scan];
      for (let i = 0; i < n; i++) {
        const at = (o * n + (kernel.isBackwards ? n - 1 - i : i)) * inner + j;
        // Backwards, the factor is that of the element before.
        const factor = factors === null || i === 0 ? 1 : factors[kernel.isBackwards ? at + inner : at];
        if (factor !== 1) total = factor === 0 ? 0 : factor * total;
        total = kernel.scan === "sum" ? total + input[at] : kernel.scan === "product" ? total * input[at] : Math.max(total, input[at]);
        output[at] = total;
      }
    }
  }
}

function random(launch: Launch): void {
  const { n } = readParameters(randomParameters, launch.words, launch.parameters);
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

function host(launch: Launch, kernel: HostKernel): void {
  const shapes = readHostShapes(launch.words, launch.parameters, kernel.operands.length);
  const arrays = shapes.map((shape, k) => ({ data: launch.operand(k).subarray(0, sizeOf(shape)), shape }));
  launch.functions[launch.words[launch.parameters + hostPlaceAt]](arrays[0], ...arrays.slice(1));
}
