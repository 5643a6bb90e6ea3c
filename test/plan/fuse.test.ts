import { describe, expect, it } from "vitest";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { kernelById, type MapKernel } from "../../src/kernels/kernel.ts";
import { makePlan, type Plan, type Root } from "../../src/plan/planner.ts";
import { Builder, launches, run } from "./build.ts";

const reference = new ReferenceDevice();
const keep = (...nodes: number[]): Root[] => nodes.map((node) => ({ node, target: null }));
const fused = (b: Builder, ...nodes: number[]): Plan => makePlan(b.trace, keep(...nodes), { fuse: true });
const firstKernel = (plan: Plan): MapKernel => kernelById(plan.program.words[0]) as MapKernel;

describe("fusion", () => {
  it("makes one launch of a chain", () => {
    const b = new Builder();
    const x = b.array([100], new Array(100).fill(0.5));
    let y = x;
    for (const name of ["exp", "tanh", "neg", "sigmoid"]) y = b.map(name, y);
    y = b.map("mul", y, x);
    const plan = fused(b, y);
    expect(launches(plan)).toEqual(["map"]);
    expect(firstKernel(plan)).toMatchObject({ inputs: 1, outputs: { length: 1 } });
    expect(run(reference, b, plan, [100]).kept[0][7]).toBeCloseTo(0.5 / (1 + Math.exp(Math.tanh(Math.exp(0.5)))), 12);
    expect(plan.program.arena).toBeLessThanOrEqual(104);
  });

  it("joins branches, with an output for each value that is read elsewhere", () => {
    const b = new Builder();
    const x = b.array([5], [1, 2, 3, 4, 5]);
    const [left, right] = [b.map("mul", x, b.number(2)), b.map("add", x, b.number(1))];
    const both = b.map("mul", left, right);
    const plan = fused(b, both, left);
    expect(launches(plan)).toEqual(["map"]);
    expect(firstKernel(plan).outputs).toHaveLength(2);
    expect(run(reference, b, plan, [5, 5]).kept.map((v) => [...v])).toEqual([[4, 12, 24, 40, 60], [2, 4, 6, 8, 10]]);
  });

  it("computes nothing that is not read", () => {
    const b = new Builder();
    const x = b.array([5], [1, 2, 3, 4, 5]);
    b.map("exp", x);
    const y = b.map("neg", x);
    expect(firstKernel(fused(b, y)).outputs).toHaveLength(1);
  });

  it("joins only what has one shape", () => {
    const b = new Builder();
    const x = b.array([6], [1, 2, 3, 4, 5, 6]);
    const wide = b.apply("mul", [2, 6], [b.array([2, 1], [1, 2]), b.map("exp", x)]);
    expect(launches(fused(b, b.map("neg", wide)))).toEqual(["map", "map"]);
  });

  it("reads no view of what it is about to write", () => {
    const b = new Builder();
    const x = b.array([4], [1, 2, 3, 4]);
    const doubled = b.map("mul", x, b.number(2));
    const turned = b.reshape(b.reshape(doubled, [2, 2]), [4]);
    const plan = fused(b, b.map("add", doubled, turned));
    expect(launches(plan)).toEqual(["map", "map"]);
    expect([...run(reference, b, plan, [4]).kept[0]]).toEqual([4, 8, 12, 16]);
  });

  it("keeps the order of what depends on each other across other launches", () => {
    const b = new Builder();
    const x = b.array([3], [1, 2, 3]);
    const early = b.map("exp", x);
    const total = b.sum(early);
    const late = b.map("mul", early, total);
    const later = b.map("add", b.map("neg", x), late);
    const plan = fused(b, later, early);
    const names = launches(plan);
    expect(names.indexOf("row")).toBeGreaterThan(names.indexOf("map"));
    expect(names.lastIndexOf("map")).toBeGreaterThan(names.indexOf("row"));
    const sum = Math.E + Math.E ** 2 + Math.E ** 3;
    run(reference, b, plan, [3, 3]).kept[0].forEach((v, i) => { expect(v).toBeCloseTo(Math.exp(i + 1) * sum - i - 1, 9); });
  });

  it("is bounded, in members and in operands", () => {
    const b = new Builder();
    const x = b.array([3], [1, 2, 3]);
    let y = x;
    for (let i = 0; i < 60; i++) y = b.map("tanh", y);
    expect(launches(fused(b, y))).toHaveLength(3);
    const many = new Builder();
    const leaves = Array.from({ length: 30 }, (_, i) => many.array([3], [i, i, i]));
    const total = leaves.reduce((sum, leaf) => many.map("add", sum, leaf));
    const plan = fused(many, total);
    expect(launches(plan)).toHaveLength(3);
    expect(firstKernel(plan).inputs).toBeLessThanOrEqual(12);
    expect([...run(reference, many, plan, [3]).kept[0]]).toEqual([435, 435, 435]);
  });

  it("leaves empty arrays alone", () => {
    const b = new Builder();
    const plan = fused(b, b.map("exp", b.map("neg", b.array([0], []))));
    expect(launches(plan)).toEqual([]);
    expect(run(reference, b, plan, [0]).kept[0]).toHaveLength(0);
  });
});
