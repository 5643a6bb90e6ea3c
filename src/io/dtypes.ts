/** The element types of safetensors files, and numbers from and to their bytes. */

import { ValueError } from "../index.ts";
import { kindOf, type TypedArray } from "../support/arrays.ts";

/** Every type of the format with its bits, in the order of the specification: files are sorted by it, last first. */
const bits = {
  BOOL: 8, F4: 4, F6_E2M3: 6, F6_E3M2: 6, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, I16: 16, U16: 16, F16: 16,
  BF16: 16, I32: 32, U32: 32, F32: 32, C64: 64, F64: 64, I64: 64, U64: 64,
};
/** The types of numbers in safetensors files. */
export type Dtype = keyof typeof bits;
const ranks = new Map(Object.keys(bits).map((dtype, i) => [dtype, i]));

export const isDtype = (name: unknown): name is Dtype => typeof name === "string" && ranks.has(name);
export const bitsOf = (dtype: Dtype): number => bits[dtype];
export const rankOf = (dtype: Dtype): number => ranks.get(dtype) as number;

export type { TypedArray } from "../support/arrays.ts";
type TypedArrayClass = { new (length: number): TypedArray; readonly BYTES_PER_ELEMENT: number };

/** The typed arrays that a field may hold, by name: their class, and the type in a file. */
export const typedArrays: ReadonlyMap<string, { readonly make: TypedArrayClass; readonly dtype: Dtype }> = new Map(Object.entries({
  Float32Array: { make: Float32Array, dtype: "F32" }, Float64Array: { make: Float64Array, dtype: "F64" },
  Int8Array: { make: Int8Array, dtype: "I8" }, Uint8Array: { make: Uint8Array, dtype: "U8" }, Uint8ClampedArray: { make: Uint8ClampedArray, dtype: "U8" },
  Int16Array: { make: Int16Array, dtype: "I16" }, Uint16Array: { make: Uint16Array, dtype: "U16" },
  Int32Array: { make: Int32Array, dtype: "I32" }, Uint32Array: { make: Uint32Array, dtype: "U32" },
  BigInt64Array: { make: BigInt64Array, dtype: "I64" }, BigUint64Array: { make: BigUint64Array, dtype: "U64" },
}) as [string, { make: TypedArrayClass; dtype: Dtype }][]);

/** The name of the class of a typed array in `typedArrays`, or null. */
export function typedArrayName(value: unknown): string | null {
  if (!ArrayBuffer.isView(value)) return null;
  const name = kindOf(value);
  return typedArrays.has(name) ? name : null;
}

/** The format is little-endian, as every machine that runs this has been so far; the others swap. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  if (!littleEndian && width > 1) for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}

/** The bytes of a typed array as the format has them; not a copy where it need not be. */
export function bytesOf(array: TypedArray): Uint8Array {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return littleEndian ? bytes : swapped(bytes.slice(), array.BYTES_PER_ELEMENT);
}

/** A copy as a typed array. */
export function typedArrayFrom(make: TypedArrayClass, bytes: Uint8Array): TypedArray {
  const array = new make(bytes.length / make.BYTES_PER_ELEMENT);
  const target = new Uint8Array(array.buffer);
  target.set(bytes);
  swapped(target, make.BYTES_PER_ELEMENT);
  return array;
}

type FloatClass = typeof Float32Array | typeof Float64Array;
type Read = (view: DataView, offset: number) => number;

const readers: Partial<Record<Dtype, Read>> = {
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  U8: (view, at) => view.getUint8(at), I8: (view, at) => view.getInt8(at),
  U16: (view, at) => view.getUint16(at, true), I16: (view, at) => view.getInt16(at, true),
  U32: (view, at) => view.getUint32(at, true), I32: (view, at) => view.getInt32(at, true),
  U64: (view, at) => Number(view.getBigUint64(at, true)), I64: (view, at) => Number(view.getBigInt64(at, true)),
  F64: (view, at) => view.getFloat64(at, true), F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => half(view.getUint16(at, true)),
  BF16: (view, at) => {
    word[0] = view.getUint16(at, true) << 16;
    return float[0];
  },
};
const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * The numbers of a tensor, in the precision of the device.
 * @param what the tensor and its file, for messages
 * @throws ValueError for a type that has no numbers here, an integer that would not stay exact, or a float64 beyond float32
 */
export function numbersFrom(what: string, dtype: Dtype, bytes: Uint8Array, make: FloatClass): Float32Array | Float64Array {
  if (dtype === (make === Float32Array ? "F32" : "F64")) return typedArrayFrom(make, bytes) as Float32Array | Float64Array;
  const read = readers[dtype];
  if (read === undefined) throw new ValueError(`${what} has the type ${dtype}, which Flimsy does not read. Convert it to F32 where it was made.`);
  const width = bits[dtype] / 8;
  const values = new make(bytes.length / width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const integers = /^[IU]/.test(dtype);
  const most = make === Float32Array ? 2 ** 24 : 2 ** 53;
  for (let i = 0; i < values.length; i++) {
    const value = read(view, i * width);
    values[i] = value;
    if (integers && Math.abs(value) > most) {
      throw new ValueError(`${what} has the integer ${value}: float${make === Float32Array ? 32 : 64} holds integers exactly only up to 2^${Math.log2(most)}.`);
    }
    if (!Number.isFinite(values[i]) && Number.isFinite(value)) throw new ValueError(`${what} has ${value}, which is beyond float32.`);
  }
  return values;
}
