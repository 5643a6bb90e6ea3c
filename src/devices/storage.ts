/** The values of an array that outlives a step: on the host, on a device, or on both. */

import type { FloatArray } from "../kernels/kernel.ts";
import type { Device, MemoryKind } from "./device.ts";
import type { Buffer } from "./residency.ts";

/** The value of a field that refuses `structuredClone` and `postMessage`, which quote it: what arrived would have no numbers. */
export const notCloned = Symbol("Send data and shape of a Variable: it");

export class Storage {
  /** What a Variable refers to has it, as a field of its own would cost each operation time. */
  readonly notCloned = notCloned;
  /** Null before the values have been on a device. It may have left that. */
  private buffer: Buffer | null = null;
  private device: Device | null = null;
  /** The step that last used this array, 0 before the first: an input used in a second step moves to the device. */
  lastStep = 0;

  constructor(
    readonly size: number,
    /** Null while the host does not have the current values. */
    private host: FloatArray | null,
    readonly kind: MemoryKind,
  ) {}

  get isResident(): boolean { return this.buffer?.isThere ?? false; }

  /** The current values, for reading only. */
  values(): FloatArray {
    if (this.host === null) {
      this.host = this.elsewhere() ?? new Float32Array(this.size);
      if (this.buffer !== null) this.buffer.isCopy = true;
    }
    return this.host;
  }

  /** The values that the host lacks; null where nothing has ever been written. */
  private elsewhere(): FloatArray | null {
    const { buffer, device } = this;
    return buffer?.isThere ? (device as Device).read(buffer) : (buffer?.saved ?? null);
  }

  /** The device memory that holds the current values, there from now on, and until the step ends. */
  on(device: Device): Buffer {
    const { buffer } = this;
    return buffer?.isThere && this.device === device ? buffer.use() : this.move(device);
  }

  private move(device: Device): Buffer {
    const values = this.host ?? this.elsewhere();
    this.buffer?.free();
    this.buffer = null;
    const buffer = device.allocate(this.size, this.kind).heldBy(this);
    if (values !== null) device.write(buffer, values);
    buffer.isCopy = this.host !== null;
    this.buffer = buffer;
    this.device = device;
    return buffer;
  }

  /** Says that the device has written new values. */
  written(): void {
    this.host = null;
    if (this.buffer !== null) this.buffer.isCopy = false;
  }

  /** Replaces the values from the host. */
  assign(values: FloatArray): void {
    this.host = values;
    const { buffer, device } = this;
    if (buffer === null) return;
    if (buffer.isThere) (device as Device).write(buffer, values);
    buffer.isCopy = true;
    buffer.saved = null;
  }
}
