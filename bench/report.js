// @ts-check
/** How the benches measure, and how they print. */

/**
 * One line of the table.
 * @typedef {object} Row
 * @property {string} figure
 * @property {number} value
 * @property {string} unit
 * @property {number} [atMost] what the figure should not exceed
 * @property {number} [atLeast] what it should reach
 * @property {[number, number]} [quartiles]
 */

/** @typedef {{ median: number, quartiles: [number, number], least?: number }} Sample */

/** @param {number[]} samples @returns {Sample} */
export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { least: sorted[0], median: at(0.5), quartiles: [at(0.25), at(0.75)] };
}

/** @param {Sample} sample @param {number} factor @returns {Sample} */
export const scaled = ({ median, quartiles: [low, high] }, factor) => ({ median: median * factor, quartiles: [low * factor, high * factor] });

/**
 * Milliseconds a call of each function takes. They take turns, so that whatever else the machine does meets all of them alike.
 * @template {string} Name
 * @param {Record<Name, () => void>} functions
 * @param {{ rounds?: number, atLeast?: number }} options `atLeast`: milliseconds that one sample should last
 * @returns {Record<Name, Sample> & { ratio(a: Name, b: Name): Sample }} `ratio`: of the two samples of each round
 */
export function alternate(functions, { rounds = 41, atLeast = 2 } = {}) {
  const names = /** @type {Name[]} */ (Object.keys(functions));
  /** @type {Map<Name, number>} */
  const calls = new Map();
  for (const name of names) {
    // Compiled and warm, then as often as it takes to see it on the clock.
    let count = 1;
    const end = performance.now() + 300;
    while (performance.now() < end) {
      const time = batch(functions[name], count);
      if (time < atLeast) count = Math.ceil(count * Math.min(10, (atLeast / Math.max(time, 0.01)) * 1.05));
    }
    calls.set(name, count);
  }
  /** @type {Map<Name, number[]>} */
  const samples = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const count = /** @type {number} */ (calls.get(name));
      samples.get(name)?.push(batch(functions[name], count) / count);
    }
  }
  const of = (/** @type {Name} */ name) => /** @type {number[]} */ (samples.get(name));
  const summaries = Object.fromEntries(names.map((name) => [name, summary(of(name))]));
  const ratio = (/** @type {Name} */ a, /** @type {Name} */ b) => summary(of(a).map((time, i) => time / of(b)[i]));
  return /** @type {any} */ ({ ...summaries, ratio });
}

/** @param {() => void} f @param {number} count */
function batch(f, count) {
  const start = performance.now();
  for (let i = 0; i < count; i++) f();
  return performance.now() - start;
}

/** A bench that computes something wrong is worth nothing. @param {boolean} condition @param {string} message */
export function assert(condition, message) {
  if (!condition) throw new Error(`Wrong result: ${message}`);
}

/**
 * @param {ArrayLike<number>} found
 * @param {ArrayLike<number>} expected
 * @param {number} tolerance relative to the largest expected number
 * @param {string} what
 */
export function assertClose(found, expected, tolerance, what) {
  assert(found.length === expected.length, `${what}: ${found.length} numbers, ${expected.length} expected`);
  const largest = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  assert(largest > 0 && Number.isFinite(largest), `${what}: expected numbers are 0 or not finite`);
  for (let i = 0; i < found.length; i++) {
    assert(Math.abs(found[i] - expected[i]) <= tolerance * largest, `${what}[${i}] is ${found[i]}, not ${expected[i]}`);
  }
}

const columns = /** @type {const} */ ([["figure", -64], ["median", 9], ["quartiles", 17], ["unit", -9], ["limit", -9], ["", 4]]);

/** @param {readonly string[]} cells */
const line = (cells) => cells.map((cell, i) => (columns[i][1] < 0 ? cell.padEnd(-columns[i][1]) : cell.padStart(columns[i][1]))).join("  ").trimEnd();

/** @param {number} value */
const digits = (value) => value.toPrecision(3).includes("e") ? value.toFixed(0) : value.toPrecision(3);

export function printHead() {
  console.log(line(columns.map(([title]) => title)));
  console.log(line(columns.map(([, width]) => "-".repeat(Math.abs(width)))));
}

/** @param {readonly Row[]} rows */
export function print(rows) {
  for (const { figure, value, unit, atMost, atLeast, quartiles } of rows) {
    const limit = atMost !== undefined ? `≤ ${atMost}` : atLeast !== undefined ? `≥ ${atLeast}` : "";
    const good = value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity);
    console.log(
      line([figure, digits(value), quartiles === undefined ? "" : quartiles.map(digits).join(" – "), unit, limit, limit === "" ? "" : good ? "ok" : "OVER"]),
    );
  }
}

/**
 * A row from a sample. @param {string} figure @param {Sample} sample @param {string} unit @param {{ atMost?: number, atLeast?: number }}
 * limit @returns {Row}
 */
export const row = (figure, { median, quartiles }, unit, limit = {}) => ({ figure, value: median, quartiles, unit, ...limit });

/** The sum, in float64. @param {Float32Array | Float64Array} values */
export function total(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The same numbers each time: a small generator (mulberry32). @param {number} seed @returns {() => number} in [0, 1) */
export function uniform(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {number} length @param {number} seed @param {number} [low] @param {number} [high] */
export function randomArray(length, seed, low = -1, high = 1) {
  const next = uniform(seed);
  return Float32Array.from({ length }, () => low + (high - low) * next());
}
