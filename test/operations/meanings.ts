/**
 * What each operation computes, in plain numbers: closed forms, and loops over every index as in its definition. By the names of
 * specifications.ts. Arguments are those of the operation, with `Tensor`s in the place of Variables. Nothing of src/ computes here, so that a
 * wrong coefficient there does not pass; only the key and counter of a random generator are taken from it.
 */

import { Random } from "../../src/index.ts";
import { Tensor } from "./draw.ts";
import { asIndices, at, axesOf, axisOf, type Index, indices, lines, pointwise, reduced, shapeOf, sizeOf, spreadAt, tabulate, total } from "./plain.ts";

export type Meaning = (...args: never[]) => Tensor | Tensor[];
type Vector = readonly number[];
type Indices = number | readonly number[] | Int32Array | Tensor;

const { PI, exp, log, max, min, sqrt } = Math;

// -- numbers ------------------------------------------------------------------------------------------

/** As in C: JavaScript differs where 1 or −1 is taken to an infinite power, or 1 to NaN. */
const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
/** Hendrycks & Gimpel, arXiv:1606.08415: ½x(1 + tanh(√(2/π)(x + 0.044715x³))), where ½(1 + tanh u) is 1 / (1 + e⁻²ᵘ). At −∞ its limit. */
const gelu = (x: number): number => (x === -Infinity ? 0 : x / (1 + exp(-2 * sqrt(2 / PI) * (x + 0.044715 * x ** 3))));
const softplus = (x: number): number => max(x, 0) + Math.log1p(exp(-Math.abs(x)));
const relation = (holds: (a: number, b: number) => boolean): Meaning => pointwise((a, b) => (holds(a, b) ? 1 : 0)) as Meaning;

// -- lines --------------------------------------------------------------------------------------------

const softmax = (x: Vector): number[] => {
  const largest = max(...x);
  const powers = x.map((value) => exp(value - largest));
  const sum = total(powers);
  return powers.map((power) => power / sum);
};
const logSoftmax = (x: Vector): number[] => {
  const largest = max(...x);
  const sum = total(x.map((value) => exp(value - largest)));
  return x.map((value) => value - largest - log(sum));
};
/** What is infinite is the result. */
const logsumexp = (x: Vector): number => {
  const largest = max(...x);
  return Math.abs(largest) === Infinity ? largest : largest + log(total(x.map((value) => exp(value - largest))));
};
const mean = (x: Vector): number => total(x) / x.length;
/** The first largest, or the first NaN. */
const winner = (x: Vector): number => (x.some(Number.isNaN) ? x.findIndex(Number.isNaN) : x.indexOf(max(...x)));
const normalized = (x: Vector, epsilon: number): { normalized: number[]; deviation: number } => {
  const centre = mean(x);
  const deviation = sqrt(mean(x.map((value) => (value - centre) ** 2)) + epsilon);
  return { normalized: x.map((value) => (value - centre) / deviation), deviation };
};
const last = (x: Tensor): number => x.shape[x.shape.length - 1];
const outer = (x: Tensor): number[] => x.shape.slice(0, -1);
const lineOf = (x: Tensor, line: Index): number[] => Array.from({ length: last(x) }, (_, i) => at(x, [...line, i]));
/** A number for each line. */
const perLine = (x: Tensor, f: (values: number[], line: Index) => number): Tensor => tabulate(outer(x), (line) => f(lineOf(x, line), line));
/** Over a list, element by element. */
const overList = (f: (x: Vector) => number[]): Meaning => (xs: Tensor[]) => xs.map((x, k) => tabulate(x.shape, (index) => f(xs.map((y) => at(y, index)))[k]));

const logLoss = (scores: Vector, label: number): number => -logSoftmax(scores)[label];

// -- products -----------------------------------------------------------------------------------------

function matmul(a: Tensor, b: Tensor): Tensor {
  const [x, y] = [a.shape.length === 1 ? new Tensor([1, ...a.shape], a.values) : a, b.shape.length === 1 ? new Tensor([...b.shape, 1], b.values) : b];
  const [rows, columns, depth] = [x.shape.at(-2) as number, last(y), last(x)];
  const batch = pointwise(() => 0)(new Tensor(x.shape.slice(0, -2), x.values), new Tensor(y.shape.slice(0, -2), y.values)).shape;
  const found = tabulate([...batch, rows, columns], (index) => {
    const [p, i, j] = [index.slice(0, -2), index.at(-2) as number, index.at(-1) as number];
    const [left, right] = [x, y].map(({ shape }) => p.slice(p.length - shape.length + 2).map((k, axis) => (shape[axis] === 1 ? 0 : k)));
    return total(Array.from({ length: depth }, (_, l) => at(x, [...left, i, l]) * at(y, [...right, l, j])));
  });
  return new Tensor([...batch, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])], found.values);
}

/** x·wᵀ + b */
const linear = (w: Tensor, x: Tensor, b?: Tensor): Tensor => tabulate([...outer(x), w.shape[0]], (index) => {
  const [line, output] = [index.slice(0, -1), index.at(-1) as number];
  return total(lineOf(x, line).map((value, i) => value * at(w, [output, i]))) + (b === undefined ? 0 : b.values[output]);
});

// -- images -------------------------------------------------------------------------------------------

const places = (size: number, window: number, stride: number, padding = 0): number => Math.floor((size + 2 * padding - window) / stride) + 1;

/** An image's number, 0 beyond its margin. */
const pixel = (x: Tensor, before: Index, row: number, column: number): number => {
  const [height, width] = x.shape.slice(-2);
  return row < 0 || column < 0 || row >= height || column >= width ? 0 : at(x, [...before, row, column]);
};

function conv2d(x: Tensor, w: Tensor, b: Tensor | null, { stride, padding }: { stride: Vector; padding: Vector }): Tensor {
  const [outputs, ...kernel] = w.shape;
  const down = places(x.shape.at(-2) as number, kernel[1], stride[0], padding[0]);
  const across = places(x.shape.at(-1) as number, kernel[2], stride[1], padding[1]);
  return tabulate([...x.shape.slice(0, -3), outputs, down, across], (index) => {
    const [output, i, j] = index.slice(-3);
    const terms = indices(kernel).map(([c, k, l]) =>
      at(w, [output, c, k, l]) * pixel(x, [...index.slice(0, -3), c], i * stride[0] + k - padding[0], j * stride[1] + l - padding[1]));
    return total(terms) + (b === null ? 0 : b.values[output]);
  });
}

/** By each number of the kernel: what the windows have under it, times the gradients. */
const kernelGradient = (x: Tensor, g: Tensor, kernel: Vector, stride: Vector, padding: Vector): Tensor =>
  tabulate([g.shape[1], x.shape[1], ...kernel], ([output, c, k, l]) => total(indices([g.shape[0], ...g.shape.slice(2)]).map(([sample, i, j]) =>
    at(g, [sample, output, i, j]) * pixel(x, [sample, c], i * stride[0] + k - padding[0], j * stride[1] + l - padding[1]))));

/** Of a window: where its numbers are, and what share of the largest each is; of NaN, where there are some. */
function shares(x: Tensor, before: Index, [i, j]: Index, size: Vector, stride: Vector): { index: Index; share: number }[] {
  const all = indices(size).map(([k, l]) => [...before, i * stride[0] + k, j * stride[1] + l]);
  const values = all.map((index) => at(x, index));
  const isChosen = values.some(Number.isNaN) ? Number.isNaN : (value: number) => value === max(...values);
  const count = values.filter(isChosen).length;
  return all.map((index, k) => ({ index, share: isChosen(values[k]) ? 1 / count : 0 }));
}
const windows = (x: Tensor, size: Vector, stride: Vector): number[] =>
  [...x.shape.slice(0, -2), ...size.map((window, axis) => places(x.shape.at(axis - 2) as number, window, stride[axis]))];
const overWindows = (x: Tensor, size: Vector, stride: Vector, f: (entries: { index: Index; share: number }[]) => number): Tensor =>
  tabulate(windows(x, size, stride), (index) => f(shares(x, index.slice(0, -2), index.slice(-2), size, stride)));

// -- order --------------------------------------------------------------------------------------------

const join = (xs: readonly Tensor[], axis: number): Tensor => {
  const along = axisOf(axis, xs[0].shape.length);
  const parts = xs.flatMap((x) => Array.from({ length: x.shape[along] }, (_, i) => [x, i] as const));
  return tabulate(xs[0].shape.with(along, parts.length), (index) => at(parts[index[along]][0], index.with(along, parts[index[along]][1])));
};
const unsqueeze = (x: Tensor, axis: number): Tensor => new Tensor(x.shape.toSpliced(axisOf(axis, x.shape.length + 1), 0, 1), x.values);
const permute = (x: Tensor, axes: Index): Tensor => {
  const order = axesOf(axes, x.shape.length);
  return tabulate(order.map((axis) => x.shape[axis]), (index) => at(x, x.shape.map((_, axis) => index[order.indexOf(axis)])));
};

/** Which places a range names, as Python's slice.indices says; a number is one place, of an axis that is gone. */
function named(range: number | Vector | null | undefined, size: number): number[] {
  if (typeof range === "number") return [axisOf(range, size)];
  const [start, end, step = 1] = range ?? [];
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const bound = (value: number | undefined, otherwise: number): number => (value === undefined ? otherwise : min(max(value < 0 ? value + size : value, least), most));
  const found: number[] = [];
  const to = bound(end, step > 0 ? most : least);
  for (let i = bound(start, step > 0 ? least : most); step > 0 ? i < to : i > to; i += step) found.push(i);
  return found;
}

function slice(x: Tensor, ...ranges: (number | Vector | null)[]): Tensor {
  const kept = x.shape.map((size, axis) => named(ranges[axis], size));
  const whole = tabulate(kept.map(({ length }) => length), (index) => at(x, index.map((i, axis) => kept[axis][i])));
  return new Tensor(whole.shape.filter((_, axis) => typeof ranges[axis] !== "number"), whole.values);
}

function gather(x: Tensor, given: Indices, axis = 0): Tensor {
  const [found, along] = [asIndices(given), axisOf(axis, x.shape.length)];
  const rank = found.shape.length;
  return tabulate([...x.shape.slice(0, along), ...found.shape, ...x.shape.slice(along + 1)], (index) =>
    at(x, [...index.slice(0, along), at(found, index.slice(along, along + rank)), ...index.slice(along + rank)]));
}

// -- chance -------------------------------------------------------------------------------------------

/** Philox4x32-10 (Salmon et al., SC 2011) with unbounded integers: the words of a block. */
function philox(counter: readonly bigint[], [k0, k1]: readonly bigint[]): bigint[] {
  const word = (x: bigint): bigint => x & 0xffffffffn;
  let [a, b, c, d] = counter;
  for (let round = 0n; round < 10n; round++) {
    const [x, y] = [a * 0xd2511f53n, c * 0xcd9e8d57n];
    [a, b, c, d] = [(y >> 32n) ^ b ^ word(k0 + round * 0x9e3779b9n), word(y), (x >> 32n) ^ d ^ word(k1 + round * 0xbb67ae85n), word(x)];
  }
  return [a, b, c, d];
}

function uniform(shape: Index, seed: number): Tensor {
  const { key0, key1, counterLow, counterHigh } = new Random(seed).reserve(sizeOf(shape));
  const key = [key0, key1].map((half) => BigInt(half >>> 0));
  return new Tensor([...shape], Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
    Number(philox([BigInt(counterLow) + BigInt(i >> 2), BigInt(counterHigh), 0n, 0n], key)[i % 4] >> 8n) / 2 ** 24));
}

// -- the table ----------------------------------------------------------------------------------------

const same = (x: Tensor): Tensor => x;

export const meanings: Record<string, Meaning> = {
  add: pointwise((a, b) => a + b),
  sub: pointwise((a, b) => a - b),
  mul: pointwise((a, b) => a * b),
  div: pointwise((a, b) => a / b),
  neg: pointwise((x) => -x),
  recip: pointwise((x) => 1 / x),
  sqrt: pointwise(sqrt),
  square: pointwise((x) => x * x),
  cube: pointwise((x) => x * x * x),
  abs: pointwise((x) => (x < 0 ? -x : x)),
  relu: pointwise((x) => (x < 0 ? 0 : x)),
  maximum: pointwise((a, b) => max(a, b)),
  minimum: pointwise((a, b) => min(a, b)),
  clip: pointwise((x, low, high) => min(max(x, low), high)),
  where: pointwise((condition, a, b) => (condition !== 0 ? a : b)),
  equal: relation((a, b) => a === b),
  notEqual: relation((a, b) => a !== b),
  less: relation((a, b) => a < b),
  lessEqual: relation((a, b) => a <= b),
  greater: relation((a, b) => a > b),
  greaterEqual: relation((a, b) => a >= b),
  exp: pointwise(exp),
  log: pointwise(log),
  sin: pointwise(Math.sin),
  cos: pointwise(Math.cos),
  tanh: pointwise(Math.tanh),
  sigmoid: pointwise((x) => 1 / (1 + exp(-x))),
  pow: pointwise(pow),
  softplus: pointwise(softplus),
  gelu: pointwise(gelu),
  dropout: (x: Tensor, p: number, seed: number) => {
    const drawn = p === 0 ? x : uniform(x.shape, seed);
    return tabulate(x.shape, (index) => (p > 0 && at(drawn, index) < p ? 0 : at(x, index) / (1 - p)));
  },
  uniform,

  identity: same,
  detach: same,
  gradnorm: same,
  broadcastTo: (x: Tensor | number, shape: Index) => tabulate(shape, (index) => spreadAt(x, index)),
  reshape: (x: Tensor, shape: Index) => new Tensor(shape.map((size) => (size === -1 ? -x.values.length / sizeOf(shape) : size)), x.values),
  permute,
  transpose: (x: Tensor, a = -2, b = -1) => {
    const rank = x.shape.length;
    if (rank === 1) return x;
    const order = axesOf(undefined, rank);
    [order[axisOf(a, rank)], order[axisOf(b, rank)]] = [axisOf(b, rank), axisOf(a, rank)];
    return permute(x, order);
  },
  slice,
  flip: (x: Tensor, axes?: number | Index) => {
    const turned = axesOf(axes, x.shape.length);
    return tabulate(x.shape, (index) => at(x, index.map((i, axis) => (turned.includes(axis) ? x.shape[axis] - 1 - i : i))));
  },
  pad: (x: Tensor, widths: readonly Vector[]) => tabulate(x.shape.map((size, axis) => size + widths[axis][0] + widths[axis][1]), (index) => {
    const from = index.map((i, axis) => i - widths[axis][0]);
    return from.every((i, axis) => i >= 0 && i < x.shape[axis]) ? at(x, from) : 0;
  }),
  concat: join,
  stack: (xs: Tensor[], axis = 0) => join(xs.map((x) => unsqueeze(x, axis)), axis),
  decat: (x: Tensor, axis = 0) => {
    const along = axisOf(axis, x.shape.length);
    return Array.from({ length: x.shape[along] }, (_, i) => tabulate(x.shape.toSpliced(along, 1), (index) => at(x, index.toSpliced(along, 0, i))));
  },
  squeeze: (x: Tensor, axes?: number | Index) => {
    const named = axes === undefined ? null : axesOf(axes, x.shape.length);
    return new Tensor(x.shape.filter((size, axis) => (named === null ? size !== 1 : !named.includes(axis))), x.values);
  },
  unsqueeze,
  gather,
  embed: (w: Tensor, given: Indices | number[][]) => {
    if (!Array.isArray(given) || typeof given[0] !== "object") return gather(w, given as Indices);
    const lists = given as number[][];
    return tabulate([lists.length, ...w.shape.slice(1)], ([list, ...rest]) => total(lists[list].map((row) => at(w, [row, ...rest]))));
  },
  scatterAdd: (given: Indices, updates: Tensor, size: number, axis = 0) => {
    const [{ values }, along] = [asIndices(given), axisOf(axis, updates.shape.length)];
    return tabulate(updates.shape.with(along, size), (index) =>
      total([...values].flatMap((target, i) => (target === index[along] ? [at(updates, index.with(along, i))] : []))));
  },
  oneHot: (given: Indices, depth: number) => {
    const found = asIndices(given);
    return tabulate([...found.shape, depth], (index) => (at(found, index.slice(0, -1)) === index.at(-1) ? 1 : 0));
  },

  sum: reduced(total),
  mean: reduced(mean),
  max: reduced((x) => max(...x)),
  min: reduced((x) => min(...x)),
  norm2: (x: Tensor, axes: number | Index = -1, keepdims = false) => reduced((v) => sqrt(total(v.map((value) => value * value))))(x, shapeOf(x).length === 0 ? [] : axes, keepdims),
  logsumexp: reduced(logsumexp),
  argmax: (x: Tensor, axis = -1, keepdims = false) => reduced(winner)(x, axis, keepdims),
  argmaxneq: (x: Tensor, labels: Indices) => {
    const excluded = asIndices(labels).values;
    const found = perLine(x, () => 0);
    return new Tensor(found.shape, found.values.map((_, row) => {
      const line = Array.from(x.values.subarray(row * last(x), (row + 1) * last(x)));
      const others = line.flatMap((_, i) => (i === excluded[row] ? [] : [i]));
      return others[winner(others.map((i) => line[i]))];
    }));
  },
  matmul,
  linear: (w: Tensor, x: Tensor) => linear(w, x),
  affine: linear,
  dot: (a: Tensor, b: Tensor) => perLine(a, (values, line) => total(values.map((value, i) => value * at(b, [...line, i])))),
  conv2d,
  "conv2d′": kernelGradient,
  maxPool2d: (x: Tensor, size: Vector, stride: Vector) => overWindows(x, size, stride, (entries) => max(...entries.map(({ index }) => at(x, index)))),
  "maxPool2d′": (x: Tensor, numbers: Tensor, size: Vector, stride: Vector) => {
    const found = tabulate(x.shape, () => 0);
    const offset = (index: Index): number => index.reduce((sum, i, axis) => sum * x.shape[axis] + i, 0);
    for (const window of indices(windows(x, size, stride))) {
      for (const { index, share } of shares(x, window.slice(0, -2), window.slice(-2), size, stride)) {
        if (share > 0) found.values[offset(index)] += share * at(numbers, window); // others get nothing, also of ∞
      }
    }
    return found;
  },
  "maxPool2d″": (x: Tensor, images: Tensor, size: Vector, stride: Vector) =>
    overWindows(x, size, stride, (entries) => total(entries.map(({ index, share }) => (share > 0 ? share * at(images, index) : 0)))),

  wta: lines((x) => x.map((value, i) => (i === winner(x) ? value : 0))),
  cumsum: lines((x) => x.map((_, i) => total(x.slice(0, i + 1)))),
  cumprod: lines((x) => x.map((_, i) => x.slice(0, i + 1).reduce((product, value) => product * value, 1))),
  cummax: lines((x) => x.map((_, i) => max(...x.slice(0, i + 1)))),
  // Each element times the factors between it and the place; what is before a factor of 0 does not count, also if it is infinite.
  recurrence: (x: Tensor, a: Tensor, axis: number, backwards: number) => lines((values, line) => {
    const between = (i: number, j: number): number[] => values.slice(i, j).map((_, k) => at(a, line.toSpliced(axis, 0, i + 1 + k)));
    const term = (value: number, factors: Vector): number => (factors.includes(0) ? 0 : factors.reduce((product, factor) => product * factor, value));
    return values.map((_, i) => total(values.map((value, j) => ((backwards === 0 ? j <= i : j >= i) ? term(value, between(min(i, j), max(i, j))) : 0))));
  })(x, axis),
  softmax: lines(softmax),
  // As if what does not count were not there.
  maskedSoftmax: (scores: Tensor, mask: Tensor) => lines((values, line) => {
    const counts = values.map((_, i) => spreadAt(mask, [...line, i]) !== 0);
    const found = softmax(values.filter((_, i) => counts[i]));
    return counts.map((here) => (here ? found.shift() ?? NaN : 0));
  })(scores),
  logSoftmax: lines(logSoftmax),
  "softmax over a list": overList(softmax),
  "logSoftmax over a list": overList(logSoftmax),
  // eˣ / Σ eˣ, which is 0 where both are.
  "logsumexp′": lines((x) => (x.every((value) => value === -Infinity) ? x.map(() => 0) : x.map((value) => exp(value) / total(x.map(exp))))),
  // y·(g − Σ y·g)
  "softmax′": (y: Tensor, g: Tensor) => lines((values, line) => {
    const gradient = lineOf(g, line);
    const sum = total(values.map((value, i) => value * gradient[i]));
    return values.map((value, i) => value * (gradient[i] - sum));
  })(y),
  layerNorm: (x: Tensor, gain: Tensor | null, bias: Tensor | null, epsilon = 1e-5) =>
    lines((values) => normalized(values, epsilon).normalized.map((value, i) => value * (gain?.values[i] ?? 1) + (bias?.values[i] ?? 0)))(x),
  // (h − mean h − x̂·mean(h·x̂)) / deviation for h = g·gain
  "layerNorm′": (x: Tensor, _: number, epsilon: number, g: Tensor, gain?: Tensor) => lines((values, line) => {
    const { normalized: x̂, deviation } = normalized(values, epsilon);
    const h = lineOf(g, line).map((value, i) => value * (gain?.values[i] ?? 1));
    return h.map((value, i) => (value - mean(h) - x̂[i] * mean(h.map((other, k) => other * x̂[k]))) / deviation);
  })(x),
  categoricalCrossEntropyWithScores: (scores: Tensor, labels: Tensor, { reduction }: { reduction: string }, weight: number | Tensor) => {
    const costs = indices(outer(scores)).map((line) => spreadAt(weight, line) * logLoss(lineOf(scores, line), at(labels, line)));
    return new Tensor([], Float64Array.of(reduction === "mean" ? mean(costs) : total(costs)));
  },
  // (softmax(x) − [index = label]) · g
  "crossEntropy′": (scores: Tensor, labels: Tensor, g: Tensor) =>
    lines((values, line) => softmax(values).map((p, i) => (p - (i === at(labels, line) ? 1 : 0)) * at(g, line)))(scores),
};
