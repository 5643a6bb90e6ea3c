import { describe, expect, it } from "vitest";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { addCollect, Runs } from "../../src/plan/collect.ts";
import { makePlan } from "../../src/plan/planner.ts";
import type { Shape } from "../../src/support/shape.ts";
import { Builder, launches, run } from "./build.ts";

const runs = (...list: (readonly [source: number, start: number, length: number])[]): Runs => {
  const made = new Runs();
  for (const [source, start, length] of list) made.add(source, start, length);
  return made;
};

describe("runs", () => {
  it("are joined where one goes on where the last ended", () => {
    expect([...runs([3, 0, 2], [3, 2, 2], [3, 5, 1], [4, 6, 1], [-1, 0, 2], [-1, 0, 3], [4, 7, 1]).words.toArray()])
      .toEqual([3, 0, 4, 3, 5, 1, 4, 6, 1, -1, 0, 5, 4, 7, 1]);
  });

  it("begin anew when cleared", () => {
    const made = runs([3, 0, 2]);
    made.clear();
    made.add(3, 2, 2);
    expect([...made.words.toArray()]).toEqual([3, 2, 2]);
  });

  it("name each source once", () => {
    const { sources, table } = runs([7, 0, 1], [5, 0, 1], [7, 4, 1], [-1, 0, 9]).table();
    expect(sources).toEqual([7, 5]);
    expect([...table]).toEqual([0, 0, 1, 1, 0, 1, 0, 4, 1, -1, 0, 9]);
  });
});

describe.each([["reference", new ReferenceDevice()], ["wasm", new WasmDevice()]] as const)("collecting on %s", (_, device) => {
  const collected = (shape: Shape, ...list: (readonly [source: number, start: number, length: number])[]) => {
    const builder = new Builder();
    const x = builder.array([8], [0, 1, 2, 3, 4, 5, 6, 7]);
    const y = builder.map("neg", builder.array([4], [10, 11, 12, 13]));
    const node = addCollect(builder.trace, shape, runs(...list.map(([source, start, length]) => [[x, y][source] ?? -1, start, length] as const)));
    const result = builder.map("add", node, builder.number(100));
    const plan = makePlan(builder.trace, [{ node: result, target: null }], { fuse: false });
    const length = shape.reduce((a, b) => a * b, 1);
    return { values: [...run(device, builder, plan, [length]).kept[0]], copies: launches(plan).filter((kind) => kind === "copy").length };
  };

  it("puts runs of several arrays one after another, zeros between them", () => {
    expect(collected([2, 4], [0, 6, 2], [-1, 0, 1], [1, 1, 3], [0, 0, 1], [-1, 0, 1]).values).toEqual([106, 107, 100, 89, 88, 87, 100, 100]);
  });

  it("takes the same elements more than once", () => {
    expect(collected([6], [0, 2, 2], [0, 2, 2], [0, 1, 2]).values).toEqual([102, 103, 102, 103, 101, 102]);
  });

  it("copies nothing where the runs lie one after another already", () => {
    const { values, copies } = collected([5], [0, 2, 2], [0, 4, 3]);
    expect(values).toEqual([102, 103, 104, 105, 106]);
    expect(copies).toBe(0);
    expect(collected([5], [0, 2, 2], [0, 5, 3]).copies).toBe(2);
  });

  it("can be of nothing but zeros", () => {
    expect(collected([3], [-1, 0, 3]).values).toEqual([100, 100, 100]);
  });
});
