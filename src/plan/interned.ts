import { hashOf } from "./ints.ts";

/** Numbers for sequences of integers: equal ones get the same number, in the order in which they first come. */
export class Interned {
  count = 0;
  /** The sequences one after another, and where each begins; after the last one the one that is being written. */
  private words = new Int32Array(1024);
  private starts = new Int32Array(257);
  private hashes = new Int32Array(256);
  private end = 0;
  /** By hash, 1 + the number of a sequence; 0 where there is none. */
  private table = new Int32Array(1024);

  reset(): void {
    // What once was huge need not be cleared, and kept, forever.
    if (this.words.length > LARGEST || this.table.length > LARGEST) {
      this.words = new Int32Array(1024);
      this.starts = new Int32Array(257);
      this.hashes = new Int32Array(256);
      this.table = new Int32Array(1024);
    } else this.table.fill(0);
    this.count = this.end = 0;
  }

  /** Appends a word to the sequence that is being written. */
  add(word: number): void {
    if (this.end === this.words.length) this.words = twice(this.words);
    this.words[this.end++] = word;
  }

  /** Begins again. */
  drop(): void { this.end = this.starts[this.count]; }

  /** Ends the sequence and gives its number. */
  number(): number {
    const { words, starts, hashes, end } = this;
    const start = starts[this.count];
    const hash = hashOf(words, start, end);
    const mask = this.table.length - 1;
    let place = hash & mask;
    for (let found = this.table[place] - 1; found >= 0; found = this.table[place] - 1) {
      if (hashes[found] === hash && this.same(starts[found], starts[found + 1], start)) {
        this.end = start;
        return found;
      }
      place = (place + 1) & mask;
    }
    hashes[this.count] = hash;
    this.table[place] = ++this.count;
    if (this.count === hashes.length) this.grow();
    this.starts[this.count] = end;
    return this.count - 1;
  }

  /** Is the sequence from `from` to `to` the one from `start` to the end? */
  private same(from: number, to: number, start: number): boolean {
    const { words } = this;
    if (to - from !== this.end - start) return false;
    for (let i = from; i < to; i++) if (words[i] !== words[start + i - from]) return false;
    return true;
  }

  private grow(): void {
    this.starts = twice(this.starts);
    this.hashes = twice(this.hashes);
    this.table = new Int32Array(2 * this.table.length);
    const mask = this.table.length - 1;
    for (let number = 0; number < this.count; number++) {
      let place = this.hashes[number] & mask;
      while (this.table[place] !== 0) place = (place + 1) & mask;
      this.table[place] = number + 1;
    }
  }
}

const LARGEST = 2 ** 16;

function twice(array: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(2 * array.length);
  next.set(array);
  return next;
}
