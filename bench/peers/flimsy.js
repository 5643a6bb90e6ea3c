/** How Flimsy is started. */

import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

export const start = () => `flimsy-ml ${version}`;
