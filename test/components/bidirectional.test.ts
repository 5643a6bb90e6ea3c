import { describe, expect, it } from "vitest";
import { Bidirectional, Embedding, GatedRecurrent, Lstm } from "../../src/components/index.ts";
import { evaluate, ShapeError, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, probe, randomize } from "./plain.ts";

describe("Bidirectional", () => {
  const forward = new GatedRecurrent({ inputs: 2, outputs: 3 });
  const backward = new Lstm({ inputs: 2, outputs: 2 });
  const birnn = randomize(new Bidirectional({ forward, backward }));
  const xs = draw([4, 2]);

  it("reads in both directions", () => {
    const right = evaluate(() => forward.unfold(xs)).toArray() as number[][];
    const left = (evaluate(() => backward.unfold(xs.flip(0))).toArray() as number[][]).reverse();
    expect(birnn.outputs).toBe(5);
    expectClose(evaluate(() => birnn.unfold(xs)).toArray(), right.map((h, t) => [...h, ...left[t]]));
  });

  it("has right gradients", () => expectGradients(() => probe(birnn.unfold(xs)), birnn));

  it("refuses what does not fit", () => {
    expect(() => new Bidirectional({ forward, backward: new Lstm({ inputs: 3, outputs: 2 }) })).toThrow(
      new ShapeError("Bidirectional got forward with 2 inputs and backward with 3 inputs: both read the same sequence, so both must have the same inputs."));
    expect(() => new Bidirectional({ forward, backward: new Embedding({ inputs: 2, outputs: 2 }) as never })).toThrow(ValueError);
    expect(() => new Bidirectional({ forward } as never)).toThrow("Bidirectional takes a recurrent component as backward, such as an Lstm, but got undefined.");
    expect(() => birnn.unfold(xs, forward.h0 as never)).toThrow("Bidirectional takes a list [forward, backward] as state");
  });
});
