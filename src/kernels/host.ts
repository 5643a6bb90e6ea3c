/** A function of the host over whole arrays. */

import { type Shape, sizeOf } from "../support/shape.ts";
import type { Words } from "./layout.ts";
import { intern, KernelBase } from "./registry.ts";
import { moved, type Work } from "./work.ts";

/** Any array of numbers that a device works with. */
export type FloatArray = Float32Array | Float64Array;

/** An array as a function of the host sees it: contiguous, row-major. */
export interface HostArray {
  readonly data: FloatArray;
  readonly shape: readonly number[];
}

/** Writes every element of the output. */
export type HostFunction = (output: HostArray, ...inputs: HostArray[]) => void;

const countAt = 0;
/** Where the place of the function in the program's list is. */
export const hostPlaceAt = 1;
const shapesAt = 2;

/**
 * Operands: output, inputs….
 * Parameters: how many follow; the function's place in the program's list; for each operand its rank and its sizes.
 */
export class HostKernel extends KernelBase {
  readonly kind = "host";

  constructor(key: string, readonly inputs: number) { super(key, ["written", ...new Array<"read">(inputs).fill("read")], true); }

  override parameterCount(words: Words, at: number): number { return 1 + words.at(at + countAt); }

  write(words: Words, place: number, shapes: readonly Shape[]): void {
    words.push(shapes.reduce((count, shape) => count + 1 + shape.length, 1));
    words.push(place);
    for (const shape of shapes) {
      words.push(shape.length);
      for (const size of shape) words.push(size);
    }
  }
}

/** The shapes of so many operands. */
export function readHostShapes(words: ArrayLike<number>, from: number, operands: number): Shape[] {
  let at = from + shapesAt;
  return Array.from({ length: operands }, () => Array.from({ length: words[at++] }, () => words[at++]));
}

/** The kernel of all functions of so many inputs. */
export function host(inputs: number): HostKernel {
  const key = `host ${inputs}`;
  return intern(key, () => new HostKernel(key, inputs));
}

/** What a launch takes whose parameters begin at `from`: what it moves; nobody knows what else the function does. */
export function hostWork(kernel: HostKernel, words: Int32Array, from: number): Work {
  return moved(readHostShapes(words, from, kernel.operands.length).reduce((total, shape) => total + sizeOf(shape), 0), 0);
}
