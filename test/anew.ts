/** What a program begins with, for files that are run one after another in one process. */

import { beforeAll } from "vitest";
import { debug, seed, setDevice } from "../src/index.ts";

beforeAll(() => {
  seed(0);
  setDevice("wasm");
  debug({ checkNumerics: false, checkComparisons: false, eager: false });
});
