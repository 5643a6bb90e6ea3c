/** What every recurrent component must do alike. */

import { describe, expect, it } from "vitest";
import {
  Bidirectional, GatedRecurrent, Lstm, Recurrent, type SequenceComponent, SimpleRecurrent, Stacked, StackRnn, type RecurrentState,
} from "../../src/components/index.ts";
import { decat, evaluate, grad, input, parameter, slice, stack, type Variable, zeros } from "../../src/index.ts";
import { draw, expectClose, expectGradients, probe, randomize } from "./plain.ts";

type Sizes = { inputs: number; outputs: number };
const kinds: Record<string, (sizes: Sizes) => SequenceComponent> = {
  SimpleRecurrent: (sizes) => new SimpleRecurrent(sizes),
  GatedRecurrent: (sizes) => new GatedRecurrent(sizes),
  Lstm: (sizes) => new Lstm(sizes),
  "normed Lstm": (sizes) => new Lstm({ ...sizes, normed: true }),
  StackRnn: (sizes) => new StackRnn({ ...sizes, depth: 4 }),
  Stacked: ({ inputs, outputs }) => new Stacked({ layers: [new GatedRecurrent({ inputs, outputs: 2 }), new Lstm({ inputs: 2, outputs })] }),
  Bidirectional: (sizes) => new Bidirectional({ forward: new Lstm(sizes), backward: new SimpleRecurrent(sizes) }),
};

/** The Variables in a state. */
const parts = (state: RecurrentState): Variable[] => ("shape" in state ? [state as Variable] : (state as readonly RecurrentState[]).flatMap(parts));

describe.each(Object.entries(kinds))("%s", (name, build) => {
  const rnn = randomize(build({ inputs: 2, outputs: 3 }));
  const batch = draw([5, 4, 2]); // [batch, steps, inputs]
  const steps = (): Variable[] => decat(batch, 1);
  const all = (): number[][][] => evaluate(() => rnn.unfold(batch)).toArray() as number[][][];

  it("gives one sample what it gives it in a batch, as a list and as one Variable", () => {
    const expected = all();
    for (let i = 0; i < 5; i++) {
      const alone = input((batch.toArray() as number[][][])[i]);
      expectClose(evaluate(() => rnn.unfold(alone)).toArray(), expected[i]);
      expectClose(evaluate(() => stack(rnn.unfold(decat(alone)))).toArray(), expected[i]);
    }
    expectClose(evaluate(() => stack(rnn.unfold(steps()), 1)).toArray(), expected);
    expect(rnn.unfold(batch).shape).toEqual([5, 4, rnn.outputs]);
    expect(rnn.unfold(draw([2, 5, 4, 2])).shape).toEqual([2, 5, 4, rnn.outputs]);
  });

  it("begins from the initial state, whether it is given or not", () => {
    const expected = all();
    expectClose(evaluate(() => rnn.unfold(batch, rnn.initialState(5))).toArray(), expected);
    expectClose(evaluate(() => rnn.unfold(batch, rnn.initialState())).toArray(), expected);
    for (const part of parts(rnn.initialState(7))) expect(part.shape[0]).toBe(7);
    expect(() => rnn.initialState(-1)).toThrow("takes an integer of at least 0 as batch, but got -1.");
  });

  it("takes sequences of length 0 and 1, and batches of 0 and 1", () => {
    expect(rnn.unfold([])).toEqual([]);
    expect(rnn.unfold(zeros([0, 2])).shape).toEqual([0, rnn.outputs]);
    expect(rnn.unfold(zeros([5, 0, 2])).shape).toEqual([5, 0, rnn.outputs]);
    expect(rnn.unfold(zeros([0, 4, 2])).shape).toEqual([0, 4, rnn.outputs]);
    expect(rnn.unfold(draw([1, 2])).shape).toEqual([1, rnn.outputs]);
    expectClose(evaluate(() => rnn.unfold(slice(batch, [0, 1]))).toArray(), [all()[0]]);
    expectClose(evaluate(() => rnn.unfold(slice(batch, [0, 1], [0, 1]))).shape as number[], [1, 1, rnn.outputs]);
  });

  it("keeps its state over padding", () => {
    const mask = [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]];
    const found = evaluate(() => rnn.unfold(batch, undefined, mask)).toArray() as number[][][];
    const rows = batch.toArray() as number[][][];
    mask.forEach((row, i) => {
      const length = row.reduce((a, b) => a + b);
      const expected = length === 0 ? [] : evaluate(() => rnn.unfold(input(rows[i].slice(0, length)))).toArray() as number[][];
      expectClose(found[i].slice(0, length), expected);
    });
    expectClose(evaluate(() => rnn.unfold(batch, undefined, input(mask))).toArray(), found);
    expect(() => rnn.unfold(batch, undefined, [[1, 1]])).toThrow("a mask of shape [1, 2] for sequences [5, 4]");
    expect(() => rnn.unfold(input(rows[0]), undefined, [[1, 1, 1, 1]])).toThrow("a mask of shape [1, 4] for sequences [4]");
  });

  it("does not let padding reach results or gradients, even if it is NaN", () => {
    const mask = Array.from({ length: 5 }, () => [1, 1, 1, 0]);
    const rows = batch.toArray() as number[][][];
    const xs = parameter(rows.map((row) => [...row.slice(0, 3), [NaN, NaN]]));
    const { h } = grad(() => {
      const all = rnn.unfold(xs, undefined, mask);
      return { loss: probe(slice(all, null, [0, 3])), h: all };
    });
    expect(h.data.every(Number.isFinite)).toBe(true);
    for (const p of [xs, ...rnn.parameters()]) {
      const gradient = p.grad ?? zeros(p.shape);
      expect(gradient.data.every(Number.isFinite)).toBe(true);
      if (p === xs) for (const row of gradient.toArray() as number[][][]) expect(row[3].map(Math.abs)).toEqual([0, 0]);
      p.clearGrad();
    }
  });

  it("has right gradients at hidden 1, batch 1 and a batch", () => {
    const small = randomize(build({ inputs: 1, outputs: 1 }));
    if (name.startsWith("normed")) return; // its gradients are not those of its values, on purpose
    expectGradients(() => probe(small.unfold(draw([3, 1]))), small);
    expectGradients(() => probe(small.unfold(draw([1, 3, 1]))), small);
    expectGradients(() => probe(small.unfold(draw([2, 3, 1]), undefined, [[1, 1, 1], [1, 0, 0]])), small);
  });

  it("refuses what is no such sequence", () => {
    expect(() => rnn.unfold(draw([2]))).toThrow("got xs of shape [2]; it takes a sequence [..., steps, 2], or a list of Variables [..., 2], one a step.");
    expect(() => rnn.unfold(draw([4, 3]))).toThrow("got xs of shape [4, 3]");
    expect(() => rnn.unfold([draw([2]), draw([3])])).toThrow("got xs[1] of shape [3]");
    expect(() => rnn.unfold([[1, 2]] as never)).toThrow("takes a Variable as xs[0], but got an array of 2. Wrap arrays with input(…).");
    expect(() => rnn.unfold(3 as never)).toThrow("takes a list of Variables");
  });

  if (!(rnn instanceof Recurrent)) return;

  it("goes on from where it was", () => {
    const expected = all();
    const found = evaluate(() => {
      const states = rnn.states(slice(batch, null, [0, 2]));
      return rnn.unfold(slice(batch, null, [2, 4]), states[1]);
    });
    expectClose(found.toArray(), expected.map((row) => row.slice(2)));
    expectClose(evaluate(() => {
      let state = rnn.initialState();
      for (const x of steps()) state = rnn.step(x, state);
      return rnn.output(state);
    }).toArray(), expected.map((row) => row[3]));
    expectClose(evaluate(() => rnn.output(rnn.step(steps()[0]))).toArray(), expected.map((row) => row[0]));
  });

  it("gives its outputs with the state to go on with", () => {
    const expected = all();
    const first = evaluate(() => rnn.unfoldWithState(slice(batch, null, [0, 2])));
    const rest = evaluate(() => rnn.unfoldWithState(decat(slice(batch, null, [2, 4]), 1), first.state));
    expectClose(first.outputs.toArray(), expected.map((row) => row.slice(0, 2)));
    expectClose(stack(rest.outputs, 1).toArray(), expected.map((row) => row.slice(2)));
    expectClose(rnn.output(rest.state).toArray(), expected.map((row) => row[3]));
    const none = evaluate(() => rnn.unfoldWithState(zeros([5, 0, 2]), first.state));
    expect(none.outputs.shape).toEqual([5, 0, rnn.outputs]);
    expect(parts(none.state).map((part) => part.toArray())).toEqual(parts(first.state).map((part) => part.toArray()));
    const padded = evaluate(() => rnn.unfoldWithState(batch, undefined, Array.from({ length: 5 }, () => [1, 1, 0, 0])));
    expectClose(rnn.output(padded.state).toArray(), expected.map((row) => row[1]));
  });
});
