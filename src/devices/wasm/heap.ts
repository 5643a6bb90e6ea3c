/** The linear memory. It grows as needed, up to the 4 GiB that 32-bit addresses reach, if the system gives so much. */

import { Blocks } from "../blocks.ts";

const PAGE = 65536;
const MAX_PAGES = 65536;

export class Heap extends Blocks {
  readonly memory: WebAssembly.Memory;
  /** Can other threads have it too? */
  readonly isShared: boolean;
  /** Views that follow the memory when it grows. */
  f32!: Float32Array;
  i32!: Int32Array;

  /**
   * @param reserved bytes at the beginning that belong to others
   * @param shared should other threads have the memory too, where the engine can do that?
   * @param pages of 64 KiB that the memory may have at most
   */
  constructor(reserved: number, shared = false, private readonly pages = MAX_PAGES) {
    super(reserved);
    const limits = { initial: Math.min(pages, Math.ceil((reserved + 2 ** 20) / PAGE)), maximum: pages };
    const memory = shared ? sharedMemory(limits) : null;
    this.isShared = memory !== null;
    this.memory = memory ?? new WebAssembly.Memory(limits);
    this.follow();
  }

  private follow(): void {
    this.f32 = new Float32Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
  }

  /** The most bytes that the memory may have. */
  get limit(): number { return this.pages * PAGE; }

  /** Grows the memory to `end` bytes: by at least a quarter, so that growing stays rare. False where that cannot be. */
  protected reach(end: number): boolean {
    const have = this.memory.buffer.byteLength / PAGE;
    const need = Math.ceil(end / PAGE);
    if (need <= have) return true;
    const generous = Math.min(this.pages, Math.max(need, Math.ceil(have * 1.25)));
    return need <= this.pages && (this.grow(generous - have) || this.grow(need - have));
  }

  private grow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      this.follow();
      return true;
    } catch {
      return false;
    }
  }
}

function sharedMemory(limits: { initial: number; maximum: number }): WebAssembly.Memory | null {
  try {
    return new WebAssembly.Memory({ ...limits, shared: true });
  } catch {
    return null; // some systems do not promise 4 GiB
  }
}
