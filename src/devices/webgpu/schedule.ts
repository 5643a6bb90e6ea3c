/**
 * Which dispatches of a plan may be one: those of one module that do not depend on each other. Each gets the earliest *level* at which all is done that it
 * needs, and what it overwrites is no longer needed. A dispatch costs what hundreds of elements do, so where many small launches are alike, as copies, products
 * of gates and updates of parameters are, this is most of a step.
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
  readonly module: number;
  readonly threads: number;
  /** What it reads and writes. */
  readonly ranges: readonly Range[];
  /** May it say that something has gone wrong? Then nothing that outlives the step is written before it has run. */
  readonly isCheck: boolean;
}

/** So many dispatches are looked at together, as each is compared with those before it. */
const MANY = 2048;
/** Where some have far more threads than others, the others' would stand idle: such are not put together beyond so many threads. */
const UNEVEN = 2 ** 14;

const meets = (a: Range, b: Range): boolean => (a.isWritten || b.isWritten) && a.space === b.space && a.from < b.to && b.from < a.to;

/** Of each unit, the level. */
function levelsOf(units: readonly Unit[]): Int32Array {
  const levels = new Int32Array(units.length);
  units.forEach((unit, k) => {
    const writesMemory = unit.ranges.some(({ space, isWritten }) => isWritten && space > 0);
    for (let earlier = k - 1; earlier >= 0; earlier--) {
      if (levels[earlier] < levels[k]) continue;
      const { isCheck, ranges } = units[earlier];
      const waits = (isCheck && (writesMemory || unit.isCheck)) || unit.ranges.some((range) => ranges.some((other) => meets(range, other)));
      if (waits) levels[k] = levels[earlier] + 1;
    }
  });
  return levels;
}

/**
 * The units in groups, each of one module, in an order in which they may run.
 * @param most how many may be one
 * @returns the places of the units of each group
 */
export function schedule(units: readonly Unit[], most: number): number[][] {
  const groups: number[][] = [];
  for (let first = 0; first < units.length; first += MANY) {
    const some = units.slice(first, first + MANY);
    const levels = levelsOf(some);
    const order = [...some.keys()].sort((a, b) =>
      levels[a] - levels[b] || some[a].module - some[b].module || some[b].threads - some[a].threads || a - b);
    let last: Unit | null = null;
    let level = -1;
    for (const k of order) {
      const unit = some[k];
      const group = groups[groups.length - 1];
      const isUneven = last !== null && last.threads > UNEVEN && unit.threads < last.threads / 4;
      if (last !== null && level === levels[k] && last.module === unit.module && group.length < most && !isUneven) group.push(first + k);
      else {
        groups.push([first + k]);
        last = unit;
        level = levels[k];
      }
    }
  }
  return groups;
}
