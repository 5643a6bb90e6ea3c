/**
 * Plans by structure. A hash finds the candidate, and every word is compared before it is used:
 * a plan never runs for a structure that is not its own. The least recently used give way when it grows, and all when the ids of kernels
 * are forgotten.
 */

import type { Executable } from "../devices/device.ts";
import { kernelGeneration } from "../kernels/kernel.ts";
import { mixed } from "./ints.ts";

const MAX_ENTRIES = 256;
/** A loop asks for the same few structures again and again: so many are compared before anything is hashed. */
const MOST_RECENT = 4;
const MAX_BYTES = 64 * 2 ** 20;

interface Entry<P> {
  readonly hash: number;
  readonly words: Int32Array;
  readonly plan: P;
}

export class PlanCache<P extends { readonly executable: Executable }> {
  /** The most recently used first. */
  private readonly entries: Entry<P>[] = [];
  private bytes = 0;
  private generation = kernelGeneration();

  find(words: Int32Array, length: number): P | null {
    this.follow();
    const { entries } = this;
    const recent = Math.min(entries.length, MOST_RECENT);
    let at = 0;
    while (at < recent && !same(entries[at].words, words, length)) at++;
    if (at === recent) at = this.indexOf(words, length, hashOf(words, length));
    if (at < 0) return null;
    const entry = entries[at];
    for (; at > 0; at--) entries[at] = entries[at - 1];
    entries[0] = entry;
    return entry.plan;
  }

  private follow(): void {
    if (this.generation === kernelGeneration()) return;
    this.clear();
    this.generation = kernelGeneration();
  }

  private indexOf(words: Int32Array, length: number, hash: number): number {
    return this.entries.findIndex((entry) => entry.hash === hash && same(entry.words, words, length));
  }

  /** Keeps a plan; one with the same structure is replaced and released. */
  put(words: Int32Array, length: number, plan: P): void {
    this.follow();
    const { entries } = this;
    const hash = hashOf(words, length);
    const earlier = this.indexOf(words, length, hash);
    if (earlier >= 0) this.remove(earlier);
    entries.unshift({ hash, words: words.slice(0, length), plan });
    this.bytes += cost(entries[0]);
    if (entries.length <= MAX_ENTRIES && this.bytes <= MAX_BYTES) return;
    // Room for a quarter, so that a structure that never repeats does not pay for this every time. The newest is about to run.
    while (entries.length > 1 && (entries.length > MAX_ENTRIES * 0.75 || this.bytes > MAX_BYTES * 0.75)) this.remove(entries.length - 1);
  }

  private remove(at: number): void {
    const [entry] = this.entries.splice(at, 1);
    this.bytes -= cost(entry);
    entry.plan.executable.release();
  }

  get size(): number { return this.entries.length; }

  clear(): void { while (this.size > 0) this.remove(0); }
}

const cost = <P extends { readonly executable: Executable }>(entry: Entry<P>): number =>
  entry.plan.executable.bytes + entry.words.byteLength;

function hashOf(words: Int32Array, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = mixed(hash, words[i]);
  return hash;
}

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
