/**
 * The public face in Node, Deno and Bun, where the environment may choose the first device: `FLIMSY_DEVICE=reference node program.js`.
 * A GPU is waited for here, by the first step. So what talks to it is loaded with the rest, as no dynamic import could be waited for.
 */

import { type DeviceName, renameDevice, standardDevice } from "./devices/current.ts";
import { makeNative } from "./devices/native/make.ts";
import { makeWebGpuNow } from "./devices/webgpu/webgpu.ts";
import { environment } from "./support/environment.ts";

export * from "./index.ts";

const variable = "FLIMSY_DEVICE";
renameDevice("native", makeNative);
const chosen = environment(variable);
if (chosen) standardDevice(chosen as DeviceName, variable, { webgpu: makeWebGpuNow });
