import { describe, expect, it } from "vitest";
import {
  add, argmax, embed, evaluate, gather, grad, gradients, input, mul, oneHot, parameter, scatterAdd, ShapeError, sum, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, fastDevices, forAll, gradientOf, indicesOf, on } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/indexing.ts";

testOperations(entries);

describeOnEach("gather", () => {
  it("takes entries of an axis by number", () => {
    const x = counting(3, 2);
    expect(gather(x, 1).toArray()).toEqual([2, 3]);
    expect(gather(x, [2, 0, 2]).toArray()).toEqual([[4, 5], [0, 1], [4, 5]]);
    expect(gather(x, Int32Array.of(1), 1).toArray()).toEqual([[1], [3], [5]]);
    expect(gather(x, input([[0, 1], [1, 0]]), -1).toArray()).toEqual([[[0, 1], [1, 0]], [[2, 3], [3, 2]], [[4, 5], [5, 4]]]);
    expect(gather(x, []).shape).toEqual([0, 2]);
    expect(gather(zeros([3, 0]), [1, 1]).shape).toEqual([2, 0]);
  });

  it("adds up the gradients of entries taken more than once", () => {
    expect(gradientOf((x) => gather(x, [2, 0, 2]), zeros([3, 2]), [[1, 2], [3, 4], [5, 6]])).toEqual([[3, 4], [0, 0], [6, 8]]);
    expect(gradientOf((x) => gather(x, 1, 1), zeros([2, 3]), [7, 8])).toEqual([[0, 7, 0], [0, 8, 0]]);
  });

  it("follows its definition on every axis", () => {
    forAll(50, 200, (draw) => {
      const shape = draw.shape(1, 4, false);
      const axis = draw.integer(0, shape.length - 1);
      const rows = draw.shape(0, 2);
      const count = rows.reduce((a, b) => a * b, 1);
      const indices = draw.indices(count, shape[axis]);
      const found = gather(counting(...shape), input(indices, rows), axis);
      const expected = [...shape.slice(0, axis), ...rows, ...shape.slice(axis + 1)];
      expect(found.shape).toEqual(expected);
      const elements = indicesOf(expected).map((index) => {
        const within = index.slice(axis, axis + rows.length).reduce((at, i, k) => at * rows[k] + i, 0);
        return [...index.slice(0, axis), indices[within], ...index.slice(axis + rows.length)].reduce((at, i, k) => at * shape[k] + i, 0);
      });
      expect([...found.data]).toEqual(elements);
    });
  });

  it("takes indices that the step computes, and refuses those that are out of range", () => {
    const scores = input([[1, 5, 2], [7, 0, 3]]);
    expect(evaluate(() => gather(input([10, 20, 30]), argmax(scores))).toArray()).toEqual([20, 10]);
    for (const wrong of [3, -1, 0.5, NaN]) {
      const f = (): Variable => evaluate(() => gather(input([10, 20, 30]), add(input([0, wrong]), 0)));
      expect(f).toThrow(ValueError);
      expect(f).toThrow(/gather got index .*: an index here is an integer from 0 to 2/);
    }
  });
});

describeOnEach("embed", () => {
  const w = (): Variable => input([[1, 2], [10, 20], [100, 200]]);

  it("looks rows up", () => {
    expect(embed(w(), 2).toArray()).toEqual([100, 200]);
    expect(embed(w(), [1, 1]).toArray()).toEqual([[10, 20], [10, 20]]);
    expect(embed(w(), []).shape).toEqual([0, 2]);
  });

  it("sums the rows of each list", () => {
    expect(embed(w(), [[0, 2], [1, 1, 1], [], [2]]).toArray()).toEqual([[101, 202], [30, 60], [0, 0], [100, 200]]);
    expect(embed(w(), [[], []]).toArray()).toEqual([[0, 0], [0, 0]]);
    expect(gradientOf((v) => embed(v, [[0, 2], [1, 1, 1], []]), w(), [[1, 2], [3, 4], [5, 6]])).toEqual([[1, 2], [9, 12], [1, 2]]);
  });

  it("takes a new list in each step", () => {
    const p = parameter(w());
    for (let i = 0; i < 6; i++) {
      p.clearGrad();
      grad(() => sum(embed(p, [i % 3, (i + 1) % 3])));
      expect(p.grad?.toArray()).toEqual([0, 1, 2].map((row) => (row === (i + 2) % 3 ? [0, 0] : [1, 1])));
    }
  });
});

describeOnEach("scatterAdd", () => {
  it("adds entries at their indices", () => {
    expect(scatterAdd([2, 0, 2], counting(3, 2), 4).toArray()).toEqual([[2, 3], [0, 0], [4, 6], [0, 0]]);
    expect(scatterAdd([1, 1, 0], counting(2, 3), 2, 1).toArray()).toEqual([[2, 1], [5, 7]]);
    expect(scatterAdd(1, input([5]), 3).toArray()).toEqual([0, 5, 0]);
    expect(scatterAdd([], zeros([0, 2]), 2).toArray()).toEqual([[0, 0], [0, 0]]);
    expect(scatterAdd([], zeros([0]), 0).shape).toEqual([0]);
  });

  it("is the adjoint of gather", () => {
    expect(gradientOf((x) => scatterAdd([2, 0, 2], x, 3), zeros([3]), [1, 2, 3])).toEqual([3, 1, 3]);
    forAll(30, 100, (draw) => {
      const shape = draw.shape(1, 3, false);
      const axis = draw.axis(shape.length);
      const indices = draw.indices(draw.integer(0, 9), shape.at(axis) as number);
      const x = counting(...shape);
      const y = gather(x, indices, axis);
      const weights = add(y, 1);
      // ⟨gather(x), w⟩ = ⟨x, scatterAdd(w)⟩, exact in integers
      expect(sum(mul(y, weights)).item()).toBe(sum(mul(x, scatterAdd(indices, weights, shape.at(axis) as number, axis))).item());
    });
  });
});

describeOnEach("many updates of the same row", () => {
  it("add up exactly where nothing rounds, whichever rows have how many", () => {
    // Counts about one block of 256, some blocks, and more than a block of blocks.
    for (const [outer, count, inner, size] of [
      [1, 255, 1, 2], [2, 256, 3, 2], [1, 257, 1, 1], [3, 1000, 1, 3], [2, 1500, 7, 5], [1, 3000, 18, 300], [2, 140_000, 1, 3], [1, 70_000, 5, 2],
    ]) {
      const rows = Array.from({ length: count }, (_, j) => (j % 7 < 4 ? size - 1 : (j * 31) % size));
      const updates = Float32Array.from({ length: outer * count * inner }, (_, i) => (i % 5) - 1);
      const expected = new Float64Array(outer * size * inner);
      for (let i = 0; i < updates.length; i++) {
        const [o, j] = [Math.floor(i / inner / count), Math.floor(i / inner) % count];
        expected[(o * size + rows[j]) * inner + (i % inner)] += updates[i];
      }
      expect([...scatterAdd(rows, input(updates, [outer, count, inner]), size, 1).data], `${[outer, count, inner, size]}`).toEqual([...expected]);
    }
  });

});

describe.each(fastDevices)("very many updates of the same row, on %s", (_, device) => {
  it.each([1, 9])("round no more often than blocks of 256 do, and blocks of these, as do gradients of look-ups: %i wide", (width) => {
    const count = 140_000;
    const exact = (i: number): number => Math.fround(i % 2 === 0 ? 0.1 : 0.3);
    // So many updates are blocks, blocks of blocks, and a part of one of those: each update meets the roundings of its block at each level.
    const least = 3 * 256 * 2 ** -24 * exact(1) * count;
    const rows = new Int32Array(count).fill(1);
    const isNear = (found: ArrayLike<number>): void => {
      for (let i = 0; i < width; i++) expect(Math.abs(found[width + i] - exact(i) * count)).toBeLessThan(least);
      expect(found[0]).toBe(0);
    };
    on(device, () => {
      const updates = input(Float32Array.from({ length: count * width }, (_, i) => exact(i % width)), [count, width]);
      isNear(scatterAdd(rows, updates, 3).data);
      const table = parameter(zeros([3, width]));
      grad(() => sum(mul(gather(table, rows), updates)));
      isNear((table.grad as Variable).data);
      // A list of lists gives the sum of rows of each.
      isNear(embed(input(updates.data.slice(0, width), [1, width]), [[], new Array<number>(count).fill(0)]).data);
    });
  });
});

describeOnEach("oneHot", () => {
  it("is 1 at the index", () => {
    expect(oneHot(1, 3).toArray()).toEqual([0, 1, 0]);
    expect(oneHot([2, 0], 3).toArray()).toEqual([[0, 0, 1], [1, 0, 0]]);
    expect(oneHot(input([[0], [1]]), 2).toArray()).toEqual([[[1, 0]], [[0, 1]]]);
    expect(oneHot([], 3).shape).toEqual([0, 3]);
  });

  it("takes indices that the step computes, and refuses those that are out of range", () => {
    expect(evaluate(() => oneHot(argmax(input([[1, 5, 2]])), 3)).toArray()).toEqual([[0, 1, 0]]);
    expect(() => evaluate(() => oneHot(add(input([1]), 2), 3))).toThrow(ValueError);
  });

  it("passes no gradient to its indices", () => {
    const x = input([1, 0]);
    expect(gradients(() => sum(oneHot(x, 2)), [x])[0].toArray()).toEqual([0, 0]);
  });
});

describe("the wrong use of indices", () => {
  const x = zeros([3, 2]);

  it.each<[string, () => unknown, RegExp]>([
    ["beyond the end", () => gather(x, 3), /gather got index 3: an index or label here is an integer from 0 to 2.*Labels count from 0/],
    ["negative", () => gather(x, [-1]), /gather got index -1/],
    ["a fraction", () => embed(x, [0.5]), /got index 0.5/],
    ["NaN", () => gather(x, [NaN]), /got index NaN/],
    ["beyond the depth", () => oneHot([3], 3), /oneHot got index 3/],
    ["of an array", () => scatterAdd([0, 5], zeros([2]), 5), /scatterAdd got index 5/],
    ["of a Variable", () => gather(x, input([0, 7])), /gather got index 7/],
    ["in a typed array", () => gather(x, Int32Array.of(9)), /got index 9/],
    ["a string", () => gather(x, "1" as never), /gather takes an integer, a list, a typed array or a Variable of indices, but got "1"/],
    ["nothing", () => gather(x, undefined as never), /but got undefined/],
    ["of the lists of embed", () => embed(x, [[0], [3]]), /got index 3/],
    ["mixed with lists", () => embed(x, [[0], 1] as never), /mixes indices and lists/],
    ["into nothing", () => gather(zeros([0, 2]), 0), /got index 0/],
    ["a depth of 0", () => oneHot([], 0), /oneHot takes an integer of at least 1 as depth, but got 0/],
    ["a negative size", () => scatterAdd([0], zeros([1]), -1), /scatterAdd takes an integer of at least 0 as size/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ValueError);
    expect(f).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["an axis that is not there", () => gather(x, 0, 2), /gather got axis 2 for shape \[3, 2\]/],
    ["entries of a scalar", () => gather(zeros([]), 0), /a scalar has none/],
    ["a table that is a scalar", () => embed(zeros([]), 0), /embed takes a table of shape \[rows, ...\]/],
    ["too few indices", () => scatterAdd([0], zeros([2]), 3), /scatterAdd got indices \[1\] for updates \[2\]: axis 0 needs a list of 2 indices/],
    ["indices that are no list", () => scatterAdd(input([[0, 1]]), zeros([2]), 3), /needs a list of 2 indices/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });
});
