/** The definition itself: every path, one by one. For small cases. */

import { trim } from "../../src/ctc/index.ts";
import type { Random } from "../../src/random/random.ts";

/** Every sequence of so many symbols. */
export function paths(symbols: number, steps: number): number[][] {
  let all: number[][] = [[]];
  for (let t = 0; t < steps; t++) all = all.flatMap((path) => Array.from({ length: symbols }, (_, k) => [...path, k]));
  return all;
}

/** Rows of scores, from −size to size. */
export const randomScores = (random: Random, steps: number, symbols: number, size = 3): number[][] =>
  Array.from({ length: steps }, () => Array.from({ length: symbols }, () => random.uniform(-size, size)));

/** Labels other than the blank; about every third one repeats the one before. */
export function randomLabels(random: Random, length: number, symbols: number, blank = 0): number[] {
  const labels: number[] = [];
  while (labels.length < length) {
    const label = labels.length > 0 && random.uniform() < 0.3 ? labels[labels.length - 1] : random.integer(0, symbols);
    if (label !== blank) labels.push(label);
  }
  return labels;
}

export function logSoftmax(row: readonly number[]): number[] {
  const largest = Math.max(...row);
  const log = largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
  return row.map((x) => x - log);
}

export const logSumExp = (xs: readonly number[]): number => {
  const largest = Math.max(-Infinity, ...xs);
  return largest === -Infinity ? -Infinity : largest + Math.log(xs.reduce((sum, x) => sum + Math.exp(x - largest), 0));
};

export const pathScore = (scores: readonly (readonly number[])[], path: readonly number[]): number =>
  scores.reduce((sum, row, t) => sum + logSoftmax(row)[path[t]], 0);

/** The log probability of each labelling that any path leaves, and its best path; by the labels joined with commas. */
export function labellings(
  scores: readonly (readonly number[])[], symbols: number, blank: number,
): Map<string, { score: number; best: number; paths: number[][] }> {
  const rows = scores.map(logSoftmax);
  const found = new Map<string, { scores: number[]; paths: number[][] }>();
  for (const path of paths(symbols, scores.length)) {
    const key = trim(path, blank).join();
    const entry = found.get(key) ?? { scores: [], paths: [] };
    entry.scores.push(path.reduce((sum, k, t) => sum + rows[t][k], 0));
    entry.paths.push(path);
    found.set(key, entry);
  }
  return new Map([...found].map(([key, { scores, paths }]) => [key, { score: logSumExp(scores), best: Math.max(...scores), paths }]));
}
