import { describe, expect, it } from "vitest";
import { FeedForward } from "../../src/components/index.ts";
import { cost, evaluate, GradientDescent, grad, input, relu, seed, sigmoid, tanh, ValueError } from "../../src/index.ts";
import { draw, expectGradients, expectValue, matrix, plus, probe, randomize, softmax, times, vector, σ } from "./plain.ts";

describe("FeedForward", () => {
  const x = draw([4, 3]);

  it("is affine maps with activations between them", () => {
    const net = randomize(new FeedForward({ inputs: 3, hidden: [5, 2], outputs: 4, activation: sigmoid, outputActivation: "softmax" }));
    const expected = matrix(x).map((row) => {
      const first = plus(times(matrix(net.w[0]), row), vector(net.b[0])).map(σ);
      const second = plus(times(matrix(net.w[1]), first), vector(net.b[1])).map(σ);
      return softmax(plus(times(matrix(net.w[2]), second), vector(net.b[2])));
    });
    expect(net.depth).toBe(3);
    expectValue(() => net.forward(x), expected);
    expectValue(() => net.forward(input(matrix(x)[3])), expected[3]);
  });

  it("without hidden layers is one affine map", () => {
    const net = randomize(new FeedForward({ inputs: 3, outputs: 2 }));
    expect([...net.namedParameters().keys()]).toEqual(["w.0", "b.0"]);
    expectValue(() => net.forward(x), matrix(x).map((row) => plus(times(matrix(net.w[0]), row), vector(net.b[0]))));
  });

  it("has right gradients at any depth", () => {
    for (const hidden of [[], [1], [4, 3, 2]]) {
      const net = randomize(new FeedForward({ inputs: 3, hidden, outputs: 2, activation: tanh }));
      expectGradients(() => probe(net.forward(x)), net);
    }
    const dropping = randomize(new FeedForward({ inputs: 3, hidden: [8], outputs: 2, activation: "gelu", dropout: 0.5 }));
    expectGradients(() => probe(dropping.forward(x)), dropping);
  });

  it("learns XOR, with each of some seeds", () => {
    const corners = input([[0, 0], [0, 1], [1, 0], [1, 1]]);
    const answers = [[0], [1], [1], [0]];
    for (const s of [1, 2, 3]) {
      seed(s);
      const net = new FeedForward({ inputs: 2, hidden: [8], outputs: 1, activation: tanh });
      const optimizer = new GradientDescent(net, { learningRate: 0.5 });
      for (let i = 0; i < 400; i++) {
        grad(() => cost.bernoulliCrossEntropyWithScores(net.forward(corners), answers));
        optimizer.update();
      }
      const found = evaluate(() => net.forward(corners)).toArray() as number[][];
      expect(found.map(([score]) => (score > 0 ? 1 : 0))).toEqual([0, 1, 1, 0]);
    }
  });

  it("knows its activation by value and by name", () => {
    expect(new FeedForward({ inputs: 1, outputs: 1 }).activation).toBe(relu);
    expect(new FeedForward({ inputs: 1, hidden: [2], outputs: 1, activation: "tanh" }).activation).toBe(tanh);
    expect(new FeedForward({ inputs: 1, outputs: 1, activation: tanh }).options.activation).toBe("tanh");
  });

  it("refuses what does not fit", () => {
    expect(() => new FeedForward({ inputs: 3, hidden: [4, 0], outputs: 2 }))
      .toThrow(new ValueError("FeedForward takes an integer of at least 1 as hidden[1], but got 0."));
    expect(() => new FeedForward({ inputs: 3, hidden: 4 as never, outputs: 2 }))
      .toThrow("FeedForward takes a list of sizes as hidden, such as [8, 8], but got 4.");
    expect(() => new FeedForward({ inputs: 3, outputs: 2, activation: "tahn" }))
      .toThrow(/FeedForward takes a function or one of the names sigmoid, tanh, .* as activation, but got "tahn"/);
    expect(() => new FeedForward({ inputs: 3, outputs: 2 }).forward(draw([4]))).toThrow("FeedForward got x of shape [4], but its last axis must have size 3");
  });
});
