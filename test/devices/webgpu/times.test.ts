import { expect, it } from "vitest";
import { addTimes } from "../../../src/devices/webgpu/times.ts";

/** A record of a launch, of 32 bytes: how far the next chain is in sixteen bytes, the launch, how many threads, how far the next of its chain is, and more. */
const record = (step: number, launch: number, threads: number, link = 0): number[] => [step, launch, 99, threads, link, 7, 7, 7];

it("gives each launch what its dispatches take, of which it has a part if they are those of several launches", () => {
  const dispatched: [chains: number, records: number[][]][] = [
    [1, [record(2, 0, 64)]],
    [2, [record(2, 1, 30), record(2, 4, 90)]],
    [1, [record(2, 2, 10)]],
    [2, [record(4, 3, 20, 2), record(0, 5, 20), record(4, 6, 60), record(0, 7, 8)]], // a chain of two and one of one, with room for two
    [1, [record(2, 0, 5)]],
  ];
  const place = (k: number): number => 4 * dispatched.slice(0, k).flatMap(([, records]) => records.flat()).length;
  const plan = {
    records: Uint32Array.from(dispatched.flatMap(([, records]) => records.flat())),
    dispatches: Int32Array.from(dispatched.flatMap(([chains], k) => [9, place(k), 1, 1, chains])),
  };
  const times = new Float64Array(8);
  addTimes(times, plan, 0, Float64Array.of(1, 4));
  addTimes(times, plan, 2, Float64Array.of(0.5, 10, 0.25));
  expect([...times]).toEqual([1.25, 1, 0.5, 2, 3, 2, 6, 0]);
});
