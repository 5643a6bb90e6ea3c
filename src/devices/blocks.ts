/**
 * Who owns which part of a memory. Blocks are found by size class and joined with their free neighbours when given back; the memory is as large as
 * it has been asked to reach.
 */

/** Blocks begin and end at cache lines. Kernels may read up to 16 bytes beyond an array. */
const ALIGN = 64;
const SLACK = 16;

export abstract class Blocks {
  /** Where memory that has never been used begins. */
  private top: number;
  private readonly sizes = new Map<number, number>(); // free blocks: start -> size
  private readonly ends = new Map<number, number>(); // free blocks: end -> start
  private readonly classes: Set<number>[] = Array.from({ length: 33 }, () => new Set<number>()); // starts, by ⌊log₂ size⌋

  /** @param reserved bytes at the beginning that belong to others */
  constructor(reserved: number) {
    this.top = align(reserved);
  }

  /** Makes the memory at least so large. False where that cannot be. */
  protected abstract reach(end: number): boolean;

  /** What a block for so many bytes takes. */
  static blockSize(bytes: number): number { return align(bytes + SLACK); }

  /** A block of `Blocks.blockSize(bytes)`, −1 where there is none; its content is whatever was there. */
  allocate(bytes: number): number {
    const size = Blocks.blockSize(bytes);
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
    let size = Blocks.blockSize(bytes);
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
}

/** ⌊log₂ size⌋, also of 4 GiB and more. */
const classOf = (size: number): number => (size >= 2 ** 32 ? 32 : 31 - Math.clz32(size));

const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;
