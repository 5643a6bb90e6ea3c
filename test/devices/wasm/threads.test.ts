/** Launches in parts on several threads: the same bits for every number of threads, and nothing that a thread does can hang a step. */

import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Program } from "../../../src/devices/device.ts";
import { ReferenceDevice } from "../../../src/devices/reference/reference.ts";
import { partStart } from "../../../src/devices/wasm/cut.ts";
import { hasRelaxedSimd, scratchBytes } from "../../../src/devices/wasm/kernels.ts";
import { cutOf } from "../../../src/devices/wasm/kinds.ts";
import { control } from "../../../src/devices/wasm/layout.ts";
import { threadsOf } from "../../../src/devices/wasm/threads.ts";
import { WasmDevice } from "../../../src/devices/wasm/wasm.ts";
import { FlimsyError, ValueError } from "../../../src/support/errors.ts";
import { argument } from "../../../src/kernels/expression.ts";
import * as kernels from "../../../src/kernels/kernel.ts";

/** What tests see of a device beyond its face. */
interface Inside {
  heap: { i32: Int32Array; f32: Float32Array; allocate(bytes: number): number };
  team: { threads: { terminate(): Promise<unknown> }[]; patience: number; allocate: (bytes: number) => number; chain: unknown[] };
}
const inside = (device: WasmDevice): Inside => device as unknown as Inside;

const pause = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Waits until as many threads as are wanted have started. */
async function allStarted(device: WasmDevice): Promise<void> {
  for (let i = 0; threadsOf(device.team).count < threadsOf(device.team).limit; i++) {
    expect(i, threadsOf(device.team).why).toBeLessThan(1000);
    await pause(10);
  }
}

// -- programs -----------------------------------------------------------------------------------------

function randomNumbers(seed: number): { number: () => number; integer: (from: number, to: number) => number } {
  let state = seed;
  const number = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  return { number, integer: (from, to) => from + Math.floor(number() * (to - from)) };
}
type Numbers = ReturnType<typeof randomNumbers>;

interface Launch {
  kernel: kernels.Kernel;
  /** The number of elements of each operand: outputs, then inputs. */
  sizes: number[];
  parameters: number[];
  /** An operand that is another one. */
  same?: [number, number];
}

const GUARD = 8;
const room = (n: number): number => Math.ceil(n / 4) * 4 + GUARD;

/** A program of one launch, its operands one after another in the arena, all of which is bound as one host array. */
function programOf({ kernel, sizes, parameters, same }: Launch): { program: Program; offsets: number[]; data: Float32Array } {
  const offsets: number[] = [];
  let arena = 0;
  for (const size of sizes) {
    offsets.push(arena);
    arena += room(size);
  }
  if (same !== undefined) offsets[same[0]] = offsets[same[1]];
  const operands = offsets.flatMap((offset) => [0, offset]);
  const words = Int32Array.from([kernel.id, 2 + operands.length + parameters.length, ...operands, ...parameters]);
  return {
    program: {
      words, launches: 1, arena, scalars: new Int32Array(0), hosts: Int32Array.of(0), functions: [], buffers: 0, strands: new Int32Array(0),
      checks: null,
    },
    offsets,
    data: new Float32Array(arena),
  };
}

const [a, b, c] = [0, 1, 2].map(argument);
const divided = (n: number): number => Math.ceil(n / 4) * 4;

/** Launches of every kind that is cut, large enough for it, of odd shapes. */
const kinds: Record<string, (r: Numbers) => Launch> = {
  "map over vectors": (r) => {
    const n = r.integer(9000, 40_000);
    return { kernel: kernels.map(3, a.mul(b).add(c).tanh(), a.sigmoid()), sizes: [n, n, n, n, 1], parameters: [n, 1, 1, 0, 0] };
  },
  "map in place": (r) => {
    const n = r.integer(30_000, 60_000);
    return { kernel: kernels.map(2, a.mul(0.9).add(b).exp()), sizes: [n, n, n], parameters: [n, 1, 1, 0], same: [0, 1] };
  },
  "map with broadcasting": (r) => {
    const [outer, middle, n] = [r.integer(8, 30), r.integer(6, 12), r.integer(150, 300)];
    return {
      kernel: kernels.map(3, a.add(b).tanh().mul(c)),
      sizes: [outer * middle * n, outer * middle * n, middle * n, outer],
      parameters: [n, 1, 1, 0, 2, middle, n, n, 0, outer, middle * n, 0, 1],
    };
  },
  "map through functions of the host": (r) => {
    const n = r.integer(3000, 9000);
    return { kernel: kernels.map(2, a.sin().mul(b.abs().pow(1.7))), sizes: [n, n, n], parameters: [n, 1, 1, 0] };
  },
  row: (r) => {
    const [rows, n] = [r.integer(20, 300), r.integer(200, 400)];
    const largest = argument(3);
    const kernel = kernels.row(
      ["element", "row", "element"],
      [{ reduce: "maximum", value: a }, { reduce: "sum", value: a.sub(largest).exp().mul(c.abs()) }],
      [{ per: "element", value: a.sub(largest).exp().div(argument(4)) }, { per: "row", value: b.add(argument(4)) }],
    );
    return { kernel, sizes: [rows * n, rows, rows * n, rows, n], parameters: [rows, n, n, 1, 0] };
  },
  "columns, one block": (r) => {
    const [n, inner] = [r.integer(300, 1000), r.integer(200, 1000)];
    return { kernel: kernels.columns("sum"), sizes: [inner, n * inner], parameters: [1, n, inner] };
  },
  "columns, several blocks": (r) => {
    const [outer, n, inner] = [r.integer(4, 20), r.integer(200, 400), r.integer(110, 200)];
    return { kernel: kernels.columns("maximum"), sizes: [outer * inner, outer * n * inner], parameters: [outer, n, inner] };
  },
  "scan of one block": (r) => {
    const [n, inner] = [r.integer(50, 100), r.integer(200, 1000)];
    return { kernel: kernels.scan("sum", true, true), sizes: [n * inner, n * inner, n * inner], parameters: [1, n, inner] };
  },
  "scan of rows, in place": (r) => {
    const [outer, n] = [r.integer(40, 300), r.integer(300, 500)];
    return { kernel: kernels.scan("product"), sizes: [outer * n, outer * n], parameters: [outer, n, 1], same: [0, 1] };
  },
  copy: (r) => {
    const [x, y, z] = [r.integer(20, 50), r.integer(20, 50), r.integer(40, 60)];
    // [x, y, z] becomes [z, x, y].
    return { kernel: kernels.copy, sizes: [x * y * z, x * y * z], parameters: [3, y, 1, z, x, y, y * z, z, x * y, 1] };
  },
  "copy of one axis": (r) => {
    const n = r.integer(60_000, 90_000);
    return { kernel: kernels.copy, sizes: [n, 3 * n], parameters: [1, n, 1, 3] };
  },
  random: (r) => {
    const n = r.integer(9000, 20_000);
    return { kernel: kernels.random, sizes: [n, 8], parameters: [n] };
  },
  "product of many rows": (r) => product(r, r.integer(400, 900), r.integer(5, 300)),
  "product of many columns": (r) => product(r, r.integer(1, 200), r.integer(400, 900)),
  "product of one column": (r) => product(r, r.integer(2000, 4000), 1),
  "product of small matrices": (r) => product(r, r.integer(10, 60), r.integer(10, 60), [1, r.integer(8, 30)]),
  "product of small matrices, two levels": (r) => product(r, r.integer(10, 60), r.integer(10, 60), [r.integer(2, 8), r.integer(2, 8)]),
};

function product(r: Numbers, m: number, n: number, [count0, count1] = [1, 1]): Launch {
  const work = m * n * count0 * count1;
  const k = r.integer(Math.ceil(3e5 / work), Math.ceil(1.5e6 / work));
  const mode = r.integer(0, 3);
  const total = count0 * count1 * m * n;
  const stridesA = r.number() < 0.5 ? [k, 1] : [1, m];
  const stridesB = r.number() < 0.5 ? [n, 1] : [1, k];
  return {
    kernel: kernels.product,
    sizes: [total, count0 * count1 * m * k, count0 * count1 * k * n, mode === 1 ? total : n],
    parameters: [m, n, k, ...stridesA, ...stridesB, mode, count0, count1 * m * k, count1 * k * n, count1, m * k, k * n],
    ...(mode === 1 && r.number() < 0.5 ? { same: [3, 0] as [number, number] } : {}),
  };
}

function fill({ data }: { data: Float32Array }, launch: Launch, r: Numbers): void {
  for (let i = 0; i < data.length; i++) data[i] = r.number() - 0.5;
  if (launch.kernel.kind !== "random") return;
  const bits = data.length - room(8);
  for (let i = 0; i < 8; i++) data[bits + i] = i === 4 ? 65530 : i === 5 ? 65535 : r.integer(0, 65536); // the counter's low word will overflow
}

/** All of the arena after a run. */
function run(device: WasmDevice | ReferenceDevice, program: Program, data: Float32Array): ArrayLike<number> {
  const executable = device.prepare(program);
  const result = device.readRegion(device.run(executable, new Float64Array(0), [data], []) as never, 0, program.arena);
  device.endStep();
  executable.release();
  return result;
}

const bits = (values: ArrayLike<number>): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

/** The first element whose bits differ, or −1. */
const difference = (x: Uint32Array, y: Uint32Array): number => x.findIndex((value, i) => value !== y[i]);

const flavours = hasRelaxedSimd() ? [false, true] : [false];

/** Is a kind cut? One that is has a launch above. */
const isCut: Record<kernels.Kind, boolean> = {
  map: true, row: true, columns: true, product: true, copy: true, scan: true, random: true, gather: false, scatterAdd: false, host: false,
};

it("tries a launch of every kind that is cut", () => {
  const tried = new Set(Object.values(kinds).map((make) => make(randomNumbers(1)).kernel.kind));
  expect([...tried].sort()).toEqual(Object.entries(isCut).flatMap(([kind, cut]) => (cut ? [kind] : [])).sort());
});

describe.each(flavours)("launches in parts (fused: %s)", (fused) => {
  const device = new WasmDevice({ fused });
  const alone = new WasmDevice({ fused, shared: false });
  const reference = new ReferenceDevice();

  beforeAll(async () => {
    threadsOf(device.team, 4);
    const r = randomNumbers(1);
    const launch = kinds.row(r);
    run(device, programOf(launch).program, programOf(launch).data);
    await allStarted(device);
  });
  afterAll(() => { for (const thread of inside(device).team.threads) void thread.terminate(); });

  it.each(Object.keys(kinds))("%s: the same bits on 1, 2, 3 and 4 threads, and without shared memory", (name) => {
    const r = randomNumbers(7);
    for (let trial = 0; trial < 4; trial++) {
      const launch = kinds[name](r);
      const made = programOf(launch);
      const { program, data, offsets } = made;
      const parameters = 2 + 2 * launch.sizes.length;
      expect(cutOf(launch.kernel, program.words, parameters), JSON.stringify(launch)).not.toBeNull();
      fill(made, launch, r);
      threadsOf(device.team, 1);
      const expected = bits(run(device, program, data));
      for (const count of [2, 3, 4, 2]) {
        threadsOf(device.team, count);
        for (let again = 0; again < 3; again++) expect(difference(bits(run(device, program, data)), expected)).toBe(-1);
      }
      expect(difference(bits(run(alone, program, data)), expected)).toBe(-1);

      // It is also right, and nothing else has changed.
      const right = run(reference, program, data);
      const values = new Float32Array(expected.buffer);
      const padding = new Set(offsets.flatMap((offset, k) => {
        const size = launch.sizes[k];
        return Array.from({ length: divided(size) - size }, (_, i) => offset + size + i);
      }));
      const k = launch.kernel.kind === "product" ? launch.parameters[2] : 600;
      for (let i = 0; i < values.length; i++) {
        // A rounding for each of k terms of at most 1, or for functions accurate to some units in the last place.
        if (!padding.has(i) && Math.abs(values[i] - right[i]) > k * 2 ** -23 * Math.max(1, Math.abs(right[i]))) {
          expect.fail(`element ${i} is ${values[i]}, not ${right[i]}: ${JSON.stringify(launch)}`);
        }
      }
    }
  });

  it("workers take parts", async () => {
    const heap = inside(device).heap;
    const { allocate } = heap;
    const scratches: number[] = [];
    const other = new WasmDevice({ fused });
    const otherHeap = inside(other).heap;
    otherHeap.allocate = (bytes) => {
      const address = allocate.call(otherHeap, bytes);
      if (bytes === scratchBytes) scratches.push(address);
      return address;
    };
    threadsOf(other.team, 2);
    // A map spreads a number over a vector of the thread's own scratch memory.
    const n = 200_000;
    const made = programOf({ kernel: kernels.map(2, a.mul(b).tanh()), sizes: [n, n, 1], parameters: [n, 1, 0, 0] });
    made.data.fill(0.25);
    run(other, made.program, made.data);
    await allStarted(other);
    expect(scratches).toHaveLength(1);
    const seen = (): boolean => inside(other).heap.f32.subarray(scratches[0] / 4, scratches[0] / 4 + 16).includes(0.25);
    for (let i = 0; i < 2000 && !seen(); i++) run(other, made.program, made.data);
    expect(seen()).toBe(true);
    await inside(other).team.threads[0].terminate();
  });

  it("thousands of launches in a row, with and without pauses, while the memory grows", async () => {
    const r = randomNumbers(3);
    const launch = kinds["map in place"](r);
    const made = programOf(launch);
    fill(made, launch, r);
    threadsOf(device.team, 1);
    const expected = bits(run(device, made.program, made.data));
    threadsOf(device.team, 3);
    const executable = device.prepare(made.program);
    const grown: ReturnType<WasmDevice["allocate"]>[] = [];
    const before = inside(device).heap.i32.length;
    for (let i = 0; i < 4000; i++) {
      const region = device.run(executable, new Float64Array(0), [made.data], []);
      if (i % 50 === 0) expect(difference(bits(device.readRegion(region, 0, made.program.arena)), expected)).toBe(-1);
      device.endStep();
      if (i % 500 === 0) grown.push(device.allocate(2 ** 20, "inputs"));
      if (i % 500 === 250) await pause(2);
      // A kernel that the workers have not seen, in memory that was not there when they started.
      if (i % 500 === 400) {
        const fresh = programOf({ kernel: kernels.map(1, a.mul(i + 0.5).exp()), sizes: [50_000, 50_000], parameters: [50_000, 1, 0] });
        fresh.data.fill(-0.001);
        const result = run(device, fresh.program, fresh.data);
        for (let k = 0; k < 50_000; k++) if (result[k] !== result[0]) expect.fail(`element ${k} is ${result[k]}`);
        expect(result[0]).toBeCloseTo(Math.exp(Math.fround(-0.001) * (i + 0.5)), 5);
      }
    }
    expect(inside(device).heap.i32.length).toBeGreaterThan(before);
    for (const buffer of grown) buffer.free();
  }, 60_000);
});

describe("cuts", () => {
  it("cover all of a launch, once", () => {
    const r = randomNumbers(5);
    for (const make of Object.values(kinds)) {
      const launch = make(r);
      const { kernel } = launch;
      const cut = cutOf(kernel, programOf(launch).program.words, 2 + 2 * launch.sizes.length);
      if (cut === null) expect.fail(`no cut of ${JSON.stringify(launch)}`);
      expect(cut.size).toBe(launch.parameters[cut.parameter]);
      expect(partStart(cut, 0)).toBe(0);
      expect(partStart(cut, cut.parts)).toBe(cut.size);
      for (let i = 1; i < cut.parts; i++) {
        expect(partStart(cut, i) % cut.grain).toBe(0);
        expect(partStart(cut, i)).toBeGreaterThan(partStart(cut, i - 1));
      }
      expect(partStart(cut, cut.parts - 1)).toBeLessThan(cut.size);
    }
  });

  it("are not made of small launches, nor of those that refuse data or add to the same elements", () => {
    const small = programOf({ kernel: kernels.map(1, a.mul(2)), sizes: [1000, 1000], parameters: [1000, 1, 0] });
    expect(cutOf(kernels.map(1, a.mul(2)), small.program.words, 6)).toBeNull();
    for (const kernel of [kernels.gather, kernels.scatterAdd]) {
      const { program } = programOf({ kernel, sizes: [10, 10, 10], parameters: [1, 100_000, 1000, 10] });
      expect(cutOf(kernel, program.words, 8)).toBeNull();
    }
  });
});

describe("a worker that dies", () => {
  const n = 100_000;
  const made = programOf({ kernel: kernels.map(1, a.exp().tanh()), sizes: [n, n], parameters: [n, 1, 0] });
  made.data.fill(0.5);
  const result = Math.tanh(Math.exp(0.5));

  async function start(count: number): Promise<WasmDevice> {
    const device = new WasmDevice();
    threadsOf(device.team, count);
    run(device, made.program, made.data);
    await allStarted(device);
    return device;
  }
  const works = (device: WasmDevice): void => expect(run(device, made.program, made.data)[n - 1]).toBeCloseTo(result, 6);

  it("while it sleeps leaves one thread", async () => {
    const device = await start(3);
    await inside(device).team.threads[1].terminate();
    expect(threadsOf(device.team)).toEqual({ count: 1, limit: 1, why: "A worker has ended: it was stopped." });
    works(device);
    expect(threadsOf(device.team, 2).count).toBe(1);
    works(device);
  });

  it("at any moment gives an error or the right result, never a hang", async () => {
    for (let delay = 0; delay < 8; delay++) {
      const device = await start(2);
      inside(device).team.patience = 1;
      const ended = inside(device).team.threads[0].terminate();
      const end = performance.now() + 10 * delay;
      const begin = performance.now();
      try {
        do works(device); while (performance.now() < end);
      } catch (error) {
        expect(error).toBeInstanceOf(FlimsyError);
      }
      expect(performance.now() - begin).toBeLessThan(5000);
      await ended;
      expect(threadsOf(device.team).count).toBe(1);
      works(device);
    }
  });

  it("in the middle of a part gives an error, then one thread", async () => {
    const device = await start(2);
    inside(device).team.patience = 1;
    Atomics.add(inside(device).heap.i32, control.active / 4, 1); // what a worker that is no more has left
    expect(() => run(device, made.program, made.data)).toThrow(/worker thread died.*one thread/s);
    device.endStep();
    expect(threadsOf(device.team)).toMatchObject({ count: 1, limit: 1, why: expect.stringContaining("died") });
    works(device);
  });

  it("is not one that is slow, however often the caller is woken before it has ended", async () => {
    const device = await start(2);
    const { i32 } = inside(device).heap;
    // Another thread stands for a worker that is active for 200 ms and in that time wakes the caller hundreds of times, as one that copies modules does.
    const slow = new Worker(`
      const { i32, at } = require("node:worker_threads").workerData;
      Atomics.add(i32, at, 1);
      for (const end = performance.now() + 200; performance.now() < end; ) Atomics.wait(i32, at, -1), Atomics.notify(i32, at);
      Atomics.sub(i32, at, 1);
      Atomics.notify(i32, at);
    `, { eval: true, workerData: { i32, at: control.active / 4 } });
    while (Atomics.load(i32, control.active / 4) === 0);
    works(device);
    expect(threadsOf(device.team).count).toBe(2);
    await slow.terminate();
  });

  it("by an exception gives an error at once", async () => {
    const device = await start(2);
    const { i32 } = inside(device).heap;
    // A part whose kernel does not exist.
    const record = inside(device).heap.allocate(64) / 4;
    i32.set([0, 40, 1, 1, 24, 40, 1_000_000, 16], record);
    i32[control.ticket / 4 + 1] = record * 4;
    Atomics.store(i32, control.ticket / 4, 1);
    Atomics.notify(i32, control.ticket / 4);
    const begin = performance.now();
    while (Atomics.load(i32, control.failed / 4) === 0 && performance.now() < begin + 5000);
    expect(() => run(device, made.program, made.data)).toThrow(FlimsyError);
    expect(performance.now() - begin).toBeLessThan(4000);
    device.endStep();
    works(device);
    await pause(20);
    expect(threadsOf(device.team).count).toBe(1);
  });
});

describe("threads", () => {
  it("start with the first large launch, not before", () => {
    const device = new WasmDevice();
    threadsOf(device.team, 2);
    run(device, ...smallRun());
    expect(threadsOf(device.team)).toEqual({ count: 1, limit: 2, why: "Workers start with the first launch that is large enough." });
    expect(inside(device).team.threads).toHaveLength(0);
  });

  it("are at most as many as asked for", () => {
    const device = new WasmDevice();
    expect(threadsOf(device.team, 1)).toEqual({ count: 1, limit: 1, why: "threads(1) has been called." });
    for (const bad of [0, -1, 1.5, NaN, 65, "2" as unknown as number]) expect(() => threadsOf(device.team, bad)).toThrow(ValueError);
    expect(threadsOf(new WasmDevice({ shared: false }).team)).toMatchObject({ count: 1, limit: 1, why: expect.stringContaining("share") });
  });

  it("survive an error of the caller's own part", async () => {
    const device = new WasmDevice();
    threadsOf(device.team, 2);
    const n = 40_000;
    const made = programOf({ kernel: kernels.map(1, a.exp().tanh()), sizes: [n, n], parameters: [n, 1, 0] });
    run(device, made.program, made.data);
    await allStarted(device);
    // Recursion until the stack ends somewhere in a step, perhaps in a part.
    let attempts = 0;
    let failures = 0;
    const executable = device.prepare(made.program);
    const deep = (): void => {
      try {
        deep();
      } catch {
        // the stack has ended
      }
      if (attempts++ >= 2000) return;
      try {
        device.run(executable, new Float64Array(0), [made.data], []);
      } catch {
        failures++;
      }
    };
    deep();
    device.endStep();
    expect(failures).toBeGreaterThan(0);
    expect(failures).toBeLessThan(2000);
    for (let i = 0; i < 50; i++) expect(run(device, made.program, made.data)[n - 1]).toBeCloseTo(Math.tanh(1), 6);
    await inside(device).team.threads[0].terminate();
  });
});

function smallRun(): [Program, Float32Array] {
  const { program, data } = programOf({ kernel: kernels.map(1, a.mul(2)), sizes: [100, 100], parameters: [100, 1, 0] });
  return [program, data];
}

describe("kernels that begin anew", () => {
  it("do so in all threads, also while some are starting or asleep", async () => {
    const device = new WasmDevice();
    threadsOf(device.team, 3);
    const alone = new WasmDevice({ shared: false });
    const { team, heap } = inside(device);
    const { allocate } = team;
    const scratch: number[] = [];
    team.allocate = (bytes) => {
      const address = allocate(bytes);
      if (bytes === scratchBytes) scratch.push(address);
      return address;
    };
    /** Runs products until every worker has had a part: it leaves numbers in its own memory. */
    const allTakePart = (): void => {
      const launch = product(randomNumbers(3), 600, 100);
      const made = programOf(launch);
      fill(made, launch, randomNumbers(4));
      const words = scratch.map((address) => heap.i32.subarray(address / 4, (address + scratchBytes) / 4));
      for (const each of words) each.fill(0);
      for (let i = 0; !words.every((each) => each.some((word) => word !== 0)); i++) {
        expect(i).toBeLessThan(5000);
        run(device, made.program, made.data);
      }
    };
    for (let generation = 0; generation < 6; generation++) {
      for (let round = 0; round < 8; round++) {
        const n = 40_000;
        // Kernels that have not been there before, at the same places in the table as others were.
        const launch: Launch = { kernel: kernels.map(2, a.mul(0.9 + generation).add(b.mul(round)).exp()), sizes: [n, n, n], parameters: [n, 1, 1, 0] };
        const made = programOf(launch);
        fill(made, launch, randomNumbers(generation * 8 + round));
        const expected = bits(run(alone, made.program, made.data));
        for (let i = 0; i < 10; i++) expect(difference(expected, bits(run(device, made.program, made.data)))).toBe(-1);
        if (round === 4 && generation === 1) await allStarted(device);
        if (round === 4 && generation === 3) await pause(100); // they sleep
        if (round === 7 && generation > 1) allTakePart();
      }
      while (kernels.kernelCount() < kernels.MAX_KERNELS) void kernels.map(1, a.mul(kernels.kernelCount() + generation / 8)).id;
      kernels.limitKernels();
    }
    expect(threadsOf(device.team)).toEqual({ count: 3, limit: 3, why: "" });
    // In memory are the modules of the last generation alone: the runner, eight maps, the product.
    expect(team.chain.length).toBe(10);
    for (const thread of inside(device).team.threads) void thread.terminate();
  });
});
