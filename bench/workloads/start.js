/** How Flimsy is started. */

import { readFileSync } from "node:fs";
import { threads } from "flimsy-ml";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** @param {string} _variant @param {number} count of threads */
export function start(_variant, count) {
  threads(count);
  return `flimsy-ml ${version}`;
}
