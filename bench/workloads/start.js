/** How Flimsy is started, and asked what a step of it is. */

import { readFileSync } from "node:fs";
import { threads } from "flimsy-ml";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** @param {string} _variant @param {number} count of threads */
export function start(_variant, count) {
  threads(count);
  return `flimsy-ml ${version}`;
}

/**
 * What a step computes and moves, by flimsy-ml/explain: operations (a product and a sum are two), those of matrix products among them, and bytes.
 * @param {() => void} step
 */
export async function workOf(step) {
  const { explain } = await import("flimsy-ml/explain"); // not before: the start is timed too
  const launches = explain(step, { runs: 1 }).steps.flatMap((part) => part.launches);
  const total = (/** @type {(launch: import("flimsy-ml/explain").LaunchReport) => number} */ of) => launches.reduce((sum, launch) => sum + of(launch), 0);
  return { flops: total(({ flops }) => flops), products: total(({ kernel, flops }) => (kernel === "product" ? flops : 0)), bytes: total(({ bytes }) => bytes) };
}
