import { describe, expect, it } from "vitest";
import { StackRnn } from "../../src/components/index.ts";
import { evaluate, input, ShapeError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, matrix, plus, probe, randomize, softmax, times, vector, σ } from "./plain.ts";

const xs = draw([5, 2]);

describe.each([{}, { stacks: 2, depth: 3, width: 2, visible: 1 }, { stacks: 2, depth: 2, keep: false }])("StackRnn %j", (options) => {
  const rnn = randomize(new StackRnn({ inputs: 2, outputs: 3, depth: 4, ...options }), 1, 1);
  const { stacks, depth, width, visible, keep } = rnn;

  it("computes its equations", () => {
    let h = vector(rnn.h0);
    let s = Array.from({ length: stacks }, () => Array.from({ length: depth }, () => new Array<number>(width).fill(-1)));
    const states = matrix(xs).map((x) => {
      const top = s.flatMap((entries) => entries.slice(0, visible).flat());
      h = plus(times(matrix(rnn.w), x), times(matrix(rnn.u), h), times(matrix(rnn.p), top), vector(rnn.b)).map(σ);
      const scores = times(matrix(rnn.aw), h);
      const pushed = times(matrix(rnn.d), h).map(σ);
      const n = keep ? 3 : 2;
      s = s.map((entries, k) => {
        const [push, pop, stay = 0] = softmax(scores.slice(k * n, (k + 1) * n));
        return entries.map((entry, i) => entry.map((value, j) =>
          push * (i === 0 ? pushed[k * width + j] : entries[i - 1][j]) + pop * (entries[i + 1]?.[j] ?? -1) + stay * value));
      });
      return [h, s] as const;
    });
    expectValue(() => rnn.unfold(xs), states.map(([shown]) => shown));
    expectValue(() => rnn.states(xs)[4][1], states[4][1]);
  });

  it("has right gradients", () => {
    expectGradients(() => probe(rnn.unfold(xs), rnn.states(xs)[4][1]), rnn, { maxEntries: 12 });
    expectGradients(() => probe(rnn.unfold(draw([2, 3, 2]))), rnn, { maxEntries: 6 });
  });
});

describe("StackRnn", () => {
  it("pushes and pops as it is told", () => {
    const rnn = new StackRnn({ inputs: 1, outputs: 1, depth: 3, visible: 1, keep: false });
    for (const p of rnn.parameters()) p.assign(p.mul(0));
    rnn.w.assign([[100]]); // h is 1 for x = 1, 0 for x = −1
    rnn.aw.assign([[200], [0]]);
    const stackAfter = (...x: number[]): unknown => evaluate(() => rnn.states(input(x.map((value) => [value]))).at(-1)?.[1]?.reshape([3]))?.toArray();
    // Push with certainty at h = 1; σ(d·h) is ½, and −1 stands for nothing.
    expectClose(stackAfter(1) as number[], [0.5, -1, -1]);
    expectClose(stackAfter(1, 1) as number[], [0.5, 0.5, -1]);
    rnn.b.assign([100]);
    rnn.w.assign([[0]]);
    rnn.aw.assign([[0], [200]]); // now always pop
    expectClose(stackAfter(1, 1) as number[], [-1, -1, -1]);
  });

  it("refuses what does not fit", () => {
    const rnn = new StackRnn({ inputs: 2, outputs: 3 });
    expect(() => rnn.step(draw([2]), [rnn.h0, draw([1, 2, 1])]))
      .toThrow(new ShapeError("StackRnn got state[1] (stacks) of shape [1, 2, 1], but it must be [1, 16, 1]."));
    expect(() => rnn.step(draw([2]), [draw([2]), draw([1, 16, 1])])).toThrow("StackRnn got state[0] (h) of shape [2]");
    expect(() => new StackRnn({ inputs: 2, outputs: 3, depth: 2, visible: 3 }))
      .toThrow("StackRnn takes an integer of at least 3 as depth (which must not be less than visible), but got 2.");
  });
});
