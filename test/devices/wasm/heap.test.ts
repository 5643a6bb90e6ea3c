import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Program } from "../../../src/devices/device.ts";
import { Heap } from "../../../src/devices/wasm/heap.ts";
import { WasmDevice } from "../../../src/devices/wasm/wasm.ts";
import { MemoryError } from "../../../src/support/errors.ts";

const GiB = 2 ** 30;

describe("the heap", () => {
  it("gives blocks that are aligned, apart from each other and within the memory, and takes them back", () => {
    const commands = fc.array(fc.tuple(fc.boolean(), fc.oneof(fc.nat(500), fc.nat(200_000)), fc.nat()), { minLength: 1, maxLength: 80 });
    fc.assert(fc.property(commands, (list) => {
      const heap = new Heap(1000);
      const live: { start: number; bytes: number; mark: number }[] = [];
      list.forEach(([isNew, bytes, choice], i) => {
        if (isNew || live.length === 0) {
          const start = heap.allocate(bytes);
          expect(start % 64).toBe(0);
          expect(start).toBeGreaterThanOrEqual(1000);
          expect(start + Heap.blockSize(bytes)).toBeLessThanOrEqual(heap.memory.buffer.byteLength);
          const end = start + Heap.blockSize(bytes);
          for (const other of live) expect(end <= other.start || start >= other.start + Heap.blockSize(other.bytes)).toBe(true);
          heap.f32.fill(i, start / 4, end / 4);
          live.push({ start, bytes, mark: i });
        } else {
          const [gone] = live.splice(choice % live.length, 1);
          const part = heap.f32.subarray(gone.start / 4, (gone.start + gone.bytes) / 4);
          expect(part.every((x) => x === gone.mark)).toBe(true);
          heap.free(gone.start, gone.bytes);
        }
      });
      // All joined again: the next block lies where the first one lay.
      for (const { start, bytes } of live) heap.free(start, bytes);
      expect(heap.allocate(10)).toBe(1024);
    }), { numRuns: 200 });
  });

  it("uses what has been freed, and grows only for what does not fit", () => {
    const heap = new Heap(0);
    const blocks = Array.from({ length: 100 }, () => heap.allocate(100_000));
    const size = heap.memory.buffer.byteLength;
    for (let round = 0; round < 50; round++) {
      for (let i = round % 2; i < 100; i += 2) heap.free(blocks[i], 100_000);
      for (let i = round % 2; i < 100; i += 2) blocks[i] = heap.allocate(100_000);
      expect(heap.memory.buffer.byteLength).toBe(size);
    }
    expect(new Set(blocks).size).toBe(100);
  });

  it("splits and joins free blocks", () => {
    const heap = new Heap(0);
    const [a, b, c, d] = [1000, 2000, 3000, 4000].map((bytes) => heap.allocate(bytes));
    heap.free(a, 1000);
    heap.free(c, 3000);
    heap.free(b, 2000);
    expect(heap.allocate(6000)).toBe(a);
    heap.free(d, 4000);
    heap.free(a, 6000);
    expect(heap.allocate(50_000)).toBe(a);
  });

  it("keeps its views on the memory when that grows", () => {
    const heap = new Heap(0);
    const start = heap.allocate(64);
    heap.f32[start / 4] = 7;
    heap.allocate(10_000_000);
    expect(heap.f32.buffer).toBe(heap.memory.buffer);
    expect(heap.i32.buffer).toBe(heap.memory.buffer);
    expect(heap.f32[start / 4]).toBe(7);
  });

  it("reaches to 4 GiB, and refuses what lies beyond", () => {
    const heap = new Heap(0);
    const blocks = Array.from({ length: 3 }, () => heap.allocate(GiB));
    expect(heap.allocate(GiB)).toBe(-1);
    const rest = heap.allocate(GiB - 1000);
    expect(rest).toBeGreaterThan(2 ** 31);
    expect(heap.allocate(10_000)).toBe(-1);
    heap.free(blocks[1], GiB);
    expect(heap.allocate(GiB)).toBe(blocks[1]);
    heap.free(rest, GiB - 1000);
    expect(heap.allocate(GiB / 2)).toBe(rest);
  });

  it("refuses sizes of 4 GiB and more, whatever their lower 32 bits are", () => {
    const heap = new Heap(100);
    heap.free(heap.allocate(1000), 1000);
    for (const bytes of [4 * GiB, 4 * GiB - 16, 4 * GiB - 64, 4 * GiB + 100, 8 * GiB, 100 * GiB, 2 ** 50]) expect(heap.allocate(bytes)).toBe(-1);
    expect(heap.allocate(1000)).toBe(128);
  });
});

describe("a heap with few pages", () => {
  it("reaches to the last of them", () => {
    const heap = new Heap(1000, false, 4);
    expect(heap.limit).toBe(4 * 65536);
    const blocks = [heap.allocate(100_000), heap.allocate(100_000)];
    expect(heap.allocate(100_000)).toBe(-1);
    heap.free(blocks[0], 100_000);
    expect(heap.allocate(100_000)).toBe(blocks[0]);
    expect(heap.memory.buffer.byteLength).toBe(4 * 65536);
  });
});

describe("the arena of the wasm device", () => {
  const program = (arena: number): Program => ({
    words: new Int32Array(0), launches: 0, arena, scalars: new Int32Array(0), hosts: new Int32Array(0), functions: [], buffers: 0,
    strands: new Int32Array(0), checks: null,
  });
  const run = (device: WasmDevice, bytes: number): number => device.run(device.prepare(program(bytes / 4)), new Float64Array(0), [], []);

  it("gives each run of a step its own part, and the next step all of it", () => {
    const device = new WasmDevice();
    const sizes = [1000, 200_000, 64, 1_000_000, 64];
    const regions = sizes.map((bytes) => run(device, bytes));
    sizes.forEach((bytes, i) => {
      regions.forEach((other, k) => { if (k !== i) expect(other + sizes[k] <= regions[i] || other >= regions[i] + bytes).toBe(true); });
    });
    device.endStep();
    const { arena } = device.memory();
    for (let step = 0; step < 5; step++) {
      const again = sizes.map((bytes) => run(device, bytes));
      expect(Math.max(...again) - Math.min(...again)).toBeLessThan(2_000_000);
      device.endStep();
      expect(device.memory().arena).toBe(arena);
    }
  });

  it("takes a small part where there is no room for a generous one", () => {
    const device = new WasmDevice();
    run(device, 1.5 * GiB);
    run(device, 1.4 * GiB);
    run(device, 0.9 * GiB); // as much again as all so far is not there
    expect(() => run(device, GiB)).toThrow(MemoryError);
    device.endStep();
    run(device, 1.4 * GiB);
    device.endStep();
    expect(() => run(device, 4 * GiB)).toThrow(MemoryError);
    device.endStep();
    run(device, 1000);
  });

  it("ends a step also where its parts cannot be joined", () => {
    const device = new WasmDevice();
    run(device, 1.5 * GiB);
    const between = device.allocate(1000, "parameters");
    run(device, 1.5 * GiB);
    device.endStep();
    run(device, 1000);
    device.endStep();
    expect(device.read(between).every((x) => x === 0)).toBe(true);
  });

  it("counts long-lived memory once, and frees it once", () => {
    const device = new WasmDevice();
    const buffer = device.allocate(1000, "parameters");
    const { parameters } = device.memory();
    expect(parameters).toBeGreaterThanOrEqual(4000);
    buffer.free();
    buffer.free();
    expect(device.memory().parameters).toBe(0);
    expect(device.allocate(1000, "inputs").size).toBe(1000);
  });
});
