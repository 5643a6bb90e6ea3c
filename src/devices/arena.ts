/** The memory of a step, in blocks; a step that outgrows it gets another, and the next step one that holds all. */

import type { Blocks } from "./blocks.ts";

interface Chunk {
  readonly address: number;
  readonly bytes: number;
}

const FIRST_CHUNK = 2 ** 16;
/** An arena larger than this goes back to the heap, but for what steps need, */
const LARGE_ARENA = 2 ** 20;
/** when they need less than this part of it */
const FAR_LESS = 1 / 4;
/** so many times one after another; twice as many each time that it had to grow again. */
const SEVERAL = 8;
const MOST_SEVERAL = 1024;

export class Arena {
  private chunks: Chunk[] = [];
  /** How much of the last chunk is taken. */
  private taken = 0;
  /** How many of the last steps needed far less than the arena, and the most that one of them did. */
  private small = 0;
  private most = 0;
  private several = SEVERAL;
  private hasShrunk = false;

  /**
   * @param blocks where it takes its blocks from
   * @param force gives a block, whatever has to leave for it
   */
  constructor(private readonly blocks: Blocks, private readonly force: (bytes: number) => number) {}

  /** Room for one run, valid until the step ends. */
  reserve(bytes: number): number {
    const needed = Math.ceil((bytes + 16) / 64) * 64;
    let chunk = this.chunks[this.chunks.length - 1];
    if (chunk === undefined || this.taken + needed > chunk.bytes) {
      // While nothing of the step lives in it, a larger block replaces the one before.
      this.drop();
      if (this.hasShrunk) this.several = Math.min(2 * this.several, MOST_SEVERAL);
      this.hasShrunk = false;
      chunk = this.chunk(Math.max(FIRST_CHUNK, needed, this.bytes), needed);
      this.chunks.push(chunk);
      this.taken = 0;
    }
    const region = chunk.address + this.taken;
    this.taken += needed;
    return region;
  }

  /** A block of the size that is wanted or, where memory is short, of the size that is needed. */
  private chunk(wanted: number, needed: number): Chunk {
    const address = this.blocks.allocate(wanted);
    return address >= 0 ? { address, bytes: wanted } : { address: this.force(needed), bytes: needed };
  }

  /** Gives all back while nothing lives in it. Was there anything? */
  drop(): boolean {
    if (this.taken > 0) return false;
    const dropped = this.chunks.splice(0);
    for (const { address, bytes } of dropped) this.blocks.free(address, bytes);
    return dropped.length > 0;
  }

  /** How large it is. */
  get bytes(): number { return this.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0); }

  /** Ends a step: what it reserved is free. */
  endStep(): void {
    if (this.taken === 0) return; // it ran nothing
    const { bytes } = this;
    const used = bytes - this.chunks[this.chunks.length - 1].bytes + this.taken;
    this.taken = 0;
    const isSmall = bytes > LARGE_ARENA && used < FAR_LESS * bytes;
    this.small = isSmall ? this.small + 1 : 0;
    this.most = isSmall ? Math.max(this.most, used) : 0;
    const shrinks = this.small >= this.several;
    if (this.chunks.length === 1 && !shrinks) return;
    this.drop();
    this.chunks = [this.chunk(Math.max(shrinks ? this.most : bytes, FIRST_CHUNK), FIRST_CHUNK)];
    if (shrinks) this.small = this.most = 0;
    this.hasShrunk ||= shrinks;
  }
}
