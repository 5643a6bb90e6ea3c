/** A growable array of 32-bit integers: planning works on these because they cost nothing per element. */
export class Ints {
  private items = new Int32Array(64);
  length = 0;

  at(index: number): number { return this.items[index]; }
  put(index: number, value: number): void { this.items[index] = value; }

  /** Appends and returns the index. */
  push(value: number): number {
    if (this.length === this.items.length) this.grow();
    this.items[this.length] = value;
    return this.length++;
  }

  push2(a: number, b: number): void {
    if (this.length + 2 > this.items.length) this.grow();
    this.items[this.length++] = a;
    this.items[this.length++] = b;
  }

  private grow(): void {
    const next = new Int32Array(this.items.length * 2);
    next.set(this.items);
    this.items = next;
  }

  toArray(): Int32Array { return this.items.slice(0, this.length); }
}
