/** Strands: sequences of launches that may run side by side. In whichever order they run, the numbers are the same. */

import { describe, expect, it } from "vitest";
import type { Device, Program } from "../../src/devices/device.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { makePlan, type Plan } from "../../src/plan/planner.ts";
import { Random } from "../../src/index.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { Builder, run } from "./build.ts";

/** A program with the strands of each group in another order. */
function reordered(program: Program, order: (count: number) => number[]): Program {
  const { strands } = program;
  const words = program.words.slice();
  const moved = strands.slice();
  for (let group = 0; group < strands.length; group += strands[group] + 2) {
    const count = strands[group];
    let to = strands[group + 1];
    order(count).forEach((strand, i) => {
      const part = program.words.subarray(strands[group + 1 + strand], strands[group + 2 + strand]);
      words.set(part, to);
      moved[group + 1 + i] = to;
      to += part.length;
    });
  }
  return { ...program, words, strands: moved };
}

/** All launches by turns: the first of each strand, the second of each, and so on, as threads may run them. */
function interleaved(program: Program): Program {
  const { strands } = program;
  const words = program.words.slice();
  for (let group = 0; group < strands.length; group += strands[group] + 2) {
    const count = strands[group];
    const at = Array.from({ length: count }, (_, i) => strands[group + 1 + i]);
    let to = at[0];
    while (to < strands[group + 1 + count]) {
      for (let i = 0; i < count; i++) {
        if (at[i] === strands[group + 2 + i]) continue;
        const part = program.words.subarray(at[i], at[i] + program.words[at[i] + 1]);
        words.set(part, to);
        at[i] += part.length;
        to += part.length;
      }
    }
  }
  return { ...program, words, strands: new Int32Array(0) };
}

/** Two convolutions with a pool between them, and the gradients by the second kernel and by the pooled images. */
function network(): { builder: Builder; roots: number[] } {
  const builder = new Builder();
  const random = new Random(4);
  const array = (shape: number[]): number => builder.array(shape, random.normalArray(sizeOf(shape)));
  const x = array([41, 2, 24, 22]);
  const [w1, b1, w2] = [array([6, 2, 5, 5]), array([6]), array([16, 6, 3, 3])];
  const h = builder.apply("conv2d", [41, 6, 24, 22], [x, w1, b1], [0, 5, 5, 1, 1, 2, 2, 24, 22]);
  const p = builder.apply("maxPool2d", [41, 6, 12, 11], [h], [2, 2, 2, 2]);
  const y = builder.apply("conv2d", [41, 16, 12, 11], [p, w2], [0, 3, 3, 1, 1, 1, 1, 12, 11]);
  const g = builder.map("tanh", y);
  const dw = builder.apply("conv2d′", [16, 6, 3, 3], [p, g], [0, 3, 3, 1, 1, 1, 1, 12, 11]);
  const dp = builder.apply("conv2d", [41, 6, 12, 11], [g, w2], [1, 3, 3, 1, 1, 1, 1, 12, 11]);
  const dh = builder.apply("maxPool2d′", [41, 6, 24, 22], [h, p, dp], [2, 2, 2, 2]);
  return { builder, roots: [y, dw, dh] };
}

const devices: [string, () => Device][] = [["reference", () => new ReferenceDevice()], ["wasm", () => new WasmDevice()]];

describe("strands", () => {
  it.each(devices)("may run in any order, and by turns: %s", (_, create) => {
    const { builder, roots } = network();
    const plan = makePlan(builder.trace, roots.map((node) => ({ node, target: null })), { fuse: false });
    const { strands } = plan.program;
    const groups: number[] = [];
    for (let group = 0; group < strands.length; group += strands[group] + 2) groups.push(strands[group]);
    expect(groups.length).toBe(6);
    expect(groups.every((count) => count >= 2)).toBe(true);

    const device = create();
    const sizes = roots.map((node) => sizeOf(builder.shape(node)));
    const results = (program: Program): Float64Array[] => run(device, builder, { ...plan, program } as Plan, sizes).kept;
    const expected = results({ ...plan.program, strands: new Int32Array(0) });
    const programs = {
      asItIs: plan.program,
      backwards: reordered(plan.program, (count) => Array.from({ length: count }, (_, i) => count - 1 - i)),
      turned: reordered(plan.program, (count) => Array.from({ length: count }, (_, i) => (i + 1) % count)),
      byTurns: interleaved(plan.program),
    };
    for (const [name, program] of Object.entries(programs)) {
      const differing = results(program).map((values, root) => values.findIndex((value, i) => value !== expected[root][i]));
      expect(differing, name).toEqual(roots.map(() => -1));
    }
  });

  it("stay in order where each launch is looked at", () => {
    const { builder, roots } = network();
    const wanted = roots.map((node) => ({ node, target: null }));
    expect(makePlan(builder.trace, wanted, { fuse: false, checks: true }).program.strands.length).toBe(0);
    expect(makePlan(builder.trace, wanted, { fuse: false, listMembers: true }).program.strands.length).toBe(0);
  });
});
