/** The tensors of a file whose header is sound. */

import { input, type Variable, zeros } from "../index.ts";
import { sizeOf } from "../support/shape.ts";
import { type Dtype, numbersFrom, type TypedArray, typedArrayFrom } from "./dtypes.ts";
import type { CheckpointError } from "./errors.ts";
import { quoted } from "./messages.ts";
import { type Header, type Placed, parseHeader } from "./safetensors.ts";
import type { LoadedFile } from "./loaded-file.ts";

export class TensorFile {
  readonly header: Header;
  private readonly made: typeof Float32Array | typeof Float64Array;

  /** @throws CheckpointError */
  constructor(private readonly file: LoadedFile) {
    this.header = parseHeader(file);
    this.made = zeros([]).data instanceof Float64Array ? Float64Array : Float32Array;
  }

  get name(): string { return this.file.name; }
  damaged(problem: string, options?: ErrorOptions): CheckpointError { return this.file.damaged(problem, options); }

  has(name: string): boolean { return this.header.tensors.has(name); }
  private at(name: string): Placed { return this.header.tensors.get(name) as Placed; }
  shape(name: string): readonly number[] { return this.at(name).shape; }
  dtype(name: string): Dtype { return this.at(name).dtype; }

  elements(names: readonly string[]): number { return names.reduce((sum, name) => sum + sizeOf(this.shape(name)), 0); }

  private bytes(name: string): Uint8Array { return this.file.at(this.at(name)); }

  /**
   * A copy of its numbers, in the precision of the device.
   * @throws ValueError for numbers that would not stay what they are
   */
  numbers(name: string): Float32Array | Float64Array {
    return numbersFrom(`${this.name} was not loaded: its tensor ${quoted(name)}`, this.dtype(name), this.bytes(name), this.made);
  }

  /** @throws as `numbers` */
  variable(name: string): Variable { return input(this.numbers(name), this.shape(name)); }

  array(name: string, make: Parameters<typeof typedArrayFrom>[0]): TypedArray { return typedArrayFrom(make, this.bytes(name)); }
}
