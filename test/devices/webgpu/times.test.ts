import { expect, it } from "vitest";
import { addTimes } from "../../../src/devices/webgpu/times.ts";

/** A record of a launch: how far the next one is in sixteen bytes, the launch, the foot, the threads; the rest does not matter. */
const record = (step: number, launch: number, threads: number): number[] => [step, launch, 0, threads, ...Array<number>(4 * step - 4).fill(7)];

it("gives each launch what its dispatches take, of which it has a part if they are several launches'", () => {
  const records = [record(2, 0, 64), record(3, 1, 30), record(3, 4, 90), record(2, 2, 10), record(2, 0, 5)];
  const places = records.map((_, k) => 4 * records.slice(0, k).flat().length);
  const grid = (record: number, count: number): number[] => [9, places[record], 1, 1, count];
  const plan = { records: Uint32Array.from(records.flat()), dispatches: Int32Array.from([grid(0, 1), grid(1, 2), grid(3, 1), grid(4, 1)].flat()) };
  const times = new Float64Array(5);
  addTimes(times, plan, 0, Float64Array.of(1, 4)); // launch 0; launches 1 and 4, of 30 and 90 threads
  addTimes(times, plan, 2, Float64Array.of(0.5, 0.25)); // launch 2; launch 0 again
  expect([...times]).toEqual([1.25, 1, 0.5, 0, 3]);
});
