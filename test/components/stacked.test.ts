import { describe, expect, it } from "vitest";
import { Bidirectional, GatedRecurrent, Lstm, SimpleRecurrent, Stacked } from "../../src/components/index.ts";
import { evaluate, grad, ShapeError, seed, UsageError, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, probe, randomize } from "./plain.ts";

describe("Stacked", () => {
  const layers = [new GatedRecurrent({ inputs: 2, outputs: 3 }), new Lstm({ inputs: 3, outputs: 4 }), new SimpleRecurrent({ inputs: 4, outputs: 2 })] as const;
  const rnn = randomize(new Stacked({ layers }));
  const xs = draw([4, 2]);

  it("feeds each layer with the one below", () => {
    const expected = evaluate(() => layers[2].unfold(layers[1].unfold(layers[0].unfold(xs))));
    expectClose(evaluate(() => rnn.unfold(xs)).toArray(), expected.toArray());
    expect([rnn.inputs, rnn.outputs]).toEqual([2, 2]);
    expect([...rnn.namedParameters().keys()]).toContain("layers.1.uf");
  });

  it("has right gradients", () => {
    expectGradients(() => probe(rnn.unfold(xs)), rnn);
    expectGradients(() => probe(rnn.output(rnn.states(xs)[3])), rnn, { maxEntries: 4 });
  });

  it("drops between layers, in training", () => {
    seed(1);
    const dropping = new Stacked({ layers, dropout: 0.5 });
    expectClose(evaluate(() => dropping.unfold(xs)).toArray(), evaluate(() => rnn.unfold(xs)).toArray());
    const dropped = grad(() => {
      const h = dropping.unfold(xs);
      return { loss: h.sum(), h };
    }).h;
    expect(dropped.toArray()).not.toEqual(evaluate(() => rnn.unfold(xs)).toArray());
    for (const p of rnn.parameters()) p.clearGrad();
    expectGradients(() => probe(dropping.unfold(xs)), dropping, { maxEntries: 4 });
    expectGradients(() => probe(dropping.output(dropping.step(draw([2])))), dropping, { maxEntries: 4 });
  });

  it("takes bidirectional layers, for whole sequences", () => {
    const birnn = new Bidirectional({ forward: new Lstm({ inputs: 2, outputs: 2 }), backward: new Lstm({ inputs: 2, outputs: 2 }) });
    const deep = randomize(
      new Stacked({ layers: [birnn, new Bidirectional({ forward: new Lstm({ inputs: 4, outputs: 1 }), backward: new Lstm({ inputs: 4, outputs: 1 }) })] }),
    );
    expect(deep.unfold(xs).shape).toEqual([4, 2]);
    expectGradients(() => probe(deep.unfold(xs)), deep, { maxEntries: 8 });
    expect(() => deep.step(draw([2]))).toThrow(
      new UsageError("Stacked has a Bidirectional as layers[0], which needs the whole sequence. Use unfold instead of step."),
    );
  });

  it("refuses what does not fit", () => {
    expect(() => new Stacked({ layers: [layers[0], layers[2]] }))
      .toThrow(new ShapeError("Stacked got layers[0] with 3 outputs under layers[1] with 4 inputs: they must be the same."));
    expect(() => new Stacked({ layers: [] })).toThrow(ValueError);
    expect(() => new Stacked({ layers: [3 as never] })).toThrow("Stacked takes components of sequences as layers, such as an Lstm, but got 3 as layers[0].");
    expect(() => rnn.unfold(xs, [])).toThrow("Stacked takes a list [the state of each layer] as state, but got an empty list.");
  });
});
