/** The public face in Node, Deno and Bun, where the environment may choose the first device: `FLIMSY_DEVICE=reference node program.js`. */

import { type DeviceName, renameDevice, standardDevice } from "./devices/current.ts";
import { makeNative } from "./devices/native/make.ts";
import { environment } from "./support/environment.ts";

export * from "./index.ts";

const variable = "FLIMSY_DEVICE";
renameDevice("native", makeNative);
const chosen = environment(variable);
if (chosen) standardDevice(chosen as DeviceName, variable);
