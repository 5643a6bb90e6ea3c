import { describe, expect, it } from "vitest";
import {
  add, affine, dot, grad, gradients, input, linear, matmul, mul, norm2, ones, parameter, ShapeError, type Shape, sum, type Variable, zeros,
} from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { counting, describeOnEach, expectClose, expectNear, forAll, gradientOf, indicesOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/product.ts";

testOperations(entries);

describeOnEach("matmul", () => {
  it("multiplies matrices and vectors as NumPy does", () => {
    const [a, b] = [counting(2, 3), counting(3, 2)];
    expect(matmul(a, b).toArray()).toEqual([[10, 13], [28, 40]]);
    expect(matmul(a, input([1, 0, -1])).toArray()).toEqual([-2, -2]);
    expect(matmul(input([1, -1]), a).toArray()).toEqual([-3, -3, -3]);
    expect(matmul(input([1, 2]), input([3, 4])).toArray()).toBe(11);
  });

  it("broadcasts batches", () => {
    const [a, b] = [counting(2, 1, 1, 2), counting(3, 2, 1)];
    expect(matmul(a, b).toArray()).toEqual([[[[1]], [[3]], [[5]]], [[[3]], [[13]], [[23]]]]);
    expect(matmul(counting(2, 2, 2), counting(2)).toArray()).toEqual([[1, 3], [5, 7]]);
    expect(matmul(counting(2), counting(2, 2, 2)).toArray()).toEqual([[2, 3], [6, 7]]);
  });

  it("is 0 where nothing is summed, and empty where nothing is there", () => {
    expect(matmul(zeros([2, 0]), zeros([0, 3])).toArray()).toEqual([[0, 0, 0], [0, 0, 0]]);
    expect(matmul(zeros([0, 2]), zeros([2, 3])).shape).toEqual([0, 3]);
    expect(matmul(zeros([0]), zeros([0])).toArray()).toBe(0);
    expect(matmul(zeros([0, 2, 3]), zeros([3, 4])).shape).toEqual([0, 2, 4]);
    expect(gradientOf((x) => matmul(x, zeros([0, 3])), zeros([2, 0]))).toEqual([[], []]);
    expect(gradientOf((x) => matmul(zeros([0, 2]), x), ones([2, 3]))).toEqual([[0, 0, 0], [0, 0, 0]]);
  });

  it("sums its gradients over what was repeated", () => {
    const [a, b] = [ones([2, 2]), ones([3, 2, 2])];
    const [da, db] = gradients(() => sum(matmul(a, b)), [a, b]);
    expect(da.toArray()).toEqual([[6, 6], [6, 6]]);
    expect(db.toArray()).toEqual([[[2, 2], [2, 2]], [[2, 2], [2, 2]], [[2, 2], [2, 2]]]);
  });

  it("follows its definition for any batch", () => {
    forAll(60, 60, (draw) => {
      const [m, n, k] = [draw.size(1), draw.size(1), draw.size(1)];
      const batches = draw.broadcastable(2).map((shape) => shape.map((size) => Math.min(size, 3)));
      const rank = Math.max(batches[0].length, batches[1].length);
      const sizeAt = (shape: Shape, i: number): number => shape[shape.length - rank + i] ?? 1;
      const batch = Array.from({ length: rank }, (_, i) => (sizeAt(batches[0], i) === 1 ? sizeAt(batches[1], i) : sizeAt(batches[0], i)));
      const whole = (random: { integer(low: number, high: number): number }): number => random.integer(-4, 5);
      const a = draw.tensor([...batches[0], m, k], whole);
      const b = draw.tensor([...batches[1], k, n], whole);
      const found = matmul(input(a.values, a.shape), input(b.values, b.shape));
      expect(found.shape).toEqual([...batch, m, n]);
      const at = (shape: Shape, index: number[]): number =>
        shape.reduce((offset, size, i) => offset * size + (size === 1 ? 0 : index[index.length - shape.length + i]), 0);
      // Small integers: float32 is exact.
      const expected = indicesOf([...batch, m, n]).map((index) => {
        const [outer, i, j] = [index.slice(0, -2), index[rank], index[rank + 1]];
        let total = 0;
        for (let l = 0; l < k; l++) total += a.values[at(a.shape, [...outer, i, l])] * b.values[at(b.shape, [...outer, l, j])];
        return total;
      });
      expect([...found.data].map((v) => v + 0)).toEqual(expected.map((v) => v + 0));
    });
  });

  it("propagates NaN and infinities to what they touch, and nowhere else", () => {
    const a = input([[1, NaN], [0, 1], [1, 0]]);
    const b = input([[Infinity, 1], [1, 1]]);
    expect(matmul(a, b).toArray()).toEqual([[NaN, NaN], [NaN, 1], [Infinity, 1]]);
  });
});

describeOnEach("linear and affine", () => {
  const w = (): Variable => input([[1, 2, 3], [4, 5, 6]]);

  it("map each sample", () => {
    expect(linear(w(), input([1, 0, -1])).toArray()).toEqual([-2, -2]);
    expect(linear(w(), input([[1, 0, 0], [0, 1, 1]])).toArray()).toEqual([[1, 4], [5, 11]]);
    expect(affine(w(), input([[[1, 0, 0]], [[0, 0, 0]]]), input([10, 20])).toArray()).toEqual([[[11, 24]], [[10, 20]]]);
    expect(affine(w(), zeros([0, 3]), zeros([2])).shape).toEqual([0, 2]);
    expect(affine(zeros([2, 0]), zeros([3, 0]), input([1, 2])).toArray()).toEqual([[1, 2], [1, 2], [1, 2]]);
  });

  it("do not depend on what somebody has written into the shape of another result", () => {
    (linear(w(), input([1, 0, -1])).shape as number[]).push(7);
    (affine(w(), input([1, 0, -1]), zeros([2])).shape as number[])[0] = 5;
    expect(linear(w(), input([1, 0, -1])).shape).toEqual([2]);
    expect(() => (input(1).shape as number[]).push(7)).toThrow(TypeError); // all scalars have this one
  });

  it("have the gradients of a regression", () => {
    const [weights, x, b] = [w(), input([[1, 2, 3], [4, 5, 6]]), zeros([2])];
    const [dw, dx, db] = gradients(() => sum(mul(affine(weights, x, b), input([[1, 0], [0, 2]]))), [weights, x, b]);
    expect(dw.toArray()).toEqual([[1, 2, 3], [8, 10, 12]]);
    expect(dx.toArray()).toEqual([[1, 2, 3], [8, 10, 12]]);
    expect(db.toArray()).toEqual([1, 2]);
    expect(gradients(() => sum(affine(weights, zeros([0, 3]), b)), [weights, b]).map((g) => g.toArray())).toEqual([[[0, 0, 0], [0, 0, 0]], [0, 0]]);
  });
});

describeOnEach("dot and norm2", () => {
  it("work on the last axis", () => {
    expect(dot(input([1, 2, 3]), input([4, 5, 6])).toArray()).toBe(32);
    expect(dot(counting(2, 2), counting(2, 2)).toArray()).toEqual([1, 13]);
    expect(dot(zeros([2, 0]), zeros([2, 0])).toArray()).toEqual([0, 0]);
    expect(norm2(input([3, 4])).toArray()).toBe(5);
    expect(norm2(input([[3, 4], [0, 2]])).toArray()).toEqual([5, 2]);
    expect(norm2(input([[3, 5], [4, 12]]), 0).toArray()).toEqual([5, 13]);
    expect(norm2(input([[1, 2], [2, 4]]), [0, 1], true).toArray()).toEqual([[5]]);
    expect(norm2(input(-3)).toArray()).toBe(3);
    expect(norm2(zeros([2, 0])).toArray()).toEqual([0, 0]);
  });

  it("norm2 neither overflows nor underflows, nor does its gradient", () => {
    for (const size of [1e38, 1e30, 1e20, 1e19, 1e10, 1e-10, 1e-20, 1e-30, ...(isOnGpu ? [] : [1e-37])]) {
      const x = [1.5 * size, 0.15 * size, -2 * size].map(Math.fround);
      const norm = Math.hypot(...x);
      expect(Math.abs(norm2(input(x)).item() / norm - 1)).toBeLessThan(1e-6);
      const rows = gradientOf((v) => norm2(v), input([x, [1, 2, 2], [0, 0, 0]])) as number[][];
      expectNear(input(rows), [x.map((value) => value / norm), [1 / 3, 2 / 3, 2 / 3], [0, 0, 0]]);
      expectNear(input(gradientOf((v) => norm2(v), input(x[0]))), 1);
      // A long row, whose sum of magnitudes is far larger than the norm.
      expect(Math.abs(norm2(input(new Float32Array(4000).fill(size / 1e3))).item() / (Math.fround(size / 1e3) * Math.sqrt(4000)) - 1)).toBeLessThan(1e-5);
    }
    // Denormal numbers of float32 have few digits.
    if (!isOnGpu) expect(Math.abs(norm2(input([3e-42, 4e-42])).item() / 5e-42 - 1)).toBeLessThan(1e-3);
    expect(norm2(input([Infinity, 1])).item()).toBe(Infinity);
    expect(norm2(input([NaN, 1e38])).item()).toBeNaN();
    expect(norm2(input([Infinity, NaN])).item()).toBeNaN();
  });

  it("norm2 is the root of a sum over any axes", () => {
    forAll(40, 100, (draw) => {
      const shape = draw.shape(1);
      const [axes, keepdims] = [draw.axes(shape.length) ?? -1, draw.oneIn(2)];
      const { values } = draw.tensor(shape);
      const x = input(values, shape);
      const squares = sum(mul(x, x), axes, keepdims);
      const norms = norm2(x, axes, keepdims);
      expect(norms.shape).toEqual(squares.shape);
      expectClose(norms.data, squares.data.map(Math.sqrt), 4 + x.size);
    });
  });

  it("have a gradient of 0 at 0", () => {
    expectNear(input(gradientOf((x) => norm2(x), input([[3, 4], [0, 0]]))), [[0.6, 0.8], [0, 0]]);
    expectNear(input(gradientOf((x) => dot(x, x), input([1, 2]))), [2, 4]);
  });
});

describe("the wrong use of products", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["inner sizes that differ", () => matmul(zeros([2, 3]), zeros([4, 2])), /got shapes \[2, 3\] and \[4, 2\]: the last axis of the first \(3\) must equal/],
    ["a vector of another size", () => matmul(zeros([2, 3]), zeros([2])), /the only axis of the second \(2\)/],
    ["a scalar", () => matmul(zeros([]), zeros([2])), /Use mul to multiply by a number/],
    ["batches that do not broadcast", () => matmul(zeros([2, 1, 1]), zeros([3, 1, 1])), /matmul \(over the batch axes\) got shapes \[2\] and \[3\]/],
    ["weights that are no matrix", () => linear(zeros([2]), zeros([2])), /linear takes weights of shape \[outputs, inputs\], but got \[2\]/],
    ["features that differ", () => affine(zeros([2, 3]), zeros([5, 2]), zeros([2])), /the last axis of x must have size 3.*x holds samples in rows/],
    ["a bias of another size", () => affine(zeros([2, 3]), zeros([5, 3]), zeros([3])), /the bias must have shape \[2\]/],
    ["a bias that is a row", () => affine(zeros([2, 3]), zeros([5, 3]), zeros([1, 2])), /bias \[1, 2\]/],
    ["vectors that differ", () => dot(zeros([2]), zeros([3])), /dot got shapes \[2\] and \[3\]: both must have the same shape/],
    ["scalars", () => dot(zeros([]), zeros([])), /at least one axis/],
    ["an axis that is not there", () => norm2(zeros([2]), 1), /norm2 got axis 1/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });
});

describe("norm2 at 0", () => {
  it("has gradients of gradients that are numbers, as other frameworks have", () => {
    const [x, a] = [parameter([0, 0]), parameter(2)];
    grad(() => {
      const [g] = gradients(() => mul(norm2(x), a), [x]);
      return add(sum(mul(g, g)), a);
    });
    expect(a.grad?.item()).toBe(1);
    expect(x.grad?.toArray()).toEqual([0, 0]);
  });
});
