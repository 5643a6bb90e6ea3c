/**
 * Products in all forms that the device has, whichever is fast on this adapter: node forms.js <GFLOP/s of the chip> [--small]. `pack.js` bundles what this
 * uses of the library's inside.
 */

import { currentDevice, useDevice } from "../../src/devices/current.ts";
import { makeWebGpu } from "../../src/devices/webgpu/webgpu.ts";
import { evaluate, input, matmul, slice } from "../../src/index.ts";
import { digits } from "../peers/table.js";
import { chainOf } from "../workloads/products.js";
import { finish, heading, least, put, sizes } from "./section.js";

const peak = Number(process.argv[2]);
/** Of less, several steps are asked for at once. */
const MUCH = 1e11;
/** As the device names them. */
const forms = { gpu: "shared by workgroups, K cut into blocks", processor: "a tile for a thread" };
const devices = new Map();
for (const form of Object.keys(forms)) {
  const device = await makeWebGpu(() => currentDevice() === device, undefined, form);
  devices.set(form, device);
}
heading("Products by form", "Chains of products n×n, the next of the last: GFLOP/s, and percent of the chip's multiply-adds.", ["", ...Object.values(forms)]);

for (const { name, flops, sizes: { n, repeats } } of sizes.products) {
  const { start, reflection } = chainOf(n);
  const cells = [];
  for (const device of devices.values()) {
    useDevice(device);
    const [a, b] = [input(start, [n, n]), input(reflection, [n, n])];
    const first = () => evaluate(() => {
      let c = a;
      for (let k = 0; k < repeats; k++) c = matmul(c, b);
      return slice(c, 0).sum();
    }).read();
    const expected = start.subarray(0, n).reduce((sum, x) => sum + x, 0);
    const [sum] = await first();
    const count = flops > MUCH ? 1 : 4;
    const time = await least(5, () => Promise.all(Array.from({ length: count }, first)));
    const rate = (count * flops) / time / 1e6;
    cells.push(Math.abs(sum / expected - 1) < 1e-4 ? `${digits(rate)}, ${digits((100 * rate) / peak)} %` : `wrong: ${sum}, not ${expected}`);
  }
  put(name, ...cells);
}
await finish();
