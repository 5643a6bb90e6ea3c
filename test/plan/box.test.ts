import { describe, expect, it } from "vitest";
import { Random } from "../../src/index.ts";
import { type Box, compose, whole } from "../../src/plan/box.ts";
import { type Shape, sizeOf, stridesOf } from "../../src/support/shape.ts";

/** The elements of a box, by its definition. */
function elementsOf({ offset, sizes, strides }: Box): number[] {
  return sizes.reduce<number[]>((before, size, axis) => before.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])), [offset]);
}

/** A view of an array as slices, permutations and reshapes make it. */
function draw(random: Random, shape: Shape): Box {
  switch (random.integer(0, 3)) {
    case 0: return whole([shape, [sizeOf(shape)], [...shape, 1], [1, sizeOf(shape)]][random.integer(0, 4)]);
    case 1: {
      const order = random.shuffle(shape.map((_, i) => i));
      return { offset: 0, sizes: order.map((axis) => shape[axis]), strides: order.map((axis) => stridesOf(shape)[axis]) };
    }
    default: {
      let offset = 0;
      const places = stridesOf(shape);
      const sizes: number[] = [];
      const strides = shape.map((size, axis) => {
        const [a, b] = [random.integer(0, size), random.integer(0, size)];
        const step = (b < a ? -1 : 1) * random.integer(1, 3);
        offset += a * places[axis];
        sizes.push(Math.floor(Math.abs(b - a) / Math.abs(step)) + 1);
        return step * places[axis];
      });
      return { offset, sizes, strides };
    }
  }
}

describe("a box of a box", () => {
  it("has the elements that it says, or is none", () => {
    const random = new Random(5);
    let composed = 0;
    for (let round = 0; round < 3000; round++) {
      const shape = Array.from({ length: random.integer(1, 4) }, () => random.integer(1, 6));
      const outer = draw(random, shape);
      const inner = draw(random, outer.sizes);
      const found = compose(outer, inner);
      const elements = elementsOf(outer);
      const expected = elementsOf(inner).map((i) => elements[i]);
      if (found === null) continue;
      composed++;
      expect(elementsOf(found), JSON.stringify([shape, outer, inner])).toEqual(expected);
    }
    expect(composed).toBeGreaterThan(2400);
  });

  it("is one through any number of slices, and through reshapes of what runs on", () => {
    let box = whole([8, 4, 6]);
    for (const inner of [{ offset: 24, sizes: [6, 4, 6], strides: [24, 6, 1] }, whole([6, 24]), { offset: 23, sizes: [3, 12], strides: [48, -2] }]) {
      box = compose(box, inner) as Box;
    }
    expect(box).toEqual({ offset: 24 + 23, sizes: [3, 12], strides: [48, -2] });
  });

  it("is none where it goes on from one row to the next of what has gaps", () => {
    const columns = { offset: 0, sizes: [3, 2], strides: [4, 1] };
    expect(compose(columns, { offset: 1, sizes: [2], strides: [1] })).toBe(null);
    expect(compose(columns, { offset: 0, sizes: [3], strides: [2] })).toEqual({ offset: 0, sizes: [3], strides: [4] });
  });
});
