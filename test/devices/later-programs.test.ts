/** Programs of many kinds on a device that answers later: the same bits as on the one behind it. */

import fc from "fast-check";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { deviceByName, useDevice } from "../../src/devices/current.ts";
import type { Device } from "../../src/devices/device.ts";
import { Adam, evaluate, grad, ready, setDevice, type Variable } from "../../src/index.ts";
import { type Course, Data, interpret, type Program, programs } from "../programs.ts";
import { DelayingDevice } from "./delaying.ts";

const standard = deviceByName("wasm") as Device;
const devices = [true, false].map((canWait) => new DelayingDevice({ canWait, delay: 0.02, seed: 7 }));
afterEach(() => useDevice(standard));
afterAll(async () => { await Promise.all(devices.map((device) => device.close())); });

interface Way {
  readonly looks: boolean;
  /** Read when all has been asked for, or after each step? */
  readonly atEnd: boolean;
  readonly training: boolean;
}

/** A program is run, or trained, several times; all that it gives. */
async function outcome(program: Program, { looks, atEnd, training }: Way, courses: readonly Course[] | null): Promise<{ all: number[][]; courses: Course[] }> {
  const data = new Data(program.large);
  const optimizer = new Adam(data.parameters, { learningRate: 1e-3 });
  const made: Course[] = [];
  const given: Variable[][] = [];
  for (let run = 0; run < 5; run++) {
    const fresh = data.refresh();
    const course: Course = { decisions: courses?.[run].decisions ?? [], seen: [], read: [] };
    made.push(course);
    const body = () => ({ ...interpret(program, data, fresh, course, looks, courses === null), seen: course.seen });
    const { loss, kept, seen } = training ? grad(body) : evaluate(body);
    given.push([loss, ...kept.list, ...kept.map.values(), ...seen]);
    if (training && run % 2 === 1) optimizer.update();
    if (!atEnd) await ready(given);
  }
  const last = data.parameters.flatMap((p) => [p, ...(p.grad === null ? [] : [p.grad])]);
  const all = await Promise.all([...given.flat(), ...last].map(async (x) => Array.from(await x.read())));
  return { all: [...all, ...made.flatMap(({ read }) => read.map((values) => Array.from(values)))], courses: made };
}

describe("random programs on a device that answers later", () => {
  const named = devices.map((device) => [device.later.canWait ? "can be waited for" : "cannot", device] as const);
  it.each(named)("give the same bits: one that %s", async (_, device) => {
    const looks = device.later.canWait ? fc.boolean() : fc.constant(false);
    const ways = fc.record({ looks, atEnd: fc.boolean(), training: fc.boolean() });
    await fc.assert(fc.asyncProperty(programs, ways, async (program, way) => {
      await setDevice("reference");
      const { courses } = await outcome(program, { ...way, looks: true }, null);
      const expected = await outcome(program, way, courses);
      useDevice(device);
      const found = await outcome(program, way, courses);
      expect(found.all).toEqual(expected.all);
    }), { seed: Number(process.env.FLIMSY_SEED ?? 5), numRuns: Number(process.env.FLIMSY_RUNS ?? 25) });
    if (!device.later.canWait) expect(device.waits).toBe(0);
  }, 120_000);
});
