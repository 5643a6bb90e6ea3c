/** Lets tests run on the device that answers later, in place of the standard one. */

import { renameDevice, useDevice } from "../src/devices/current.ts";
import { DelayingDevice } from "./devices/delaying.ts";

const [inner, waits] = (process.env.FLIMSY_DELAYED ?? "").split(",");
if (inner === "wasm" || inner === "reference") {
  const device = new DelayingDevice({ inner, canWait: waits !== "never", delay: Number(process.env.FLIMSY_DELAY ?? 0.02) });
  renameDevice("wasm", device);
  useDevice(device);
}
