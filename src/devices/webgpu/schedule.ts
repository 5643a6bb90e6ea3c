/**
 * Which dispatches of a plan may be one, and in what order they run: a dispatch costs what hundreds of elements do, so where many small launches are alike,
 * as copies, products of gates and updates of parameters are, this is most of a step. Those of one module that are ready run together, those that most others
 * wait for first; so what nobody waits for is put off until there is more of its kind. What adds to the result of another one follows it in the same threads.
 */

/** Elements of a space, from one up to another. */
export interface Range {
  readonly space: number;
  readonly from: number;
  readonly to: number;
  readonly isWritten: boolean;
}

/** A dispatch that is to be given its place. */
export interface Unit {
  /** Those of one module may be one dispatch. */
  readonly module: string;
  readonly threads: number;
  /** What it reads and writes. */
  readonly ranges: readonly Range[];
  /** May it say that something has gone wrong? Then nothing that outlives the step is written before it has run. */
  readonly isCheck: boolean;
  /** Where each of its threads adds to elements that the same thread of another unit of this form has written: which of its ranges it writes and adds to. */
  readonly sum: Sum | null;
}
export interface Sum {
  readonly form: string;
  readonly to: Range;
  readonly addend: Range | null;
}

/** Where some have far more threads than others, the others' would stand idle: such are not put together beyond so many threads. */
const UNEVEN = 2 ** 14;

/** Who has written the elements of a space last, and read them since. */
class Accesses {
  /** Where runs of elements begin that have been used alike. */
  private readonly starts = [0];
  private readonly writers = [-1];
  private readonly readers: number[][] = [[]];

  /** Says which units have to come before one that uses a range, to a function. */
  use({ from, to, isWritten }: Range, unit: number, needs: (earlier: number) => void): void {
    if (from >= to) return;
    const { starts, writers, readers } = this;
    const first = this.cut(from);
    const end = this.cut(to);
    for (let k = first; k < end; k++) {
      if (writers[k] >= 0) needs(writers[k]);
      if (isWritten) readers[k].forEach(needs);
      else readers[k].push(unit);
    }
    if (!isWritten) return;
    starts.splice(first, end - first, from);
    writers.splice(first, end - first, unit);
    readers.splice(first, end - first, []);
  }

  /** The run that begins at an element. */
  private cut(at: number): number {
    const { starts, writers, readers } = this;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] < at) low = middle + 1;
      else high = middle;
    }
    if (starts[low] === at) return low;
    starts.splice(low, 0, at);
    writers.splice(low, 0, writers[low - 1]);
    readers.splice(low, 0, readers[low - 1].slice());
    return low;
  }
}

/** Of each unit, those that have to come before it. */
function needsOf(units: readonly Unit[]): Set<number>[] {
  const spaces = new Map<number, Accesses>();
  let check = -1;
  return units.map(({ ranges, isCheck }, unit) => {
    const needs = new Set<number>();
    for (const written of [false, true]) {
      for (const range of ranges) {
        if (range.isWritten !== written) continue;
        const accesses = spaces.get(range.space) ?? new Accesses();
        spaces.set(range.space, accesses);
        accesses.use(range, unit, (earlier) => earlier !== unit && needs.add(earlier));
      }
    }
    const outlives = ranges.some(({ space, isWritten }) => isWritten && space > 0);
    if (check >= 0 && (isCheck || outlives)) needs.add(check);
    if (isCheck) check = unit;
    return needs;
  });
}

const meets = (a: Range, b: Range): boolean => (a.isWritten || b.isWritten) && a.space === b.space && a.from < b.to && b.from < a.to;
const isSame = (a: Range, b: Range): boolean => a.space === b.space && a.from === b.from && a.to === b.to;

/** Does a thread of one use nothing that another thread of the other does, of what either writes? */
function areThreadsApart(a: Unit, b: Unit): boolean {
  const isOwn = (range: Range, { sum }: Unit): boolean => range === sum?.to || range === sum?.addend;
  return a.ranges.every((one) => b.ranges.every((other) => !meets(one, other) || (isSame(one, other) && isOwn(one, a) && isOwn(other, b))));
}

/** Units that follow each other in the same threads; most are alone. */
interface Chain {
  readonly units: number[];
  readonly needs: Set<Chain>;
  readonly module: string;
  readonly threads: number;
  /** How many chains have to run after it, one after another. */
  height: number;
  /** How many that it needs have not run. */
  missing: number;
  readonly followers: Chain[];
}

/** @param most the longest chain */
function chainsOf(units: readonly Unit[], most: number): Chain[] {
  const needs = needsOf(units);
  const chainOf: Chain[] = [];
  const chains: Chain[] = [];
  units.forEach((added, unit) => {
    const { module, threads, sum } = added;
    const before = sum?.addend ? [...needs[unit]].find((earlier) => {
      const { sum: other, module: same } = units[earlier];
      return other !== null && same === module && other.form === sum.form && isSame(other.to, sum.addend as Range);
    }) : undefined;
    const chain = before === undefined ? null : chainOf[before];
    // What else it needs was there before the chain began: so nothing of that waits for the chain.
    const isLast = chain !== null && chain.units[chain.units.length - 1] === before && chain.units.length < most;
    const follows = (earlier: number): boolean => (chainOf[earlier] === chain ? areThreadsApart(units[earlier], added) : earlier < (chain as Chain).units[0]);
    if (isLast && [...needs[unit]].every(follows)) {
      chain.units.push(unit);
      chainOf.push(chain);
    } else {
      chainOf.push({ units: [unit], needs: new Set(), module, threads, height: 0, missing: 0, followers: [] });
      chains.push(chainOf[unit]);
    }
  });
  units.forEach((_, unit) => {
    for (const earlier of needs[unit]) if (chainOf[earlier] !== chainOf[unit]) chainOf[unit].needs.add(chainOf[earlier]);
  });
  for (const chain of chains) {
    chain.missing = chain.needs.size;
    for (const needed of chain.needs) needed.followers.push(chain);
  }
  return chains;
}

/**
 * The units in groups, each of one module, in an order in which they may run.
 * @param most how many may be one
 * @returns the places of the units of each group, in chains
 */
export function schedule(units: readonly Unit[], most: number): number[][][] {
  const chains = chainsOf(units, most);
  const last = [...chains].sort((a, b) => b.units[0] - a.units[0]);
  for (const chain of last) for (const needed of chain.needs) needed.height = Math.max(needed.height, chain.height + 1);
  const groups: number[][][] = [];
  let ready = chains.filter(({ missing }) => missing === 0);
  while (ready.length > 0) {
    const urgent = ready.reduce((a, b) => (b.height > a.height ? b : a));
    const alike = ready.filter(({ module }) => module === urgent.module).sort((a, b) => b.height - a.height || a.units[0] - b.units[0]);
    const group: Chain[] = [];
    let [longest, widest, narrowest] = [0, 0, Infinity];
    for (const chain of alike) {
      const { units: { length }, threads } = chain;
      const isUneven = Math.max(widest, threads) > UNEVEN && Math.min(narrowest, threads) < Math.max(widest, threads) / 4;
      if (group.length > 0 && (isUneven || (group.length + 1) * Math.max(longest, length) > most)) continue;
      group.push(chain);
      [longest, widest, narrowest] = [Math.max(longest, length), Math.max(widest, threads), Math.min(narrowest, threads)];
    }
    const taken = new Set(group);
    ready = ready.filter((chain) => !taken.has(chain));
    for (const { followers } of group) for (const follower of followers) if (--follower.missing === 0) ready.push(follower);
    groups.push(group.map(({ units }) => units));
  }
  return groups;
}
