/** What tests know of the device that they run on, which may be one that answers later (`delayed.ts`). */

import { it } from "vitest";
import { zeros } from "../src/index.ts";

/** What computes behind the device that answers later; null where tests run on the wasm device itself. */
export const behind = process.env.FLIMSY_DELAYED ?? null;

/** Do tests run on the native device? */
export const isNative = behind === null && process.env.FLIMSY_DEVICE === "native";

/** Do tests run on a GPU? It may flush denormal numbers to 0, and rounds sums in another order. */
export const isOnGpu = behind === "webgpu";

const said = new Set<string>();
function skippedIf(condition: boolean, why: string) {
  if (condition && !said.has(why)) console.warn(`Skipped on a device that answers later: ${why}.`);
  said.add(why);
  return it.skipIf(condition);
}

/** A test of what the wasm device alone has: `onWasm("its heap")("gives blocks back", …)`. Elsewhere it is skipped, and the reason is said. */
export const onWasm = (why: string) => skippedIf(behind !== null, why);

/** A test that says how float32 rounds, or that the device is not the reference device. */
export const inFloat32 = () => skippedIf(behind === "reference", "what is so in float32 only");

/** What a function gives; what goes wrong in it is thrown here also where the device tells it at the next read. */
export function told<T>(f: () => T): T {
  const result = f();
  if (behind !== null) zeros([1]).add(0).item();
  return result;
}
