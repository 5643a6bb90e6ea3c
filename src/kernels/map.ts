/** Elementwise: each output element is an expression of the input elements under it. */

import { mergedAxes, type Shape, sameShape, sizeOf, stridesOf } from "../support/shape.ts";
import type { Expr } from "./expression.ts";
import type { Words } from "./layout.ts";
import { intern, KernelBase } from "./registry.ts";
import { costOf, moved, type Work } from "./work.ts";

/** Where n is, and where the steps begin. */
export const mapSizeAt = 0;
export const mapStepsAt = 1;

/**
 * Operands: outputs…, inputs….
 * Parameters: n; the step of each input, 1 or 0; how many outer axes there are; for each, innermost first, its size and the stride of each input.
 */
export class MapKernel extends KernelBase {
  readonly kind = "map";

  constructor(key: string, readonly inputs: number, readonly outputs: readonly Expr[]) {
    super(key, [...outputs.map(() => "written" as const), ...new Array<"read">(inputs).fill("read")]);
  }

  /** Where it is said how many outer axes there are. */
  get rankAt(): number { return mapStepsAt + this.inputs; }
  /** Where an outer axis begins: its size, then the strides. */
  axisAt(axis: number): number { return this.rankAt + 1 + axis * (1 + this.inputs); }

  override parameterCount(words: Words, at: number): number { return this.axisAt(words.at(at + this.rankAt)); }

  override runsInPlace(words: Words, at: number, value: number): boolean {
    const outputs = this.outputs.length;
    const parameters = at + 2 * (outputs + this.inputs);
    if (words.at(parameters + this.rankAt) !== 0) return false; // broadcasts
    for (let k = 0; k < this.inputs; k++) {
      const operand = at + 2 * (outputs + k);
      if (words.at(operand) !== value) continue;
      if (words.at(operand + 1) !== 0 || words.at(parameters + mapStepsAt + k) === 0) return false;
    }
    return true;
  }

  /** The parameters over n elements, of which every input has as many; returns where the steps begin, for those that are one number. */
  writeFlat(words: Words, n: number): number {
    const steps = words.push(n) + 1;
    for (let k = 0; k < this.inputs; k++) words.push(1);
    words.push(0);
    return steps;
  }

  /** The parameters for inputs that are broadcast to a shape: adjacent axes along which every input runs on are one. */
  write(words: Words, shape: Shape, inputs: readonly Shape[]): void {
    if (inputs.every((input) => runsAlong(input, shape))) {
      const total = sizeOf(shape);
      const steps = this.writeFlat(words, total);
      inputs.forEach((input, k) => { if (sizeOf(input) !== total) words.put(steps + k, 0); });
      return;
    }
    const axes = mergedAxes(shape, ...inputs.map((input) => stridesOf(input, shape)));
    axes.forEach(({ size, steps }, axis) => {
      words.push(size);
      for (const step of steps) words.push(step);
      if (axis === 0) words.push(axes.length - 1);
    });
  }
}

/** All axes, innermost first: sizes, and the strides of the inputs. */
export function readMapAxes(kernel: MapKernel, words: ArrayLike<number>, from: number): { readonly size: number; readonly strides: readonly number[] }[] {
  const axis = (at: number) => ({ size: words[at], strides: Array.from({ length: kernel.inputs }, (_, k) => words[at + 1 + k]) });
  return [axis(from), ...Array.from({ length: words[from + kernel.rankAt] }, (_, d) => axis(from + kernel.axisAt(d)))];
}

/** Is an input as large as the output, or a single number? Then one loop over the output reads it. */
export function runsAlong(input: Shape, shape: Shape): boolean {
  return input === shape || sameShape(input, shape) || sizeOf(input) === 1;
}

/** The map kernel of some expressions over `inputs` arguments. */
export function map(inputs: number, ...outputs: readonly Expr[]): MapKernel {
  const key = `map ${inputs} ${outputs.map((e) => e.id).join(" ")}`;
  return intern(key, () => new MapKernel(key, inputs, outputs));
}

/** What a launch takes whose parameters begin at `from`. */
export function mapWork(kernel: MapKernel, words: Int32Array, from: number): Work {
  const axes = readMapAxes(kernel, words, from);
  const total = axes.reduce((product, { size }) => product * size, 1);
  const read = axes[0].strides.filter((step) => step !== 0).length;
  return moved(total * (read + kernel.outputs.length), total * costOf(kernel.outputs));
}
