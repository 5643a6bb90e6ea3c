/**
 * The safetensors format (https://github.com/huggingface/safetensors): eight bytes with the length of the header, the header in
 * JSON with type, shape and place of each tensor and a map of strings, and the bytes of the tensors without a gap.
 */

import { ValueError } from "../index.ts";
import { messageOf } from "../support/describe.ts";
import { bitsOf, type Dtype, isDtype, rankOf } from "./dtypes.ts";
import { isRecord, parseJson } from "./json.ts";
import { quoted, shapeText } from "./messages.ts";
import type { LoadedFile } from "./loaded-file.ts";

/** A tensor in a file, without its numbers. */
export interface TensorInfo {
  readonly name: string;
  /** As the format calls it: "F32", "BF16", "I64", … */
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}

/** Where a tensor is: in the file, in bytes. */
export interface Placed extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Placed>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A tensor to be written. */
export interface TensorBytes extends TensorInfo {
  readonly bytes: Uint8Array;
}

/** As the reference implementation has it. */
const mostHeaderBytes = 100_000_000;
const metadataKey = "__metadata__";

/** The length of the header that the first bytes announce, or what is wrong with it. */
export function headerLength(first: Uint8Array, size: number): number | string {
  if (first.length < 8) return `it has only ${size} bytes, and a safetensors file begins with eight for the length of its header.`;
  const view = new DataView(first.buffer, first.byteOffset, 8);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length > mostHeaderBytes) {
    return `its first eight bytes announce a header of ${length} bytes; at most ${mostHeaderBytes} are allowed. It is no safetensors file, or damaged.`;
  }
  if (length > size - 8) return `its header should have ${length} bytes, but only ${size - 8} follow. The file was cut off.`;
  return length;
}

/**
 * Reads and checks everything but the numbers.
 * @throws CheckpointError
 */
export function parseHeader(file: LoadedFile): Header {
  const length = headerLength(file.bytes, file.size);
  if (typeof length === "string") throw file.damaged(length);
  const bytes = file.bytes.slice(8, 8 + length);
  if (bytes[0] !== 0x7b) throw file.damaged("its header does not begin with {. It is no safetensors file, or damaged.");
  let json: unknown;
  try {
    json = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw file.damaged(`of its header, ${error instanceof TypeError ? "it is not UTF-8" : messageOf(error)}.`);
  }
  const { [metadataKey]: metadata = {}, ...entries } = json as Record<string, unknown>;
  if (!isRecord(metadata)) throw file.damaged(`${metadataKey} in its header is not an object.`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") throw file.damaged(`${quoted(key)} in its metadata is not a string.`);
  }
  const start = 8 + length;
  const tensors = Object.entries(entries).map(([name, entry]) => placed(file, name, entry, start));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = start;
  for (const tensor of tensors) {
    if (tensor.begin !== end) {
      throw file.damaged(`the bytes of tensor ${quoted(tensor.name)} begin at ${tensor.begin - start} of the data, but those before it end at ${end - start}.`);
    }
    end = tensor.end;
  }
  if (end !== file.size) {
    throw file.damaged(end > file.size
      ? `its tensors have ${end - start} bytes, but only ${file.size - start} are there. The file was cut off.`
      : `${file.size - end} bytes follow that belong to no tensor.`);
  }
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata: new Map(Object.entries(metadata as Record<string, string>)) };
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function placed(file: LoadedFile, name: string, entry: unknown, start: number): Placed {
  const wrong = (what: string): Error => file.damaged(`tensor ${quoted(name)} has ${what}.`);
  if (!isRecord(entry)) throw wrong("no object with dtype, shape and data_offsets");
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) throw wrong(`the dtype ${quoted(dtype)}, which the format does not have`);
  if (!Array.isArray(shape) || !shape.every(isIndex)) throw wrong("a shape that is not a list of sizes");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex) || offsets[0] > offsets[1]) {
    throw wrong("data_offsets that are not a begin and an end");
  }
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    if (!Number.isSafeInteger(elements * 64)) throw wrong(`the shape ${shapeText(shape)}, which is too large`);
  }
  const [begin, end] = offsets as [number, number];
  if (elements * bitsOf(dtype) !== 8 * (end - begin)) {
    throw wrong(`the shape ${shapeText(shape)} of ${dtype}, which takes ${(elements * bitsOf(dtype)) / 8} bytes, but data_offsets for ${end - begin}`);
  }
  return { name, dtype, shape, begin: start + begin, end: start + end };
}

/** By code point, which is the order of UTF-8 bytes; strings compare by UTF-16 units, where U+FF00 comes after U+1F600. */
function byCodePoint(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return (x >= 0xd800 && x < 0xe000 ? x + 0x10000 : x) - (y >= 0xd800 && y < 0xe000 ? y + 0x10000 : y);
  }
  return a.length - b.length;
}

/**
 * The file of some tensors, byte for byte as the reference implementation writes it.
 * @throws ValueError for names that cannot be written, or too long a header
 */
export function encodeSafetensors(caller: string, tensors: readonly TensorBytes[], metadata: ReadonlyMap<string, string>): Uint8Array {
  const sorted = [...tensors].sort((a, b) => rankOf(b.dtype) - rankOf(a.dtype) || byCodePoint(a.name, b.name));
  const header: [string, unknown][] = metadata.size > 0 ? [[metadataKey, Object.fromEntries(metadata)]] : [];
  let end = 0;
  for (const { name, dtype, shape, bytes } of sorted) {
    checkText(caller, "name of a tensor", name);
    if (name === metadataKey) throw new ValueError(`${caller} cannot write a tensor called ${metadataKey}: the format keeps that name for itself.`);
    header.push([name, { dtype, shape, data_offsets: [end, end + bytes.length] }]);
    end += bytes.length;
  }
  for (const entry of metadata) for (const text of entry) checkText(caller, "text in the metadata", text);
  // An object with integer-like keys would list them first; so the outer object is put together by hand.
  const json = `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > mostHeaderBytes) throw new ValueError(`${caller} would write a header of ${length} bytes; the format allows ${mostHeaderBytes}.`);
  const file = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(file.buffer).setUint32(0, length, true);
  file.set(text, 8);
  let at = 8 + length;
  for (const { bytes } of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function checkText(caller: string, what: string, text: string): void {
  if (typeof text !== "string") throw new ValueError(`${caller} takes strings, but the ${what} is ${String(text)}.`);
  if (/\p{Surrogate}/u.test(text)) {
    throw new ValueError(`${caller} got ${quoted(text)} as ${what}, which has half a character (a lone surrogate) in it and cannot be written as UTF-8.`);
  }
}
