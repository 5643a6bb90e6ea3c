/**
 * The public face in Node, Deno and Bun, where the environment may choose the first device: `FLIMSY_DEVICE=reference node program.js`.
 * A GPU is waited for here, by the first step. So what talks to it is loaded with the rest, as no dynamic import could be waited for.
 */

import { type DeviceName, standardDevice } from "./devices/current.ts";
import { makeWebGpuNow } from "./devices/webgpu/webgpu.ts";

export * from "./index.ts";

const variable = "FLIMSY_DEVICE";
interface Runtime {
  readonly process?: { readonly env: Readonly<Record<string, string | undefined>> };
  readonly Deno?: { readonly permissions: { querySync(of: { name: "env"; variable: string }): { readonly state: string } } };
}
const { process, Deno } = globalThis as Runtime;
/** Deno would ask who runs the program, or throw, where it has not been allowed to tell. */
const isTold = Deno === undefined || Deno.permissions.querySync({ name: "env", variable }).state === "granted";
const chosen = isTold ? process?.env[variable] : undefined;
if (chosen) standardDevice(chosen as DeviceName, variable, { webgpu: makeWebGpuNow });
