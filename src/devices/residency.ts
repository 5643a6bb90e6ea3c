/**
 * Which arrays stay on a device whose memory is short. What has not been used for longest leaves for ordinary JavaScript memory, and comes
 * back when it is used again. So a loop that never awaits, in which no finalizer runs, does not fill the device with what nobody holds any more.
 */

import type { FloatArray } from "../kernels/kernel.ts";

let step = 0;
/** Begins a step: what it uses stays where it is until the next one begins. */
export const nextStep = (): number => ++step;

/** Frees the device memory of arrays that JavaScript has collected. */
const registry = new FinalizationRegistry<() => void>((release) => release());

/** What has been thrown: a function of the host may throw anything, null too. */
export interface Thrown { readonly value: unknown }

/**
 * Long-lived memory of a device, or a view of a value that a step has pinned. It does not refer to who holds the array:
 * if nobody does, nothing is left once it has left the device.
 */
export abstract class Buffer {
  /** Has it not left the device? */
  isThere = true;
  /** Does the host have the same values? Then it leaves at no cost. */
  isCopy = false;
  /** The values with which it left, where it was no copy. */
  saved: FloatArray | null = null;
  /** Why it has none: the run that should have made them has failed, or the device has been lost. */
  failure: Thrown | null = null;
  /** The step that used it last. */
  lastStep = step;

  /**
   * @param release gives the memory back, and refers to no values: it is kept until the holder has been collected. Where somebody besides knows the buffer,
   * as on a device that answers later, it may be called once more
   */
  constructor(
    readonly size: number,
    private readonly release: () => void,
  ) {}

  /** Frees the memory when `holder` has been collected. */
  heldBy(holder: object): this {
    registry.register(holder, this.release, this);
    return this;
  }

  /** Says that the running step uses it. */
  use(): this {
    this.lastStep = step;
    return this;
  }

  fail(why: Thrown): void {
    this.failure = why;
    this.free();
  }

  free(): void {
    if (!this.isThere) return;
    this.isThere = false;
    registry.unregister(this);
    this.release();
  }
}

/** The buffers of a device. */
export class Residency<B extends Buffer> {
  readonly buffers = new Set<B>();
  /** Those that may leave, the least recently used last, as they were at the beginning of step `sortedIn`. */
  private oldestLast: B[] = [];
  private sortedIn = -1;

  add(buffer: B): void { this.buffers.add(buffer); }
  delete(buffer: B): void { this.buffers.delete(buffer); }

  /** The buffer that has not been used for longest; null if the running step uses all. */
  leastRecent(): B | null {
    for (;;) {
      for (let next = this.oldestLast.pop(); next !== undefined; next = this.oldestLast.pop()) {
        if (this.buffers.has(next) && next.lastStep < this.sortedIn) return next;
      }
      if (this.sortedIn === step) return null;
      this.sortedIn = step;
      this.oldestLast = [...this.buffers].filter((buffer) => buffer.lastStep < step).sort((a, b) => b.lastStep - a.lastStep);
    }
  }
}
