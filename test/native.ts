/**
 * Lets tests run on the native device in place of the standard one, with all products that BLAS can compute by it, large and small:
 * `FLIMSY_DEVICE=native npx vitest run …`, where there is a BLAS and a way to call it.
 */

import { renameDevice } from "../src/devices/current.ts";
import { openBlas } from "../src/devices/native/blas.ts";
import { NativeDevice } from "../src/devices/native/native.ts";
import { setDevice } from "../src/index.ts";

/** Files that share a process share it. */
const shared = globalThis as { flimsyNativeDevice?: NativeDevice };
shared.flimsyNativeDevice ??= new NativeDevice(openBlas(), "all");
const native = shared.flimsyNativeDevice;
Object.assign(native, { name: "wasm" });
renameDevice("wasm", () => native);
setDevice("wasm");
