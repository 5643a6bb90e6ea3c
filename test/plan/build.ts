/** Traces and plans made by hand, and run on a device. */

import type { Device } from "../../src/devices/device.ts";
import type { Buffer } from "../../src/devices/residency.ts";
import { kernelById } from "../../src/kernels/kernel.ts";
import "../../src/index.ts";
import { operations } from "../../src/engine/operation.ts";
import { bufferKey } from "../../src/plan/buffer-key.ts";
import type { Plan } from "../../src/plan/planner.ts";
import { LeafKind, type Recordable, Trace } from "../../src/plan/trace.ts";
import { type Shape, sizeOf } from "../../src/support/shape.ts";

export class Builder {
  readonly trace = new Trace();
  /** The numbers of the outside arrays, by ordinal. */
  readonly arrays: Float64Array[] = [];

  shape(node: number): Shape { return this.trace.shapes[node]; }
  number(value: number): number { return this.trace.scalar(value, []); }

  array(shape: Shape, values: ArrayLike<number>, kind: LeafKind = LeafKind.resident): number {
    this.arrays.push(Float64Array.from(values));
    return this.trace.array(kind, shape);
  }

  apply(name: string, shape: Shape, inputs: readonly number[], attributes: readonly number[] = []): number {
    return this.trace.general(operations.get(name) as Recordable, shape, inputs, attributes);
  }

  /** An elementwise operation of inputs of which the first has the shape of the result. */
  map(name: string, ...inputs: number[]): number { return this.apply(name, this.shape(inputs[0]), inputs); }
  reshape(x: number, shape: Shape): number { return this.apply("reshape", shape, [x], shape); }
  sum(x: number): number { return this.apply("sum", [], [x], [0, ...this.shape(x).map((_, i) => i)]); }
  slice(x: number, start: number, size: number): number { return this.apply("slice", [size], [x], [start, 1, size]); }
  concat(...xs: number[]): number {
    const starts: number[] = [];
    const size = xs.reduce((n, x) => { starts.push(n); return n + this.shape(x)[0]; }, 0);
    return this.apply("concat", [size], xs, [0, ...starts]);
  }
}

export interface Ran {
  /** The values of the kept roots; `shapes` are theirs. */
  readonly kept: Float64Array[];
  readonly buffers: Map<number, Buffer>;
}

/** Runs a plan once; each outside array has a buffer for its values and one for its gradient. */
export function run(device: Device, builder: Builder, plan: Plan, sizes: readonly number[]): Ran {
  const { trace, arrays } = builder;
  const buffers = new Map<number, Buffer>();
  const bufferOf = (key: number): Buffer => {
    let buffer = buffers.get(key);
    if (buffer === undefined) {
      const values = arrays[key >> 1];
      buffer = device.allocate(values.length, "inputs");
      if ((key & 1) === 0) device.write(buffer, new device.FloatArray(values));
      buffers.set(key, buffer);
    }
    return buffer;
  };
  const bound = plan.bufferKeys.map(bufferOf);
  const executable = device.prepare(plan.program);
  const region = device.run(executable, trace.scalars, plan.hostArrays.map((array) => new device.FloatArray(arrays[array])), bound);
  const kept = plan.results.map(({ space, offset }, i) => Float64Array.from(
    space === 0 ? device.readRegion(region, offset, sizes[i]) : device.read(bound[space - 1]).subarray(offset, offset + sizes[i])));
  arrays.forEach((_, i) => { bufferOf(bufferKey.value(i)); });
  device.endStep();
  executable.release();
  return { kept, buffers };
}

export const sizeOfNode = (builder: Builder, node: number): number => sizeOf(builder.shape(node));

/** The kinds of the kernels that a plan launches, in order. */
export function launches(plan: Plan): string[] {
  const { words } = plan.program;
  const found: string[] = [];
  for (let at = 0; at < words.length; at += words[at + 1]) found.push(kernelById(words[at]).kind);
  return found;
}
