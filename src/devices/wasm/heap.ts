/**
 * The linear memory and who owns which part of it. Blocks are found by size class and joined with their free
 * neighbours when given back; the memory grows as needed, up to the 4 GiB that 32-bit addresses reach, if the system gives so much.
 */

const PAGE = 65536;
const MAX_PAGES = 65536;
/** Blocks begin and end at cache lines. Kernels may read up to 16 bytes beyond an array. */
const ALIGN = 64;
const SLACK = 16;

export class Heap {
  readonly memory: WebAssembly.Memory;
  /** Can other threads have it too? */
  readonly isShared: boolean;
  /** Views that follow the memory when it grows. */
  f32!: Float32Array;
  i32!: Int32Array;
  /** Where memory that has never been used begins. */
  private top: number;
  private readonly sizes = new Map<number, number>(); // free blocks: start -> size
  private readonly ends = new Map<number, number>(); // free blocks: end -> start
  private readonly classes: Set<number>[] = Array.from({ length: 33 }, () => new Set<number>()); // starts, by ⌊log₂ size⌋

  /**
   * @param reserved bytes at the beginning that belong to others
   * @param shared should other threads have the memory too, where the engine can do that?
   * @param pages of 64 KiB that the memory may have at most
   */
  constructor(reserved: number, shared = false, private readonly pages = MAX_PAGES) {
    const limits = { initial: Math.min(pages, Math.ceil((reserved + 2 ** 20) / PAGE)), maximum: pages };
    const memory = shared ? sharedMemory(limits) : null;
    this.isShared = memory !== null;
    this.memory = memory ?? new WebAssembly.Memory(limits);
    this.top = align(reserved);
    this.follow();
  }

  private follow(): void {
    this.f32 = new Float32Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
  }

  /** The most bytes that the memory may have. */
  get limit(): number { return this.pages * PAGE; }

  /** What a block for so many bytes takes. */
  static blockSize(bytes: number): number { return align(bytes + SLACK); }

  /** A block of `Heap.blockSize(bytes)`, −1 where there is none; its content is whatever was there. */
  allocate(bytes: number): number {
    const size = Heap.blockSize(bytes);
    for (let c = classOf(size); c < this.classes.length; c++) {
      for (const start of this.classes[c]) {
        const found = this.sizes.get(start) as number;
        if (found < size) continue;
        this.take(start, found);
        if (found > size) this.offer(start + size, found - size);
        return start;
      }
    }
    const start = this.top;
    if (!this.reach(start + size)) return -1;
    this.top = start + size;
    return start;
  }

  free(start: number, bytes: number): void {
    let from = start;
    let size = Heap.blockSize(bytes);
    const after = this.sizes.get(from + size);
    if (after !== undefined) {
      this.take(from + size, after);
      size += after;
    }
    const before = this.ends.get(from);
    if (before !== undefined) {
      const length = this.sizes.get(before) as number;
      this.take(before, length);
      from = before;
      size += length;
    }
    if (from + size === this.top) this.top = from;
    else this.offer(from, size);
  }

  private offer(start: number, size: number): void {
    this.sizes.set(start, size);
    this.ends.set(start + size, start);
    this.classes[classOf(size)].add(start);
  }

  private take(start: number, size: number): void {
    this.sizes.delete(start);
    this.ends.delete(start + size);
    this.classes[classOf(size)].delete(start);
  }

  /** Grows the memory to `end` bytes: by at least a quarter, so that growing stays rare. False where that cannot be. */
  private reach(end: number): boolean {
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

/** ⌊log₂ size⌋, also of 4 GiB and more. */
const classOf = (size: number): number => (size >= 2 ** 32 ? 32 : 31 - Math.clz32(size));

const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;
