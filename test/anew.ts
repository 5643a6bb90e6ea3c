/** What a program begins with, for files that are run one after another in one process: before each is loaded, as it may compute at once. */

import { debug, seed, setDevice } from "../src/index.ts";

seed(0);
setDevice("wasm");
debug({ checkNumerics: false, checkComparisons: false, eager: false });
