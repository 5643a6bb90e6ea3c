/** The values of an array that outlives a step: on the host, on a device, or on both. */

import type { FloatArray } from "../kernels/kernel.ts";
import type { Buffer, Device, MemoryKind } from "./device.ts";

/** Frees the device memory of arrays that JavaScript has collected. */
const collected = new FinalizationRegistry<Buffer>((buffer) => buffer.free());

export class Storage {
  private buffer: Buffer | null = null;
  private device: Device | null = null;
  /** The step that last used this array: an input used in a second step moves to the device. */
  lastStep: object | null = null;

  constructor(
    readonly size: number,
    /** Null while only the device has the current values. */
    private host: FloatArray | null,
    readonly kind: MemoryKind,
  ) {}

  get isResident(): boolean { return this.buffer !== null; }

  /** The current values, for reading only. */
  values(): FloatArray {
    if (this.host === null) {
      this.host = this.device === null ? new Float32Array(this.size) : this.device.read(this.buffer as Buffer);
    }
    return this.host;
  }

  /** The device memory that holds the current values, there from now on. */
  on(device: Device): Buffer {
    if (this.device === device) return this.buffer as Buffer;
    const values = this.host ?? (this.device === null ? null : this.values());
    this.free();
    const buffer = device.allocate(this.size, this.kind);
    if (values !== null) device.write(buffer, values);
    this.buffer = buffer;
    this.device = device;
    collected.register(this, buffer, this);
    return buffer;
  }

  /** Says that the device has written new values. */
  written(): void {
    this.host = null;
  }

  /** Replaces the values from the host. */
  assign(values: FloatArray): void {
    this.host = values;
    if (this.device !== null) this.device.write(this.buffer as Buffer, values);
  }

  private free(): void {
    if (this.buffer === null) return;
    collected.unregister(this);
    this.buffer.free();
    this.buffer = null;
    this.device = null;
  }
}
