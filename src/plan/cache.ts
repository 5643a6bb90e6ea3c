/**
 * Plans by structure. A hash finds the candidate, and every word is compared before it is used:
 * a plan never runs for a structure that is not its own. The least recently used give way when it grows, and all when the ids of kernels
 * are forgotten.
 */

import type { Executable } from "../devices/device.ts";
import { kernelGeneration } from "../kernels/kernel.ts";
import { hashOf } from "./ints.ts";

const MAX_ENTRIES = 256;
const MOST_RECENT = 4;
const MAX_BYTES = 64 * 2 ** 20;

interface Entry<P> {
  readonly hash: number;
  readonly words: Int32Array;
  plan: P;
  used: number;
}

export class PlanCache<P extends { readonly executable: Executable }> {
  private readonly entries = new Map<number, Entry<P>[]>();
  private count = 0;
  private bytes = 0;
  private clock = 0;
  private generation = kernelGeneration();
  /** A loop asks for the same few structures again and again: they are compared before anything is hashed. */
  private readonly recent: Entry<P>[] = [];

  find(words: Int32Array, length: number): P | null {
    this.follow();
    const entry = this.recall(words, length);
    if (entry !== null) entry.used = ++this.clock;
    return entry?.plan ?? null;
  }

  private follow(): void {
    if (this.generation === kernelGeneration()) return;
    this.clear();
    this.generation = kernelGeneration();
  }

  private recall(words: Int32Array, length: number): Entry<P> | null {
    const { recent } = this;
    for (let i = 0; i < recent.length; i++) {
      const entry = recent[i];
      if (!same(entry.words, words, length)) continue;
      if (i > 0) {
        recent[i] = recent[i - 1];
        recent[i - 1] = entry;
      }
      return entry;
    }
    const entry = this.lookup(hashOf(words, 0, length), words, length);
    if (entry !== null) this.remember(entry);
    return entry;
  }

  private remember(entry: Entry<P>): void {
    if (this.recent.length < MOST_RECENT) this.recent.push(entry);
    else this.recent[MOST_RECENT - 1] = entry;
  }

  private lookup(hash: number, words: Int32Array, length: number): Entry<P> | null {
    return this.entries.get(hash)?.find((entry) => same(entry.words, words, length)) ?? null;
  }

  /** Keeps a plan; one with the same structure is replaced and released. */
  put(words: Int32Array, length: number, plan: P): void {
    this.follow();
    const hash = hashOf(words, 0, length);
    const earlier = this.lookup(hash, words, length);
    if (earlier !== null) this.remove(earlier);
    const entry: Entry<P> = { hash, words: words.slice(0, length), plan, used: ++this.clock };
    const chain = this.entries.get(entry.hash);
    if (chain === undefined) this.entries.set(entry.hash, [entry]);
    else chain.push(entry);
    this.count++;
    this.bytes += cost(entry);
    this.remember(entry);
    if (this.count > MAX_ENTRIES || this.bytes > MAX_BYTES) this.evict();
  }

  /** Makes room for a quarter, so that a structure that never repeats does not pay for this every time. */
  private evict(): void {
    const byAge = [...this.entries.values()].flat().sort((a, b) => a.used - b.used);
    byAge.pop(); // the newest is about to run
    for (const entry of byAge) {
      if (this.count <= MAX_ENTRIES * 0.75 && this.bytes <= MAX_BYTES * 0.75) return;
      this.remove(entry);
    }
  }

  private remove(entry: Entry<P>): void {
    const chain = (this.entries.get(entry.hash) as Entry<P>[]).filter((other) => other !== entry);
    if (chain.length === 0) this.entries.delete(entry.hash);
    else this.entries.set(entry.hash, chain);
    this.count--;
    this.bytes -= cost(entry);
    const place = this.recent.indexOf(entry);
    if (place >= 0) this.recent.splice(place, 1);
    entry.plan.executable.release();
  }

  get size(): number { return this.count; }

  clear(): void {
    for (const chain of [...this.entries.values()]) chain.forEach((entry) => { this.remove(entry); });
  }
}

const cost = <P extends { readonly executable: Executable }>(entry: Entry<P>): number =>
  entry.plan.executable.bytes + entry.words.byteLength;

function same(a: Int32Array, b: Int32Array, length: number): boolean {
  if (a.length !== length) return false;
  // From the end: what differs between structures is most often how they go on.
  let i = length - 1;
  for (; i >= 3; i -= 4) {
    if (((a[i] ^ b[i]) | (a[i - 1] ^ b[i - 1]) | (a[i - 2] ^ b[i - 2]) | (a[i - 3] ^ b[i - 3])) !== 0) return false;
  }
  for (; i >= 0; i--) if (a[i] !== b[i]) return false;
  return true;
}
