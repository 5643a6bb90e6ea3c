import { describe, expect, it } from "vitest";
import { BinaryTreeLstm, ChildSumTreeLstm, type LstmState } from "../../src/components/index.ts";
import { evaluate, input, ShapeError, stack, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectGradients, expectValue, type Matrix, matrix, mul, plus, probe, randomize, times, type Vector, vector, σ } from "./plain.ts";

interface Tree {
  readonly x: Vector;
  readonly children: readonly Tree[];
}
const leaf = (...x: number[]): Tree => ({ x, children: [] });
const node = (x: Vector, ...children: Tree[]): Tree => ({ x, children });
type Plain = [h: Vector, c: Vector];

describe("ChildSumTreeLstm", () => {
  const lstm = randomize(new ChildSumTreeLstm({ inputs: 2, outputs: 3 }));
  const tree = node([0.5, -1], leaf(1, 2), node([0.1, 0.2], leaf(-1, 0), leaf(0.3, 0.3), leaf(2, -2)), leaf(0, 1));

  function plain({ x, children }: Tree): Plain {
    const found = children.map(plain);
    const sum = found.reduce<Vector>((total, [h]) => plus(total, h), [0, 0, 0]);
    const m = (p: typeof lstm.wi): Matrix => matrix(p);
    const i = plus(times(m(lstm.wi), x), times(m(lstm.ui), sum), vector(lstm.bi)).map(σ);
    const o = plus(times(m(lstm.wo), x), times(m(lstm.uo), sum), vector(lstm.bo)).map(σ);
    const g = plus(times(m(lstm.wc), x), times(m(lstm.uc), sum), vector(lstm.bc)).map(Math.tanh);
    const kept = found.map(([h, c]) => mul(plus(times(m(lstm.wf), x), times(m(lstm.uf), h), vector(lstm.bf)).map(σ), c));
    const c = plus(mul(i, g), ...kept);
    return [mul(o, c.map(Math.tanh)), c];
  }
  const encode = ({ x, children }: Tree): LstmState => lstm.step(input(x), children.map(encode));

  it("computes its equations", () => {
    expectValue(() => encode(tree)[0], plain(tree)[0]);
    expectValue(() => encode(tree)[1], plain(tree)[1]);
    expectValue(() => lstm.output(encode(leaf(1, 2))), plain(leaf(1, 2))[0]);
  });

  it("has no order of children", () => {
    const [a, b] = [leaf(1, 2), leaf(-1, 0.5)];
    expectClose(evaluate(() => encode(node([1, 1], a, b))[0]).toArray(), evaluate(() => encode(node([1, 1], b, a))[0]).toArray());
  });

  it("takes nodes without input, and batches", () => {
    const withZeros = evaluate(() => lstm.step(input([0, 0]), [encode(leaf(1, 2))])[0]);
    expectClose(evaluate(() => lstm.step(null, [encode(leaf(1, 2))])[0]).toArray(), withZeros.toArray());
    const xs = draw([4, 2]);
    const batch = evaluate(() => lstm.step(xs, [lstm.step(xs)])[0]);
    expectClose(batch.toArray(), evaluate(() => stack(matrix(xs).map((x) => lstm.step(input(x), [lstm.step(input(x))])[0]))).toArray());
  });

  it("has right gradients", () => expectGradients(() => probe(...encode(tree)), lstm));

  it("refuses what does not fit", () => {
    expect(() => lstm.step(draw([3]))).toThrow("ChildSumTreeLstm got x of shape [3]");
    expect(() => lstm.step(null, [draw([3]) as never])).toThrow("ChildSumTreeLstm takes a list [h, c] as state, but got a Variable [3]");
    expect(() => lstm.step(null, [[draw([3]), draw([2])]])).toThrow("ChildSumTreeLstm got children[0][1] (c) of shape [2]");
    expect(() => lstm.step(null, 3 as never)).toThrow(ValueError);
  });
});

describe("BinaryTreeLstm", () => {
  const lstm = randomize(new BinaryTreeLstm({ inputs: 2, outputs: 3 }));
  const tree = node([0.5, -1], node([0.1, 0.2], leaf(-1, 0), leaf(0.3, 0.3)), leaf(0, 1));

  function plain({ x, children }: Tree): Plain {
    const found = children.map(plain);
    const sum = (w: typeof lstm.wi, u: readonly (typeof lstm.wi)[], b: typeof lstm.wi): Vector =>
      plus(times(matrix(w), x), vector(b), ...found.map(([h], k) => times(matrix(u[k]), h)));
    const i = sum(lstm.wi, lstm.ui, lstm.bi).map(σ);
    const o = sum(lstm.wo, lstm.uo, lstm.bo).map(σ);
    const g = sum(lstm.wc, lstm.uc, lstm.bc).map(Math.tanh);
    const kept = found.map(([, c], k) => mul(sum(lstm.wf, lstm.uf[k], lstm.bf).map(σ), c));
    const c = plus(mul(i, g), ...kept);
    return [mul(o, c.map(Math.tanh)), c];
  }
  const encode = ({ x, children }: Tree): LstmState => lstm.step(input(x), children.map(encode) as [] | [LstmState, LstmState]);

  it("computes its equations", () => {
    expectValue(() => encode(tree)[0], plain(tree)[0]);
    expectValue(() => encode(tree)[1], plain(tree)[1]);
    expectValue(() => encode(leaf(1, 2))[0], plain(leaf(1, 2))[0]);
  });

  it("knows left from right", () => {
    const [a, b] = [leaf(1, 2), leaf(-1, 0.5)];
    expect(evaluate(() => encode(node([1, 1], a, b))[0]).toArray()).not.toEqual(evaluate(() => encode(node([1, 1], b, a))[0]).toArray());
  });

  it("takes inner nodes without input, and trees without any", () => {
    expectClose(evaluate(() => lstm.step(null, [encode(leaf(1, 2)), encode(leaf(2, 1))])[0]).toArray(), plain(node([0, 0], leaf(1, 2), leaf(2, 1)))[0]);
    const bare = randomize(new BinaryTreeLstm({ inputs: 0, outputs: 2 }));
    expectGradients(() => probe(...bare.step(null, [bare.step(null), bare.step(null)])), bare);
  });

  it("has right gradients", () => expectGradients(() => probe(...encode(tree)), lstm));

  it("refuses what does not fit", () => {
    expect(() => lstm.step(null, [encode(leaf(1, 2))] as never)).toThrow(new ShapeError("BinaryTreeLstm got 1 children: a node has two, a leaf none."));
    expect(() => new BinaryTreeLstm({ inputs: -1, outputs: 2 })).toThrow("BinaryTreeLstm takes an integer of at least 0 as inputs, but got -1.");
  });
});
