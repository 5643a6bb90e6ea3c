/** How Flimsy is started, and asked what a step of it is. */

import { readFileSync } from "node:fs";
import { setDevice, threads } from "flimsy-ml";

/** @typedef {import("flimsy-ml").Variable} Variable */

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** The number that a step gives. On a GPU it comes later, and the next step may be asked for before. @type {(loss: Variable) => number | Promise<number>} */
export let read = (loss) => loss.item();

/** @param {string} variant @param {number} count of threads */
export async function start(variant, count) {
  threads(count);
  if (variant === "webgpu") {
    await setDevice("webgpu");
    read = async (loss) => (await loss.read())[0];
  }
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
