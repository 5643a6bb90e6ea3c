import { describe, expect, it } from "vitest";
import { Bidirectional, Embedding, GatedRecurrent, Lstm, Recurrent, Stacked } from "../../src/components/index.ts";
import { evaluate, seed, ShapeError, ValueError, type Variable, zeros } from "../../src/index.ts";
import { draw, expectClose, expectGradients, probe, randomize } from "./plain.ts";

/** One of one's own, which says nothing of how it was made. */
class Plain extends Recurrent<Variable> {
  readonly inputs = 2;
  readonly outputs = 2;
  initialState() { return zeros([2]); }
  step(x: Variable, h = this.initialState()) { return x.add(h); }
}

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

  it("builds what reads backward by the options of what reads forward", () => {
    seed(1);
    const once = new Bidirectional({ forward: new Lstm({ inputs: 2, outputs: 3, normed: true }) });
    seed(1);
    const spelt =
      new Bidirectional({ forward: new Lstm({ inputs: 2, outputs: 3, normed: true }), backward: new Lstm({ inputs: 2, outputs: 3, normed: true }) });
    expect(once.options.backward).toBeInstanceOf(Lstm);
    expect((once.backward as Lstm).options).toEqual({ inputs: 2, outputs: 3, normed: true });
    expect(once.parameters().map((p) => p.toArray())).toEqual(spelt.parameters().map((p) => p.toArray()));
    expect((once.forward as Lstm).wi.toArray()).not.toEqual((once.backward as Lstm).wi.toArray());
    // Nothing is shared, in stacks neither.
    const stacked = new Bidirectional(
      { forward: new Stacked({ layers: [new Lstm({ inputs: 2, outputs: 3 }), new GatedRecurrent({ inputs: 3, outputs: 2 })], dropout: 0.5 }) },
    );
    expect(stacked.parameters()).toHaveLength(2 * stacked.forward.parameters().length);
    expect((stacked.backward as Stacked).options).toMatchObject({ dropout: 0.5, layers: [{ outputs: 3 }, { outputs: 2 }] });
  });

  it("has right gradients", () => expectGradients(() => probe(birnn.unfold(xs)), birnn));

  it("refuses what does not fit", () => {
    expect(() => new Bidirectional({ forward, backward: new Lstm({ inputs: 3, outputs: 2 }) })).toThrow(
      new ShapeError("Bidirectional got forward with 2 inputs and backward with 3 inputs: both read the same sequence, so both must have the same inputs."));
    expect(() => new Bidirectional({ forward, backward: new Embedding({ inputs: 2, outputs: 2 }) as never })).toThrow(ValueError);
    expect(() => new Bidirectional({ forward, backward: 3 } as never))
      .toThrow("Bidirectional takes a recurrent component as backward, such as an Lstm, but got 3.");
    expect(() => new Bidirectional({} as never)).toThrow("Bidirectional takes a recurrent component as forward, such as an Lstm, but got undefined.");
    expect(() => new Bidirectional({ forward: new Plain() }))
      .toThrow("Bidirectional cannot build another Plain, which has no options. Give it one as backward, too.");
    expect(() => birnn.unfold(xs, forward.h0 as never)).toThrow("Bidirectional takes a list [forward, backward] as state");
  });
});
