/**
 * TensorBoard's event files: records of TFRecord (length, masked CRC-32C of it, data, masked CRC-32C of them), each an Event
 * in protocol buffers (tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto).
 */

import { checkWritable } from "../support/files.ts";
import type { EpochRecord } from "./history.ts";
import type { Listener } from "./listener.ts";
import type { Numbers } from "./means.ts";
import { epochNumbers, type Resumed } from "./metrics.ts";
import { makeFolder, nodeModule, nodeProcess } from "./node.ts";
import type { StepEvent, TensorBoardOptions } from "./options.ts";

const purpose = "A TensorBoard event file";
/** How long events may stay in memory, in milliseconds. */
const DELAY = 1000;

const table = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C, the one of Castagnoli (RFC 3720, appendix B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

const masked = (bytes: Uint8Array): number => {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
};

function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length, true); // the upper half of the length is 0
  view.setUint32(8, masked(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, masked(data), true);
  return bytes;
}

/** Fields of protocol buffers: the key is the field's number and how it is written. */
const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
};
const integer = (field: number, value: number): number[] => [field << 3, ...varint(value)];
const bytes = (field: number, value: ArrayLike<number>): number[] => [(field << 3) | 2, ...varint(value.length), ...Array.from(value)];
const string = (field: number, value: string): number[] => bytes(field, new TextEncoder().encode(value));
const float = (field: number, value: number): number[] => [(field << 3) | 5, ...new Uint8Array(Float32Array.of(value).buffer)];
const double = (field: number, value: number): number[] => [(field << 3) | 1, ...new Uint8Array(Float64Array.of(value).buffer)];

/** An Event as a record. `what` is one of its fields: file_version 3, summary 5, session_log 7. */
const event = (step: number, what: readonly number[]): Uint8Array =>
  record(Uint8Array.from([...double(1, Date.now() / 1000), ...integer(2, step), ...what]));

const summary = (values: Numbers): number[] =>
  bytes(5, Object.entries(values).flatMap(([tag, value]) => bytes(1, [...string(1, tag), ...float(2, value)])));

let files = 0;

export class TensorBoardFile implements Listener {
  /** The file; its folder may have others. */
  readonly path: string;
  private readonly fs = nodeModule("node:fs", purpose);
  /** Written before anything else. */
  private head: Uint8Array[];
  private pending: Uint8Array[] = [];
  private written = performance.now();

  constructor(private readonly settings: TensorBoardOptions & { readonly every: number }, resumed: Resumed | null) {
    const { folder } = settings;
    makeFolder(folder, purpose);
    const name = ["events.out.tfevents", Math.floor(Date.now() / 1000), nodeModule("node:os", purpose).hostname(), nodeProcess()?.pid, files++].join(".");
    this.path = nodeModule("node:path", purpose).join(folder, name);
    checkWritable(this.path);
    this.head = [event(0, string(3, "brain.Event:2"))];
    // The start of a session: what other files in the folder have of this step or later is void.
    if (resumed !== null) this.head.push(event(resumed.step + 1, bytes(7, integer(1, 1))));
  }

  begin(): void {
    if (this.head.length > 0) this.fs.appendFileSync(this.path, Buffer.concat(this.head));
    this.head = [];
  }

  step({ step, loss, learningRate, metrics }: Omit<StepEvent, "stop">): void {
    if (step % this.settings.every === 0) this.write(step, { loss, learningRate, ...metrics });
  }

  epoch(record: EpochRecord): void {
    const numbers = Object.entries(epochNumbers(record)).map(([name, value]) => [name.startsWith("validation/") ? name : `epoch/${name}`, value]);
    this.write(record.step, Object.fromEntries(numbers));
  }

  private write(step: number, numbers: Numbers): void {
    this.pending.push(event(step, summary(numbers)));
    if (performance.now() - this.written > DELAY) this.flush();
  }

  flush(): void {
    this.written = performance.now();
    if (this.pending.length === 0) return;
    this.begin();
    const { pending } = this;
    this.pending = [];
    this.fs.appendFileSync(this.path, Buffer.concat(pending));
  }

  close(): void { this.flush(); }
}
