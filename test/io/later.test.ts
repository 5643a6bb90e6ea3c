import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Adam, Component, DeviceError, evaluate, input, mul, parameter, setDevice, state } from "../../src/index.ts";
import {
  readTensors, restore, saveAsync, serialize, serializeAsync, serializeTensors, serializeTensorsAsync, writeTensorsAsync,
} from "../../src/io/index.ts";
import type { DelayingDevice } from "../devices/delaying.ts";
import { unwaited } from "../devices/unwaited.ts";

const folder = mkdtempSync(path.join(tmpdir(), "flimsy-io-"));
let device: DelayingDevice;
beforeEach(() => { device = unwaited({ delay: 0.02 }); });
afterEach(() => { expect(device.waits).toBe(0); });
afterAll(() => { rmSync(folder, { recursive: true }); });

class One extends Component {
  readonly w = parameter([1, 2]);
  readonly seen = state(0);
  readonly table = { y: evaluate(() => input([1, 2]).mul(3)) };
}
/** Three steps of training, then what they have left. */
function begin() {
  const θ = new One();
  const optimizer = new Adam(θ, { learningRate: 0.1 });
  const step = () => optimizer.minimize(() => {
    θ.seen.assign(θ.seen.add(1));
    return mul(θ.w, θ.w).sum();
  });
  for (let i = 0; i < 3; i++) step();
  const all = async () => [optimizer.step, ...(await Promise.all([θ.w, θ.seen, θ.table.y, ...Object.values(optimizer.slotsOf(θ.w))]
    .map(async (x) => Array.from(await x.read()))))];
  return { θ, optimizer, step, all };
}

describe("from a device that cannot be waited for", () => {
  it.each([
    ["serializeAsync", (θ: One, optimizer: Adam) => serializeAsync(θ, { optimizer })],
    ["saveAsync", async (θ: One, optimizer: Adam) => {
      const file = path.join(folder, "one.safetensors");
      await saveAsync(file, θ, { optimizer });
      return file;
    }],
  ])("%s keeps a component and its optimizer, which go on from there", async (_, keep) => {
    const { θ, optimizer, step, all } = begin();
    expect(() => serialize(θ, { optimizer })).toThrow(/await x\.read\(\)/);
    const source = await keep(θ, optimizer);
    const known = await all();
    step();
    expect(await all()).not.toEqual(known);
    step();
    restore(source, { into: θ, optimizer });
    expect(await all()).toEqual(known);
  });

  it("several optimizers go on from there, also after the device has been lost", async () => {
    const θ = new One();
    const optimizer = { slow: new Adam(θ.w, { learningRate: 0.01 }), fast: new Adam(θ.w, { learningRate: 0.1 }) };
    const step = () => { for (const each of Object.values(optimizer)) each.minimize(() => mul(θ.w, θ.w).sum()); };
    const all = () => Promise.all([θ.w, ...Object.values(optimizer).flatMap((each) => Object.values(each.slotsOf(θ.w)))].map(async (x) => [...await x.read()]));
    step();
    const bytes = await serializeAsync(θ, { optimizer });
    const known = await all();
    step();
    restore(bytes, { into: θ, optimizer });
    expect(await all()).toEqual(known);
    step();
    device.lose("a test has ended it");
    await setDevice("reference");
    restore(bytes, { into: θ, optimizer });
    expect(await all()).toEqual(known);
  });

  it("tensors are kept", async () => {
    const { θ: { w } } = begin();
    expect(() => serializeTensors({ w })).toThrow(DeviceError);
    const file = path.join(folder, "w.safetensors");
    await writeTensorsAsync(file, new Map([["w", w]]));
    const bytes = await serializeTensorsAsync({ w });
    const values = Array.from(await w.read());
    for (const source of [file, bytes]) expect(Array.from(readTensors(source).get("w")?.data ?? [])).toEqual(values);
  });

  it("what cannot be saved is refused, and a fault before is told", async () => {
    await expect(serializeAsync({} as never)).rejects.toThrow("serialize takes a Component");
    await expect(serializeAsync(new One(), { optimizer: 3 as never })).rejects.toThrow("serializeAsync takes an Optimizer as optimizer");
    const { θ, optimizer } = begin();
    device.lose("a test has ended it");
    await expect(serializeAsync(θ, { optimizer })).rejects.toThrow(DeviceError);
  });
});
