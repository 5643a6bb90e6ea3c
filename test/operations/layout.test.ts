import { describe, expect, it } from "vitest";
import {
  add, arange, concat, decat, evaluate, flip, gradients, input, mul, ones, pad, permute, type Range, ShapeError, slice, squeeze, stack, sum, transpose,
  unsqueeze, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { counting, describeOnEach, forAll, gradientOf, indicesOf } from "./harness.ts";
import { testOperations } from "./suite.ts";
import { entries } from "./table/layout.ts";

testOperations(entries);

describeOnEach("permute and transpose", () => {
  it("reorder axes", () => {
    expect(permute(counting(2, 3), [1, 0]).toArray()).toEqual([[0, 3], [1, 4], [2, 5]]);
    expect(permute(counting(2, 1, 3), [2, 0, 1]).toArray()).toEqual([[[0], [3]], [[1], [4]], [[2], [5]]]);
    expect(permute(counting(2, 3), [-1, -2]).shape).toEqual([3, 2]);
    expect(transpose(counting(2, 3)).toArray()).toEqual([[0, 3], [1, 4], [2, 5]]);
    expect(transpose(counting(2, 2, 2)).toArray()).toEqual([[[0, 2], [1, 3]], [[4, 6], [5, 7]]]);
    expect(transpose(counting(2, 3, 1), 0, -1).shape).toEqual([1, 3, 2]);
    expect(transpose(zeros([0, 3])).shape).toEqual([3, 0]);
  });

  it("leave vectors and numbers as they are", () => {
    expect(transpose(counting(3)).toArray()).toEqual([0, 1, 2]);
    expect(transpose(input(5)).item()).toBe(5);
    expect(permute(input(5), []).item()).toBe(5);
  });

  it("bring gradients back", () => {
    expect(gradientOf((x) => permute(x, [2, 0, 1]), zeros([2, 1, 3]), [[[1], [2]], [[3], [4]], [[5], [6]]])).toEqual([[[1, 3, 5]], [[2, 4, 6]]]);
  });

  it("follow their definition in up to four axes", () => {
    forAll(60, 200, (draw) => {
      const shape = draw.shape();
      const order = draw.random.shuffle(shape.map((_, i) => i));
      const found = permute(counting(...shape), order);
      const permuted = order.map((axis) => shape[axis]);
      expect(found.shape).toEqual(permuted);
      const elements = indicesOf(permuted).map((index) => shape.reduce((at, size, axis) => at * size + index[order.indexOf(axis)], 0));
      expect([...found.data]).toEqual(elements);
    });
  });
});

/** What Python answers for list(range(n))[start:stop:step]. */
const pythonSlices: [n: number, range: Exclude<Range, number | null>, number[]][] = [
  [5, [], [0, 1, 2, 3, 4]], [5, [1, 4], [1, 2, 3]], [5, [-2], [3, 4]], [5, [undefined, -1], [0, 1, 2, 3]], [5, [10, 20], []], [5, [-10, 3], [0, 1, 2]],
  [5, [3, 1], []], [5, [undefined, undefined, 2], [0, 2, 4]], [5, [1, undefined, 2], [1, 3]], [5, [undefined, undefined, -1], [4, 3, 2, 1, 0]],
  [5, [3, undefined, -1], [3, 2, 1, 0]], [5, [undefined, 1, -2], [4, 2]], [5, [-1, -10, -2], [4, 2, 0]], [5, [10, -10, -3], [4, 1]],
  [5, [-10, undefined, -1], []], [5, [0, undefined, -1], [0]], [5, [4, 4, 1], []], [5, [undefined, undefined, 7], [0]], [5, [undefined, undefined, -7], [4]],
  [1, [1, 4], []], [1, [undefined, -1], []], [1, [-10, 3], [0]], [1, [-1, -10, -2], [0]], [1, [10, -10, -3], [0]], [1, [undefined, 1, -2], []],
  [0, [], []], [0, [-2], []], [0, [undefined, undefined, -1], []], [0, [10, -10, -3], []],
];

describeOnEach("slice", () => {
  it.each(pythonSlices)("of %i elements by %j is what Python says", (n, range, expected) => {
    expect(slice(arange(n), range).toArray()).toEqual(expected);
    // And along either axis of a matrix.
    expect(slice(counting(n, 2), range).toArray()).toEqual(expected.map((i) => [2 * i, 2 * i + 1]));
    expect(slice(counting(2, n), null, range).toArray()).toEqual([expected, expected.map((i) => i + n)]);
  });

  it("does the same along several axes at once", () => {
    forAll(60, 200, (draw) => {
      const chosen = Array.from({ length: draw.integer(0, 4) }, () => draw.pick(pythonSlices));
      const shape = chosen.map(([n]) => n);
      const indices = chosen.reduce<number[]>((flat, [n, , part]) => flat.flatMap((at) => part.map((i) => at * n + i)), [0]);
      const found = slice(counting(...shape), ...chosen.map(([, range]) => range));
      expect(found.shape).toEqual(chosen.map(([, , part]) => part.length));
      expect([...found.data]).toEqual(indices);
    });
  });

  it("takes an index, all of an axis, and leaves the others whole", () => {
    const x = counting(2, 3, 2);
    expect(slice(x, 1).toArray()).toEqual([[6, 7], [8, 9], [10, 11]]);
    expect(slice(x, -1, 0).toArray()).toEqual([6, 7]);
    expect(slice(x, 1, 2, 1).item()).toBe(11);
    expect(slice(x, null, 1).toArray()).toEqual([[2, 3], [8, 9]]);
    expect(slice(x, null, null, -1).toArray()).toEqual([[1, 3, 5], [7, 9, 11]]);
    expect(slice(x, [0, 1], [1, 3]).toArray()).toEqual([[[2, 3], [4, 5]]]);
    expect(slice(x).toArray()).toEqual(x.toArray());
  });

  it("puts gradients where the values came from", () => {
    expect(gradientOf((x) => slice(x, [1, 3]), zeros([4]), [5, 6])).toEqual([0, 5, 6, 0]);
    expect(gradientOf((x) => slice(x, [undefined, undefined, -2]), zeros([5]), [1, 2, 3])).toEqual([3, 0, 2, 0, 1]);
    expect(gradientOf((x) => slice(x, null, -1), zeros([2, 3]), [7, 8])).toEqual([[0, 0, 7], [0, 0, 8]]);
    expect(gradientOf((x) => slice(x, [3, 1]), zeros([4]))).toEqual([0, 0, 0, 0]);
  });

  it("is a view of what the step computes, and still a value of its own", () => {
    const x = counting(4);
    const { a, b } = evaluate(() => {
      const y = mul(x, 2);
      const [first, last] = [slice(y, [0, 3]), slice(y, [1, 4])];
      return { a: add(first, last), b: mul(first, 10) };
    });
    expect(a.toArray()).toEqual([2, 6, 10]);
    expect(b.toArray()).toEqual([0, 20, 40]);
  });
});

describeOnEach("flip", () => {
  it("reverses axes", () => {
    const x = counting(2, 3);
    expect(flip(x).toArray()).toEqual([[5, 4, 3], [2, 1, 0]]);
    expect(flip(x, 0).toArray()).toEqual([[3, 4, 5], [0, 1, 2]]);
    expect(flip(x, -1).toArray()).toEqual([[2, 1, 0], [5, 4, 3]]);
    expect(flip(x, []).toArray()).toEqual(x.toArray());
    expect(flip(input(3)).item()).toBe(3);
    expect(gradientOf((v) => flip(v, 1), zeros([2, 2]), [[1, 2], [3, 4]])).toEqual([[2, 1], [4, 3]]);
  });
});

describeOnEach("pad", () => {
  it("puts zeros around", () => {
    expect(pad(ones([2]), [[1, 2]]).toArray()).toEqual([0, 1, 1, 0, 0]);
    expect(pad(counting(1, 2), [[1, 0], [0, 1]]).toArray()).toEqual([[0, 0, 0], [0, 1, 0]]);
    expect(pad(zeros([0, 2]), [[1, 1], [0, 0]]).toArray()).toEqual([[0, 0], [0, 0]]);
    expect(pad(input(5), []).item()).toBe(5);
    expect(pad(input([Infinity, NaN]), [[1, 1]]).toArray()).toEqual([0, Infinity, NaN, 0]);
    expect(gradientOf((x) => pad(x, [[1, 2]]), zeros([2]), [1, 2, 3, 4, 5])).toEqual([2, 3]);
  });

  it("follows its definition in up to four axes", () => {
    forAll(40, 60, (draw) => {
      const shape = draw.shape();
      const widths = shape.map((): [number, number] => [draw.integer(0, 3), draw.integer(0, 3)]);
      const found = pad(add(counting(...shape), 1), widths);
      const wide = shape.map((size, i) => widths[i][0] + size + widths[i][1]);
      expect(found.shape).toEqual(wide);
      expect([...found.data]).toEqual(indicesOf(wide).map((index) => {
        const inner = index.map((i, axis) => i - widths[axis][0]);
        return inner.some((i, axis) => i < 0 || i >= shape[axis]) ? 0 : inner.reduce((at, i, axis) => at * shape[axis] + i, 0) + 1;
      }));
    });
  });
});

describeOnEach("concat, stack and decat", () => {
  it("pass each input its part of a gradient, also where two of them get the same gradient", () => {
    const [x, y, u, v] = [arange(1, 3), arange(3, 7), arange(7, 12), arange(12, 13)];
    const weight = arange(0, 6);
    const found = gradients(() => sum(mul(add(concat([x, y]), concat([u, v])), weight)), [x, y, u, v]);
    expect(found.map((g) => g.toArray())).toEqual([[0, 1], [2, 3, 4, 5], [0, 1, 2, 3, 4], [5]]);
  });

  it("join and split", () => {
    const [a, b] = [counting(2, 2), mul(ones([1, 2]), 9)];
    expect(concat([a, b]).toArray()).toEqual([[0, 1], [2, 3], [9, 9]]);
    expect(concat([a, transpose(b), a], -1).toArray()).toEqual([[0, 1, 9, 0, 1], [2, 3, 9, 2, 3]]);
    expect(concat([zeros([0, 2]), b, zeros([0, 2])]).toArray()).toEqual([[9, 9]]);
    expect(concat([a]).toArray()).toEqual(a.toArray());
    expect(stack([input(1), input(2)]).toArray()).toEqual([1, 2]);
    expect(stack([counting(2), counting(2)], 1).toArray()).toEqual([[0, 0], [1, 1]]);
    expect(stack([counting(2), counting(2)], -1).toArray()).toEqual([[0, 0], [1, 1]]);
    expect(stack([counting(2)]).toArray()).toEqual([[0, 1]]);
    expect(decat(counting(2, 2)).map((row) => row.toArray())).toEqual([[0, 1], [2, 3]]);
    expect(decat(counting(2, 2), 1).map((row) => row.toArray())).toEqual([[0, 2], [1, 3]]);
    expect(decat(counting(3)).map((row) => row.item())).toEqual([0, 1, 2]);
    expect(decat(zeros([0, 2]))).toEqual([]);
    expect(decat(zeros([2, 0])).map((row) => row.shape)).toEqual([[0], [0]]);
  });

  it("join along every axis", () => {
    forAll(40, 100, (draw) => {
      const shape = draw.shape(1);
      const axis = draw.integer(0, shape.length - 1);
      const sizes = Array.from({ length: draw.integer(1, 4) }, () => draw.integer(0, 5));
      const parts = sizes.map((size, k) => add(counting(...shape.with(axis, size)), 1000 * k));
      const found = concat(parts, axis - (draw.oneIn(2) ? shape.length : 0));
      const joined = shape.with(axis, sizes.reduce((a, b) => a + b));
      expect(found.shape).toEqual(joined);
      expect([...found.data]).toEqual(indicesOf(joined).map((index) => {
        let [k, i] = [0, index[axis]];
        while (i >= sizes[k]) i -= sizes[k++];
        return 1000 * k + index.with(axis, i).reduce((at, j, a) => at * (a === axis ? sizes[k] : shape[a]) + j, 0);
      }));
    });
  });

  it("are inverse to each other along every axis", () => {
    forAll(30, 100, (draw) => {
      const shape = draw.shape(1, 4, false);
      const axis = draw.axis(shape.length);
      const x = counting(...shape);
      const back = evaluate(() => stack(decat(mul(x, 1), axis), axis));
      expect(back.toArray()).toEqual(x.toArray());
    });
  });

  it("split and join gradients", () => {
    const [a, b] = [zeros([2]), zeros([1])];
    expect(gradients(() => sum(mul(concat([a, b, a]), input([1, 2, 3, 4, 5]))), [a, b]).map((g) => g.toArray())).toEqual([[5, 7], [3]]);
    expect(gradientOf((x) => decat(x).reduce((total, row, i) => add(total, mul(row, i + 1)), zeros([2])), zeros([3, 2]))).toEqual([[1, 1], [2, 2], [3, 3]]);
  });
});

describeOnEach("squeeze and unsqueeze", () => {
  it("remove and insert axes of size 1", () => {
    expect(squeeze(zeros([1, 2, 1])).shape).toEqual([2]);
    expect(squeeze(zeros([1, 2, 1]), -1).shape).toEqual([1, 2]);
    expect(squeeze(zeros([1, 2, 1]), [0, 2]).shape).toEqual([2]);
    expect(squeeze(zeros([2])).shape).toEqual([2]);
    expect(unsqueeze(zeros([2, 3]), 0).shape).toEqual([1, 2, 3]);
    expect(unsqueeze(zeros([2, 3]), 2).shape).toEqual([2, 3, 1]);
    expect(unsqueeze(zeros([2, 3]), -1).shape).toEqual([2, 3, 1]);
    expect(unsqueeze(input(4), 0).toArray()).toEqual([4]);
  });
});

describe("the wrong use of layouts", () => {
  const x = zeros([2, 3]);

  it.each<[string, () => unknown, RegExp]>([
    ["an order that names an axis twice", () => permute(x, [0, 0]), /permute got order \[0, 0\] for shape \[2, 3\]: name each of its 2 axes once/],
    ["an order that is too short", () => permute(x, [0]), /name each of its 2 axes once/],
    ["an order with another axis", () => permute(x, [0, 2]), /permute got axis 2/],
    ["an axis to transpose that is not there", () => transpose(x, 0, 2), /transpose got axis 2/],
    ["too many ranges", () => slice(x, 0, 0, 0), /slice got 3 ranges for shape \[2, 3\], which has 2 axes/],
    ["an index beyond the end", () => slice(x, 2), /slice got index 2 for axis 0 of shape \[2, 3\]: an index is an integer from -2 to 1/],
    ["a fractional index", () => slice(x, 0.5), /slice got index 0.5/],
    ["a step of 0", () => slice(x, [0, 1, 0]), /a step that is not 0/],
    ["a fractional range", () => slice(x, [0.5, 1]), /give integers/],
    ["a range of NaN", () => slice(x, [NaN, 1]), /give integers/],
    ["a range that is a string", () => slice(x, "1:2" as unknown as Range), /slice got "1:2" for axis 0 of shape \[2, 3\]: give an index, a range/],
    ["too few margins", () => pad(x, [[1, 1]]), /pad takes a pair \[before, after\]/],
    ["negative margins", () => pad(x, [[-1, 0], [0, 0]]), /integers of at least 0/],
    ["other axes that differ", () => concat([zeros([2, 3]), zeros([2, 4])]), /concat along axis 0 got shapes \[2, 3\] and \[2, 4\]: all other axes must agree/],
    ["other ranks", () => concat([zeros([2]), zeros([2, 1])]), /all other axes must agree/],
    ["scalars to concatenate", () => concat([zeros([]), zeros([])]), /Use stack/],
    ["shapes to stack that differ", () => stack([zeros([2]), zeros([3])]), /stack got shapes \[2\] and \[3\]/],
    ["a scalar to split", () => decat(zeros([])), /a scalar has none/],
    ["an axis to squeeze of another size", () => squeeze(x, 0), /squeeze got axis 0 of shape \[2, 3\]: only an axis of size 1 can be removed/],
    ["a place beyond the end", () => unsqueeze(x, 3), /unsqueeze got axis 3/],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ShapeError);
    expect(f).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["no list", () => concat(x as never), /concat takes a list of at least one Variable, but got a Variable \[/],
    ["an empty list", () => stack([]), /stack takes a list of at least one Variable, but got an empty list/],
    ["numbers in the list", () => stack([1, 2] as never), /stack takes a Variable, but got 1/],
    ["no order", () => permute(x, undefined as never), /permute takes a list of axes as order, but got undefined/],
    [
      "an array for a Variable", () => transpose([[1]] as unknown as Variable),
      /transpose takes a Variable, but got an array of 1. Wrap numbers and arrays with/,
    ],
  ])("%s", (_, f, message) => {
    expect(f).toThrow(ValueError);
    expect(f).toThrow(message);
  });
});
