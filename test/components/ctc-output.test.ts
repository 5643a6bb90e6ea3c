import { describe, expect, it } from "vitest";
import { CtcOutput, Lstm } from "../../src/components/index.ts";
import { greedy } from "../../src/ctc/index.ts";
import { Adam, Component, decat, evaluate, grad, input, seed, type Variable } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, type Matrix, matrix, plus, randomize, softmax, times, vector } from "./plain.ts";

/** −log of the sum over all paths that merge into the labels. */
function plain(probs: Matrix, labels: readonly number[], blank: number): number {
  let total = 0;
  const walk = (t: number, path: number[], p: number): void => {
    if (t === probs.length) {
      const merged = path.filter((symbol, i) => symbol !== path[i - 1]).filter((symbol) => symbol !== blank);
      if (String(merged) === String(labels)) total += p;
      return;
    }
    probs[t].forEach((q, symbol) => walk(t + 1, [...path, symbol], p * q));
  };
  walk(0, [], 1);
  return -Math.log(total);
}

describe.each([0, 2])("CtcOutput with blank %d", (blank) => {
  const θ = randomize(new CtcOutput({ inputs: 2, outputs: 3, blank }));
  const xs = draw([2, 4, 2]);
  const ys = blank === 0 ? [[1, 1], [2]] : [[1, 1], [0]];
  const probs = (xs.toArray() as number[][][]).map((rows) => rows.map((x) => softmax(plus(times(matrix(θ.w), x), vector(θ.b)))));

  it("scores each step, from a list as from one Variable", () => {
    expectValue(() => θ.probs(xs), probs);
    expectValue(() => θ.probs(decat(xs, 1)), probs);
    expectValue(() => θ.predict(xs), probs.map((rows) => rows.map((row) => row.indexOf(Math.max(...row)))));
  });

  it("costs what all alignments together say", () => {
    const each = ys.map((labels, i) => plain(probs[i], labels, blank));
    expectValue(() => θ.cost(xs, ys), each[0] + each[1]);
    expectValue(() => θ.cost(xs, ys, { weight: [2, 0.5] }), 2 * each[0] + 0.5 * each[1]);
    expectValue(() => θ.cost(input((xs.toArray() as number[][][])[1]), ys[1]), each[1]);
    expectValue(() => θ.cost(xs, ys, { mask: [[1, 1, 1, 0], [1, 1, 1, 1]] }), plain(probs[0].slice(0, 3), ys[0], blank) + each[1]);
  });

  it("has right gradients", () => {
    expectGradients(() => θ.cost(xs, ys), θ);
    expectGradients(() => θ.cost(decat(xs, 1), ys, { inputLengths: [3, 4] }), θ);
  });
});

describe("CtcOutput", () => {
  it("learns to label a sequence", () => {
    seed(2);
    class Labeller extends Component {
      readonly rnn = new Lstm({ inputs: 3, outputs: 8 });
      readonly output = new CtcOutput({ inputs: 8, outputs: 3 });
      score(xs: Variable): Variable { return this.output.score(this.rnn.unfold(xs)); }
    }
    const θ = new Labeller();
    // A label is a pulse in its channel, at any time; the last channel is always on.
    const rows = [[0, 1, 0, 0, 2, 0, 2, 0], [2, 0, 0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0]];
    const x = input(rows.map((row) => row.map((pulse) => [pulse === 1 ? 1 : 0, pulse === 2 ? 1 : 0, 1])));
    const labels = rows.map((row) => row.filter((pulse) => pulse > 0));
    const optimizer = new Adam(θ, { learningRate: 0.05 });
    for (let i = 0; i < 100; i++) {
      grad(() => θ.output.cost(θ.rnn.unfold(x), labels));
      optimizer.update();
    }
    expect(greedy(evaluate(() => θ.score(x))).map((found) => found.labels)).toEqual(labels);
  });

  it("refuses what does not fit", () => {
    const θ = new CtcOutput({ inputs: 2, outputs: 3 });
    expect(() => new CtcOutput({ inputs: 2, outputs: 3, blank: 3 })).toThrow("CtcOutput got blank = 3 for 3 outputs: the blank is one of them, from 0 to 2.");
    expect(() => θ.score(draw([2]))).toThrow("CtcOutput got xs of shape [2]; it takes a sequence [..., steps, 2]");
    expect(() => θ.score(draw([4, 3]))).toThrow("CtcOutput got xs of shape [4, 3], but its last axis must have size 2");
    expect(() => θ.cost(draw([4, 2]), [3])).toThrow("label 3");
    expectClose(θ.score([]).shape as number[], [0, 3]);
  });
});
