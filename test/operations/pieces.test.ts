import { describe, expect, it } from "vitest";
import { Bidirectional, Embedding, Lstm } from "../../src/components/index.ts";
import { currentDevice } from "../../src/devices/current.ts";
import type { Program } from "../../src/devices/device.ts";
import {
  add, concat, decat, evaluate, flip, gather, grad, gradients, input, memory, mul, type Parameter, parameter, permute, Random, randn, reshape, slice, stack,
  sum, tanh, transpose, type Variable, zeros,
} from "../../src/index.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { describeOnEach } from "./harness.ts";

/** The elements that the arenas of a step's runs hold, all together. */
function arenaOf(step: () => unknown): number {
  const device = currentDevice();
  const { run } = device;
  let elements = 0;
  device.run = (executable, ...rest) => {
    elements += (executable as unknown as { program: Program }).program.arena;
    return run.call(device, executable, ...rest);
  };
  try {
    step();
  } finally {
    device.run = run;
  }
  return elements;
}

const total = (xs: readonly Variable[]): Variable => xs.reduce((a, b) => add(a, b));

/** A loss that uses parts of an array, each with its own weight: Σₖ (k + 1) · Σ part². */
const lossOf = (parts: readonly Variable[]): Variable => total(parts.map((part, k) => mul(sum(mul(part, part)), k + 1)));

/** Its gradient, by a loop over the same parts of an array of indices. */
function gradientOf(shape: readonly number[], values: ArrayLike<number>, partsOf: (x: Variable) => readonly Variable[]): number[] {
  const indices = input(Float32Array.from({ length: sizeOf(shape) }, (_, i) => i), shape);
  const gradient = new Array<number>(sizeOf(shape)).fill(0);
  evaluate(() => [...partsOf(indices)]).forEach((part, k) => { for (const i of part.data) gradient[i] += 2 * (k + 1) * values[i]; });
  return gradient;
}

const few = (x: Variable): Variable => slice(x, [1, 5, 2]);
const tails = (x: Variable): Variable[] => {
  const found: Variable[] = [];
  for (let rest = x; rest.shape[0] > 1; rest = slice(rest, [1])) found.push(slice(rest, 0));
  return found;
};
const halves = (x: Variable): Variable[] =>
  x.shape[0] < 2 ? [x] : [...halves(slice(x, [0, x.shape[0] >> 1])), ...halves(slice(x, [x.shape[0] >> 1]))];

/** Ways to use parts of an array [6, 4]. */
const ways: Record<string, (x: Variable) => readonly Variable[]> = {
  "its rows": (x) => decat(x),
  "its columns": (x) => decat(x, 1),
  "one of its rows": (x) => [slice(x, -2)],
  "some of its rows": (x) => [1, 4, 2].map((i) => slice(x, i)),
  "rows and all of it": (x) => [...decat(x), x, reshape(x, [24]), transpose(x)],
  "windows that overlap": (x) => [0, 1, 2, 3].map((i) => slice(x, [i, i + 3])),
  "windows with gaps": (x) => [0, 3].map((i) => slice(x, [i, i + 2])),
  "the same rows again and again": (x) => Array.from({ length: 40 }, (_, i) => slice(x, i % 2)),
  "every other row": (x) => [slice(x, [0, undefined, 2]), slice(x, [1, undefined, 2])],
  "rows from the last to the first": (x) => [slice(x, [undefined, undefined, -1]), slice(x, [4, 1, -2]), flip(x), flip(x, 1)],
  "tiles": (x) => [0, 1, 2].flatMap((i) => [0, 1].map((j) => slice(x, [2 * i, 2 * i + 2], [2 * j, 2 * j + 2]))),
  "tiles that overlap": (x) => [0, 1, 2].flatMap((i) => [0, 1].map((j) => slice(x, [i, i + 3], [j, undefined, 2]))),
  "nothing of it": (x) => [slice(x, [2, 2]), slice(x, null, [4])],
  "elements of rows": (x) => decat(x).flatMap((row) => decat(row)),
  "elements by two indices": (x) => [0, 1, 5].flatMap((i) => [3, 0].map((j) => slice(slice(x, i), j))),
  "what is left": tails,
  "halves of halves": halves,
  "the diagonal, as a view of all elements": (x) => [slice(reshape(x, [24]), [0, 24, 5]), slice(reshape(x, [24]), [3, 24])],
  "columns as rows": (x) => [...decat(transpose(x)), slice(transpose(x), [1, 3], [0, undefined, 2])],
  "parts of parts in other shapes": (x) => {
    const y = reshape(slice(x, [1, 5]), [2, 2, 4]);
    return [
      slice(y, 0), slice(y, 1, 1), slice(permute(y, [2, 0, 1]), [0, undefined, 3]), slice(reshape(slice(y, null, 0), [8]), [1, 7, 3]),
      few(reshape(y, [16])),
    ];
  },
  "parts of columns, which lie apart": (x) => {
    const y = slice(x, null, [1, 3]);
    return [slice(reshape(y, [12]), [1, 4]), slice(reshape(y, [3, 4]), 1), y];
  },
  "parts that are joined": (x) => [concat([slice(x, [0, 2]), slice(x, [1, 4])]), stack([slice(x, 1), slice(x, 1), slice(x, 3)])],
};

describeOnEach("gradients of arrays that are used in parts", () => {
  const values = randn([6, 4], new Random(3)).data;
  /** As many digits as float64, or float32 with sums of some hundreds, have. */
  const digits = (): number => (currentDevice().name === "reference" ? 12 : 3);

  it.each(Object.keys(ways))("are those of a loop: %s", (way) => {
    const x = parameter(input(values, [6, 4]));
    const expected = gradientOf([6, 4], values, ways[way]);
    for (let run = 0; run < 5; run++) { // planned anew with fusion after three
      x.clearGrad();
      grad(() => add(lossOf(ways[way](x)), mul(sum(x), 0)));
      const found = [...(x.grad as Variable).data];
      found.forEach((value, i) => { expect(value).toBeCloseTo(expected[i], digits()); });
    }
  });

  it("are the same for parts whose own gradients are asked for", () => {
    const x = input(values, [6, 4]);
    const found = evaluate(() => {
      let parts: Variable[] = [];
      const y = slice(x, [1, 5]);
      const z = reshape(slice(y, [0, 2]), [8]);
      const loss = (): Variable => {
        parts = [slice(z, [1, 3]), slice(z, [2, 7, 2]), slice(y, 3)];
        return lossOf(parts);
      };
      return [x, y, z].map((by) => gradients(loss, [by])[0]).concat(gradients(loss, [z, y, x]));
    });
    const ofX = gradientOf([6, 4], values, (all) => {
      const y = slice(all, [1, 5]);
      const z = reshape(slice(y, [0, 2]), [8]);
      return [slice(z, [1, 3]), slice(z, [2, 7, 2]), slice(y, 3)];
    });
    const expected = [ofX, ofX.slice(4, 20), ofX.slice(4, 12)];
    [...expected, expected[2], expected[1], expected[0]].forEach((gradient, i) => {
      gradient.forEach((value, at) => { expect(found[i].data[at]).toBeCloseTo(value, digits()); });
    });
  });

  it("can be differentiated again", () => {
    // Σₖ (k + 1) Σ part³, of windows: its gradient is 3 (k + 1) part², and that of Σ g² is 2 g · 6 (k + 1) part, added up over the windows.
    const x = parameter(input(values, [6, 4]));
    grad(() => {
      const [g] =
        gradients(() => total([0, 1, 2, 3].map((k) => { const part = slice(x, [k, k + 3]); return mul(sum(mul(mul(part, part), part)), k + 1); })), [x]);
      return add(sum(mul(g, g)), sum(slice(g, 2)));
    });
    const factor = Array.from({ length: 6 }, (_, i) => [0, 1, 2, 3].reduce((sum, k) => sum + (i >= k && i < k + 3 ? k + 1 : 0), 0));
    const found = (x.grad as Variable).data;
    values.forEach((value, i) => {
      const f = factor[i >> 2];
      const expected = 2 * (3 * f * value ** 2) * (6 * f * value) + (i >> 2 === 2 ? 6 * f * value : 0);
      expect(Math.abs(found[i] - expected)).toBeLessThan((currentDevice().name === "reference" ? 1e-12 : 1e-5) * (1 + Math.abs(expected)));
    });
  });

  it("are added up of entries that are looked up along any axis", () => {
    const lists = [[0, 3], [3], [4, 4, 1], [2, 0, 3, 3]];
    for (const axis of [0, 1, 2]) {
      const x = parameter(zeros([5, 5, 5]));
      // Σₖ (k + 1) Σ (found + found²) at 0: each entry gets k + 1 as often as it is in list k.
      grad(() => total(lists.map((list, k) => { const found = gather(x, list, axis); return mul(sum(add(found, mul(found, found))), k + 1); })));
      const weights = [0, 1, 2, 3, 4].map((entry) => lists.reduce((all, list, k) => all + (k + 1) * list.filter((each) => each === entry).length, 0));
      const expected = Array.from({ length: 125 }, (_, i) => weights[Math.floor(i / 5 ** (2 - axis)) % 5]);
      expect([...(x.grad as Variable).data]).toEqual(expected);
    }
  });

  /** Steps on an array [n, 8], and how many of its size they may need. */
  const steps: Record<string, (x: Parameter) => Variable> = {
    "rows": (x) => lossOf(decat(x)),
    "columns": (x) => lossOf(decat(reshape(x, [8, -1]), 1)),
    "windows": (x) => lossOf(Array.from({ length: x.shape[0] - 3 }, (_, i) => slice(x, [i, i + 4]))),
    "every n-th row": (x) => lossOf(Array.from({ length: 16 }, (_, i) => slice(x, [i, undefined, 16]))),
    "what is left": (x) => lossOf(tails(x)),
    "halves": (x) => lossOf(halves(x)),
    "elements of rows": (x) => lossOf(Array.from({ length: x.shape[0] }, (_, i) => slice(slice(x, i), i % 8))),
    "rows, differentiated twice": (x) => {
      const [g] = gradients(() => lossOf(decat(x)), [x]);
      return lossOf(decat(g));
    },
    "rows, after a look": (x) => {
      const [g] = gradients(() => lossOf(decat(x)), [x]);
      slice(g, 0).data;
      return lossOf([g, x]);
    },
    "rows by number": (x) => lossOf(Array.from({ length: x.shape[0] }, (_, i) => gather(x, [i, 0]))),
    "columns by number": (x) => { const y = reshape(x, [8, -1]); return lossOf(Array.from({ length: y.shape[1] }, (_, i) => gather(y, [i, 0], 1))); },
    "two sequences": (x) => lossOf([...decat(x).map((row) => tanh(row)), ...decat(x).reverse()]),
  };
  it.each(Object.keys(steps))("take memory in proportion to the parts: %s", (name) => {
    const [small, large] = [256, 512].map((n) => arenaOf(() => {
      const x = parameter(zeros([n, 8]));
      return grad(() => steps[name](x));
    }));
    expect(large / small).toBeLessThan(2.3);
  });
});

describe("gradients of sequences", () => {
  it("take memory in proportion to their length", () => {
    const random = new Random(8);
    const embedding = new Embedding({ inputs: 11, outputs: 16 });
    const lstm = new Lstm({ inputs: 16, outputs: 4 });
    const both = new Bidirectional({ forward: new Lstm({ inputs: 16, outputs: 4 }), backward: new Lstm({ inputs: 16, outputs: 4 }) });
    const text = (steps: number): Variable => input(Float32Array.from({ length: 2 * steps }, () => random.integer(0, 11)), [2, steps]);
    const losses = [
      (x: Variable) => sum(lstm.unfold(embedding.forward(x))),
      (x: Variable) => sum(both.unfold(embedding.forward(x))),
      (x: Variable) => { const e = embedding.forward(x); return add(sum(lstm.unfold(e)), sum(lstm.unfold(flip(e, 1)))); },
      (x: Variable) => sum(concat(lstm.unfold(decat(embedding.forward(x), 1)))),
    ];
    for (const loss of losses) {
      const [small, large] = [64, 128].map((steps) => { const x = text(steps); return arenaOf(() => grad(() => loss(x))); });
      expect(large / small).toBeLessThan(2.2);
    }
  });

  it("of thousands of rows take a few times their size", () => {
    const x = parameter(zeros([12_000, 8]));
    grad(() => lossOf(decat(x)));
    expect(memory().arena).toBeLessThan(10 * 4 * x.size);
    expect([...(x.grad as Variable).data].every((value) => value === 0)).toBe(true);
  });
});
