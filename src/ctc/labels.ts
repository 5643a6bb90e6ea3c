/** Paths and labels. A path has a symbol for each step; its labels are what is left when repeats are merged and blanks dropped. */

import { checkArguments } from "../support/options.ts";

/**
 * Labels with the blank before, between and after them: the states that a path goes through, 2 · length + 1 of them.
 * @example
 * expand([2, 3, 3], 0); // [0, 2, 0, 3, 0, 3, 0]
 */
export function expand(labels: ArrayLike<number>, blank = 0): number[] {
  checkArguments("expand", arguments, 2);
  const states = new Array<number>(2 * labels.length + 1).fill(blank);
  for (let i = 0; i < labels.length; i++) states[2 * i + 1] = labels[i];
  return states;
}

/**
 * The labels of a path: equal neighbours merged, then blanks dropped.
 * @example
 * trim([0, 2, 2, 0, 3, 0, 3], 0); // [2, 3, 3]
 */
export function trim(path: ArrayLike<number>, blank = 0): number[] {
  checkArguments("trim", arguments, 2);
  const labels: number[] = [];
  for (let t = 0; t < path.length; t++) {
    if (path[t] !== blank && (t === 0 || path[t] !== path[t - 1])) labels.push(path[t]);
  }
  return labels;
}

/**
 * How many steps labels need at least: one each, and one for a blank between equal neighbours.
 * @example
 * stepsNeeded([2, 3, 3]); // 4
 */
export function stepsNeeded(labels: ArrayLike<number>): number {
  checkArguments("stepsNeeded", arguments, 1);
  let steps = labels.length;
  for (let i = 1; i < labels.length; i++) if (labels[i] === labels[i - 1]) steps++;
  return steps;
}
