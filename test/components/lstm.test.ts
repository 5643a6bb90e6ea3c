import { describe, expect, it } from "vitest";
import { Lstm, type LstmState, SigmoidRegression, SoftmaxRegression } from "../../src/components/index.ts";
import { Adam, Component, cost, evaluate, grad, gradients, input, norm2, ones, Random, seed, state, type Variable, zeros } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, mul, plus, probe, randomize, times, vector, σ } from "./plain.ts";

const rnn = randomize(new Lstm({ inputs: 2, outputs: 3 }));
const xs = draw([4, 2]);

describe("Lstm", () => {
  it("computes its equations", () => {
    let h = vector(rnn.h0);
    let c = vector(rnn.c0);
    const states = matrix(xs).map((x) => {
      const i = plus(times(matrix(rnn.wi), x), times(matrix(rnn.ui), h), vector(rnn.bi)).map(σ);
      const f = plus(times(matrix(rnn.wf), x), times(matrix(rnn.uf), h), vector(rnn.bf)).map(σ);
      const o = plus(times(matrix(rnn.wo), x), times(matrix(rnn.uo), h), vector(rnn.bo)).map(σ);
      const g = plus(times(matrix(rnn.wc), x), times(matrix(rnn.uc), h), vector(rnn.bc)).map(Math.tanh);
      c = plus(mul(f, c), mul(i, g));
      h = mul(o, c.map(Math.tanh));
      return [h, c];
    });
    expectValue(() => rnn.unfold(xs), states.map(([shown]) => shown));
    expectValue(() => rnn.states(xs)[3][1], states[3][1]);
    expectValue(() => {
      let state: LstmState = rnn.initialState();
      for (const x of matrix(xs)) state = rnn.step(input(x), state);
      return rnn.output(state);
    }, h);
  });

  it("begins by remembering", () => {
    const fresh = new Lstm({ inputs: 2, outputs: 2 });
    expect([fresh.bf, fresh.bi, fresh.bo, fresh.bc, fresh.h0, fresh.c0].map((p) => p.toArray())).toEqual([[1, 1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]);
  });

  it("has right gradients", () => expectGradients(() => probe(rnn.unfold(xs), rnn.states(xs)[3][1]), rnn));

  it("has right gradients of gradients", () => {
    expectGradients(() => {
      const [g] = gradients(() => probe(rnn.unfold(xs)), [xs]);
      return g.mul(g).sum();
    }, rnn, { maxEntries: 2 });
  });

  it("rescales the gradient of the cell, if asked to", () => {
    const normed = randomize(new Lstm({ inputs: 2, outputs: 3, normed: true }));
    normed.bf.assign([100, 100, 100]); // an open forget gate: the gradient of c0 is that of the cell
    grad(() => probe(normed.step(input([0.1, 0.2]), normed.initialState(), 0.5)[0]));
    expect(norm2(normed.c0.grad ?? ones([1])).item()).toBeCloseTo(0.5, 5);
  });

  it("learns the parity of a sequence", () => {
    seed(1);
    class Parity extends Component {
      readonly rnn = new Lstm({ inputs: 1, outputs: 4 });
      readonly classifier = new SoftmaxRegression({ inputs: 4, outputs: 2 });
      score(bits: Variable): Variable { return this.classifier.score(this.rnn.unfold(bits)); }
    }
    const θ = new Parity();
    const random = new Random(2);
    const sample = (count: number, steps: number): { x: Variable; y: number[][] } => {
      const bits = Array.from({ length: count }, () => Array.from({ length: steps }, () => random.integer(0, 2)));
      const y = bits.map((row) => row.map((_, t) => row.slice(0, t + 1).reduce((a, b) => a ^ b)));
      return { x: input(bits.map((row) => row.map((bit) => [bit]))), y };
    };
    const optimizer = new Adam(θ, { learningRate: 0.03 });
    for (let i = 0; i < 250; i++) {
      const { x, y } = sample(16, 6);
      grad(() => cost.categoricalCrossEntropyWithScores(θ.score(x), y, { reduction: "mean" }));
      optimizer.update();
    }
    const { x, y } = sample(50, 12); // twice as long as in training
    const predicted = evaluate(() => θ.score(x).argmax()).toArray() as number[][];
    expect(predicted).toEqual(y);
  });

  it("refuses what does not fit", () => {
    expect(() => rnn.step(draw([3]))).toThrow("Lstm got x of shape [3]");
    expect(() => rnn.step(draw([2]), rnn.h0 as never))
      .toThrow("Lstm takes a list [h, c] as state, but got a Parameter [3]. initialState() gives one to begin with.");
    expect(() => rnn.step(draw([2]), [rnn.h0, draw([2])])).toThrow("Lstm got state[1] (c) of shape [2], but its last axis must have size 3");
  });
});

describe("an Lstm that reads streams part by part", () => {
  const [streams, steps] = [8, 4];
  class Reader extends Component {
    readonly rnn = new Lstm({ inputs: 2, outputs: 8 });
    readonly answer = new SigmoidRegression({ inputs: 8, outputs: 1 });
    readonly h = state(zeros([streams, 8]));
    readonly c = state(zeros([streams, 8]));
    read(xs: Variable): Variable {
      const { outputs, state: [h, c] } = this.rnn.unfoldWithState(xs, [this.h, this.c]);
      this.h.assign(h);
      this.c.assign(c);
      return outputs;
    }
    cost(xs: Variable, ys: Variable): Variable { return this.answer.cost(this.read(xs), ys, { reduction: "mean" }); }
    forget(): void { for (const each of [this.h, this.c]) each.assign(zeros([streams, 8])); }
  }
  /** Switches that are turned on or off now and then, and how they stand: what only an earlier part may have told. */
  const switches = (random: Random) => {
    const stands = Array<number>(streams).fill(0);
    return () => {
      const [xs, ys] = [zeros([streams, steps, 2]).toArray<number[][][]>(), zeros([streams, steps, 1]).toArray<number[][][]>()];
      for (let i = 0; i < streams; i++) {
        for (let t = 0; t < steps; t++) {
          const on = random.integer(0, 2);
          if (random.uniform() < 0.15) {
            xs[i][t][1 - on] = 1;
            stands[i] = on;
          }
          ys[i][t][0] = stands[i];
        }
      }
      return { xs: input(xs), ys: input(ys) };
    };
  };

  it("has the losses and gradients of one whose states are handed on as numbers", () => {
    seed(5);
    const reader = new Reader();
    const next = switches(new Random(1));
    let handed = [zeros([streams, 8]), zeros([streams, 8])];
    for (let part = 0; part < 5; part++) {
      const { xs, ys } = next();
      const loss = grad(() => reader.cost(xs, ys));
      const gradients = reader.parameters().map((p) => p.grad?.data);
      reader.clearGrad();
      const other = grad(() => {
        const { outputs, state } = reader.rnn.unfoldWithState(xs, [handed[0], handed[1]]);
        return { loss: reader.answer.cost(outputs, ys, { reduction: "mean" }), state };
      });
      handed = [...other.state];
      expect(loss.item()).toBe(other.loss.item());
      expect(gradients).toEqual(reader.parameters().map((p) => p.grad?.data));
      reader.clearGrad();
      expect([reader.h.data, reader.c.data]).toEqual(handed.map(({ data }) => data));
    }
  });

  it("learns what it can only know from earlier parts", () => {
    seed(6);
    const reader = new Reader();
    const optimizer = new Adam(reader, { learningRate: 0.02 });
    const next = switches(new Random(2));
    for (let part = 0; part < 250; part++) {
      const { xs, ys } = next();
      optimizer.minimize(() => reader.cost(xs, ys));
    }
    let [carried, forgotten] = [0, 0];
    for (let part = 0; part < 10; part++) {
      const { xs, ys } = next();
      const right = (): number => evaluate(() => reader.answer.predict(reader.read(xs)).equal(ys).mean()).item() / 10;
      const before = [reader.h.data, reader.c.data];
      reader.forget();
      forgotten += right();
      [reader.h, reader.c].forEach((each, i) => { each.assign(before[i]); });
      carried += right();
    }
    // A switch has not been touched in the first t steps of a part with probability 0.85ᵗ, and half of these stand on: a third of all is guesswork.
    expect(carried).toBeGreaterThan(0.98);
    expect(forgotten).toBeLessThan(0.85);
  });
});
