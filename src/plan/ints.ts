/** A growable array of 32-bit integers: planning works on these because they cost nothing per element. */
export class Ints {
  private items = new Int32Array(64);
  length = 0;

  at(index: number): number { return this.items[index]; }
  put(index: number, value: number): void { this.items[index] = value; }

  /** Appends and returns the index. */
  push(value: number): number {
    if (this.length === this.items.length) this.items = grown(this.items);
    this.items[this.length] = value;
    return this.length++;
  }

  push2(a: number, b: number): void {
    if (this.length + 2 > this.items.length) this.items = grown(this.items);
    this.items[this.length++] = a;
    this.items[this.length++] = b;
  }

  toArray(): Int32Array { return this.items.slice(0, this.length); }

  // -- reuse: a structure that never repeats is planned at every step, and growing arrays anew would cost most of it --

  private static readonly spare: Ints[] = [];

  /** An empty one, perhaps with room from an earlier use. */
  static take(): Ints {
    return Ints.spare.pop() ?? new Ints();
  }

  /** Gives one back; nobody may use it any more. */
  static give(ints: Ints): void {
    if (ints.items.length > LARGEST_SPARE) return;
    ints.length = 0;
    Ints.spare.push(ints);
  }
}

/** Larger ones are left to the garbage collector. */
const LARGEST_SPARE = 2 ** 20;

/** The same numbers with room for twice as many, or for so many as are needed. */
export function grown<A extends Int32Array | Float64Array>(array: A, needed = 0): A {
  const next = new (array.constructor as new (n: number) => A)(Math.max(needed, array.length * 2));
  next.set(array);
  return next;
}

/** A multiplicative hash: that of some words, and one more. */
export function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
