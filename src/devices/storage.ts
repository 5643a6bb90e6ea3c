/** The values of an array that outlives a step: on the host, on a device, or on both. */

import type { FloatArray } from "../kernels/kernel.ts";
import type { Device, Later, MemoryKind } from "./device.ts";
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
  /** How often it has got other values. */
  private writes = 0;

  constructor(
    readonly size: number,
    /** Null while the host does not have the current values. */
    private host: FloatArray | null,
    readonly kind: MemoryKind,
  ) {}

  get isResident(): boolean { return this.buffer?.isThere ?? false; }

  /** Where the values are if they cannot be had without waiting for them, else null. */
  get awaited(): { readonly buffer: Buffer; readonly later: Later } | null {
    const { buffer, host, device } = this;
    const later = host === null && buffer?.isThere ? (device as Device).later : null;
    return later && { buffer: buffer as Buffer, later };
  }

  /** Can the values be had without waiting for a device? */
  knows(): boolean { return !this.isLost && this.awaited === null; }

  /** Have the values never come to be, or gone with a device? */
  get isLost(): boolean { return this.host === null && Boolean(this.buffer?.failure); }

  /** The current values, for reading only, when they are there. */
  async read(): Promise<FloatArray> {
    const { awaited, writes } = this;
    if (awaited === null) return this.values();
    const values = await awaited.later.read(awaited.buffer);
    if (writes === this.writes) this.known(values);
    return values;
  }

  private known(values: FloatArray): FloatArray {
    this.host = values;
    if (this.buffer !== null) this.buffer.isCopy = true;
    return values;
  }

  /** The current values, for reading only; waits for them where that is possible. */
  values(): FloatArray {
    return this.host ?? this.known(this.elsewhere() ?? new Float32Array(this.size));
  }

  /** The values that the host lacks; null where nothing has ever been written. */
  private elsewhere(): FloatArray | null {
    const { buffer, device } = this;
    if (buffer?.failure) throw buffer.failure.value;
    return buffer?.isThere ? (device as Device).read(buffer) : (buffer?.saved ?? null);
  }

  /** The device memory that holds the current values, if they are needed, there from now on, and until the step ends. */
  on(device: Device, isNeeded = true): Buffer {
    const { buffer } = this;
    return buffer?.isThere && this.device === device ? buffer.use() : this.move(device, isNeeded);
  }

  private move(device: Device, isNeeded: boolean): Buffer {
    const values = this.host ?? (isNeeded ? this.elsewhere() : null);
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
    this.writes++;
    if (this.buffer !== null) this.buffer.isCopy = false;
  }

  /** Replaces the values from the host. */
  assign(values: FloatArray): void {
    this.host = values;
    this.writes++;
    const { buffer, device } = this;
    if (buffer === null) return;
    if (buffer.isThere) (device as Device).write(buffer, values);
    buffer.isCopy = true;
    buffer.saved = null;
  }

  /** Takes over the values of another one, which may be smaller, without waiting for them. */
  copy(from: Storage): this {
    const { awaited } = from;
    if (awaited === null) {
      const values = from.values();
      const all = new (values.constructor as Float32ArrayConstructor)(this.size);
      all.set(values);
      this.assign(all);
    } else {
      const to = this.on(from.device as Device);
      awaited.later.copy(awaited.buffer, 0, from.size, to);
      this.written();
    }
    return this;
  }

  /** A copy that stays on the device where the values are, if they would have to be waited for, else null. */
  away(kind: MemoryKind): Storage | null {
    const { awaited, size } = this;
    return awaited === null ? null : awaited.later.keepCopy(new Storage(size, null, kind), awaited.buffer, 0);
  }
}
