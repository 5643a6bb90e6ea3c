import { Ints, mixed } from "./ints.ts";

/** Numbers for sequences of integers: equal ones get the same number, in the order in which they first come. */
export class Interned {
  count = 0;
  /** The sequences one after another, and where each begins; after the last one the one that is being written, with its hash. */
  private readonly words = Ints.take();
  private readonly starts = Ints.take();
  private readonly hashes = Ints.take();
  private hash = 0;
  /** By hash, 1 + the number of a sequence; 0 where there is none. */
  private table = new Int32Array(1024);

  constructor() { this.starts.push(0); }

  /** Gives the arrays back for the next ones. */
  release(): void {
    for (const ints of [this.words, this.starts, this.hashes]) Ints.give(ints);
  }

  /** Appends a word to the sequence that is being written. */
  add(word: number): void {
    this.words.push(word);
    this.hash = mixed(this.hash, word);
  }

  /** Ends the sequence and gives its number. */
  number(): number {
    const { words, starts, hashes, hash } = this;
    const start = starts.at(this.count);
    this.hash = 0;
    let place = this.place(hash);
    for (let found = this.table[place] - 1; found >= 0; found = this.table[place] - 1) {
      if (hashes.at(found) === hash && this.same(found, start)) {
        words.length = start;
        return found;
      }
      place = this.place(place + 1);
    }
    hashes.push(hash);
    starts.push(words.length);
    this.table[place] = ++this.count;
    if (4 * this.count > this.table.length) this.grow();
    return this.count - 1;
  }

  private place(hash: number): number { return hash & (this.table.length - 1); }

  /** Is a sequence the one from `start` to the end? */
  private same(number: number, start: number): boolean {
    const { words } = this;
    const from = this.starts.at(number);
    const length = words.length - start;
    if (this.starts.at(number + 1) - from !== length) return false;
    for (let i = 0; i < length; i++) if (words.at(from + i) !== words.at(start + i)) return false;
    return true;
  }

  private grow(): void {
    this.table = new Int32Array(2 * this.table.length);
    for (let number = 0; number < this.count; number++) {
      let place = this.place(this.hashes.at(number));
      while (this.table[place] !== 0) place = this.place(place + 1);
      this.table[place] = number + 1;
    }
  }
}
