/**
 * For every operation: how to draw its arguments, and how exact a float32 device must be.
 *
 * The table is keyed by the name that the operation has in the registry or among the exports. A new operation needs an
 * entry here, and one in meanings.ts that says what it computes in plain numbers; its values, gradients, second derivatives and special values
 * are then tested on every device.
 */

import { cost, type Indices, input, Random, reshape, type Shape, type Variable } from "../../src/index.ts";
import * as flimsy from "../../src/index.ts";
import { operations } from "../../src/engine/operation.ts";
import { softmaxGradient } from "../../src/operations/rows.ts";
import { uniform } from "../../src/operations/uniform.ts";
import { record } from "../../src/engine/recording.ts";
import { sizeOf } from "../../src/support/shape.ts";
import { type Domain, type Draw, domains, Tensor } from "./draw.ts";

export interface Specification {
  /** Draws arguments: tensors, lists of tensors, and whatever else the function takes. */
  draw(draw: Draw): unknown[];
  /** As `draw`, where the derivative exists all around what is drawn; null where no gradient passes. By default the same. */
  smooth?: ((draw: Draw) => unknown[]) | null;
  /** The function; by default the export of this name. */
  f?: (...args: never[]) => Variable | Variable[];
  /**
   * The error allowed in float32, in units in the last place of the magnitude. By default 0: the result must be the exact
   * one rounded, as for everything that only moves numbers and for arithmetic that IEEE 754 rounds correctly.
   */
  ulps?: number | ((...args: never[]) => number);
  /** What the rounding is relative to, given the arguments; by default the result itself. */
  magnitude?: (...args: never[]) => Variable | Variable[];
  /** An expression over so many operands: it is tested with special values too. */
  operands?: number;
  /** Must run as in training. */
  training?: true;
  /** The gradient is not meant to be the derivative of the value. */
  gradientIsOther?: true;
}

// -- families -----------------------------------------------------------------------------------------

/** Operands that broadcast; now and then a plain number. */
function operands(draw: Draw, ...each: readonly Domain[]): unknown[] {
  const shapes = draw.broadcastable(each.length);
  return each.map((domain, i) => (each.length > 1 && draw.oneIn(8) ? Math.fround(domain(draw.random)) : draw.tensor(shapes[i], domain)));
}

const unary = (domain: Domain, ulps = 0, more: Partial<Specification> = {}): Specification =>
  ({ draw: (draw) => operands(draw, domain), ulps, operands: 1, ...more });
const binary = (a: Domain, b: Domain, ulps = 0, more: Partial<Specification> = {}): Specification =>
  ({ draw: (draw) => operands(draw, a, b), ulps, operands: 2, ...more });

const { plain, positive, nonzero, integers } = domains;
const distinctOperands = (count: number) => (draw: Draw): unknown[] => draw.broadcastable(count).map((shape) => draw.distinct(shape));
const comparison = binary(integers, integers, 0, { smooth: null });
const square: Specification = unary(plain);

/** One array and what else a function of it takes. */
const ofArray = (rest: (draw: Draw, shape: Shape) => unknown[] = () => [], more: Partial<Specification> = {}, minRank = 0): Specification => {
  const drawn = (tensor: (draw: Draw, shape: Shape) => Tensor) => (draw: Draw): unknown[] => {
    const shape = draw.shape(minRank);
    return [tensor(draw, shape), ...rest(draw, shape)];
  };
  return { draw: drawn((draw, shape) => draw.tensor(shape)), ...more };
};

const keepdims = (draw: Draw): boolean => draw.oneIn(2);
const axesAndKeepdims = (draw: Draw, shape: Shape): unknown[] => [draw.axes(shape.length), keepdims(draw)];
const sizeAlong = (x: Variable, axes: number | readonly number[] | undefined): number =>
  axes === undefined ? x.size : sizeOf([axes].flat().map((axis) => x.shape.at(axis) as number));

/** A reduction to an element of the row: among equal ones too, but differentiated where they differ. */
const extreme: Specification = {
  draw: (draw) => {
    const shape = draw.shape(0, 4, false);
    return [draw.tensor(shape, draw.oneIn(2) ? integers : plain), ...axesAndKeepdims(draw, shape)];
  },
  smooth: (draw) => {
    const shape = draw.shape(0, 4, false);
    return [draw.distinct(shape), ...axesAndKeepdims(draw, shape)];
  },
};

const alongAxis = (draw: Draw, tensor: (shape: Shape) => Tensor): unknown[] => {
  const shape = draw.shape(1, 4, false);
  return [tensor(shape), draw.axis(shape.length)];
};
const rowwise = (more: Partial<Specification>): Specification => ({ draw: (draw) => alongAxis(draw, (shape) => draw.tensor(shape)), ...more });

/** Matrices that multiply, batched and broadcast; or vectors. */
function matrices(draw: Draw): Tensor[] {
  const k = draw.size();
  const [m, n] = [draw.size(Math.max(1, k)), draw.size(Math.max(1, k))];
  const batch = draw.oneIn(2) ? draw.broadcastable(2).map((shape) => shape.map((size) => Math.min(size, 3))) : [[], []];
  const a = draw.oneIn(5) ? [k] : [...batch[0], m, k];
  const b = draw.oneIn(5) ? [k] : [...batch[1], k, n];
  return [draw.tensor(a), draw.tensor(b)];
}

function linearMap(draw: Draw): Tensor[] {
  const [inputs, outputs] = [draw.size(), draw.size()];
  const rows = draw.oneIn(3) ? [] : draw.oneIn(2) ? [draw.size(Math.max(1, inputs, outputs))] : [2, draw.integer(0, 3)];
  return [draw.tensor([outputs, inputs]), draw.tensor([...rows, inputs])];
}

/** Rounding of a sum of n products: one for each product and each sum, relative to the products' sizes. */
const products = { matmul: (a: Variable) => (a.shape.at(-1) as number) + 1, linear: (w: Variable) => w.shape[1] + 1 };

const abs = (x: Variable | number): Variable => flimsy.abs(x);

/** Images, a kernel that fits them, and how it is moved over them. */
function imagesAndKernel(draw: Draw): [Tensor, Tensor, Tensor | null, { stride: number[]; padding: number[] }] {
  const [channels, outputs] = [draw.integer(1, 3), draw.oneIn(4) ? draw.integer(4, 9) : draw.integer(1, 3)];
  const kernel = [draw.integer(1, 4), draw.integer(1, 4)];
  const padding = draw.oneIn(2) ? [0, 0] : [draw.integer(0, 4), draw.integer(0, 4)];
  const stride = draw.oneIn(2) ? [1, 1] : [draw.integer(1, 3), draw.integer(1, 5)];
  // With room for the kernel, or a little more.
  const image = kernel.map((size, axis) => Math.max(0, size - 2 * padding[axis]) + draw.integer(0, 5));
  const batch = draw.oneIn(4) ? [] : draw.oneIn(4) ? [2, draw.integer(0, 2)] : [draw.integer(0, 5)];
  // Many channels make one product for each row of the kernel.
  const many = draw.oneIn(3) ? 12 * channels : channels;
  return [draw.tensor([...batch, many, ...image]), draw.tensor([outputs, many, ...kernel]), draw.oneIn(2) ? draw.tensor([outputs]) : null, { stride, padding }];
}

/** Images, the size of windows on them and their distance. */
function imagesAndWindow(draw: Draw, tensor: (shape: Shape) => Tensor, overlap: boolean): [Tensor, number[], number[]] {
  const size = [draw.integer(1, 3), draw.integer(1, 4)];
  const stride = draw.oneIn(2) ? size : size.map((n) => (overlap ? draw.integer(1, 4) : n + draw.integer(0, 2)));
  const batch = draw.shape(0, 2).map((n) => Math.min(n, 3));
  return [tensor([...batch, ...size.map((n) => n + draw.integer(0, 5))]), size, stride];
}

/** Images, their largest entries, and a number for each window or pixel. A share has a rounding, and the sum of shares one for each. */
function pooled(name: string, otherOf: (x: Shape, largest: Shape) => Shape): Specification {
  const f = (x: Variable, other: Variable, size: Shape, stride: Shape): Variable => {
    const largest = flimsy.maxPool2d(x, size, stride);
    const spreads = name === "maxPool2d′";
    return record(operation(name), spreads ? x.shape : largest.shape, spreads ? [x, largest, other] : [x, other, largest], [...size, ...stride]);
  };
  return {
    draw: (draw) => {
      const [x, size, stride] = imagesAndWindow(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain, false), false);
      const shape = [...x.shape.slice(0, -2), ...size.map((n, i) => Math.floor((x.shape.at(i - 2) as number - n) / stride[i]) + 1)];
      return [x, draw.tensor(otherOf(x.shape, shape)), size, stride];
    },
    f: f as (...args: never[]) => Variable,
    ulps: (_: Variable, __: Variable, size: Shape) => 2 + sizeOf(size),
    magnitude: (x: Variable, other: Variable, size: Shape, stride: Shape) => f(x, abs(other), size, stride),
  };
}

/** A list of arrays that differ along one axis, and that axis. */
function joinable(draw: Draw): unknown[] {
  const shape = draw.shape(1);
  const axis = draw.axis(shape.length);
  const count = draw.integer(1, 4);
  const others = sizeOf(shape) / Math.max(1, shape.at(axis) as number);
  const list = Array.from({ length: count }, () => draw.tensor(shape.with(axis, draw.size(Math.max(1, others)))));
  return [list, axis];
}

/** Indices in any form: one, a list, or an array with a shape of its own. */
function someIndices(draw: Draw, size: number, list = false): unknown {
  if (!list && draw.oneIn(4)) return draw.random.integer(0, size);
  const shape = list || draw.oneIn(2) ? [draw.integer(0, 9)] : draw.shape(0, 2);
  const indices = draw.indices(sizeOf(shape), size);
  if (shape.length === 1 && draw.oneIn(2)) return draw.oneIn(2) ? indices : Int32Array.from(indices);
  return new Tensor(shape, Float64Array.from(indices), false);
}

function ranges(draw: Draw, shape: Shape): unknown[] {
  return shape.slice(0, draw.integer(0, shape.length)).map((size) => {
    if (size > 0 && draw.oneIn(4)) return draw.integer(-size, size - 1);
    if (draw.oneIn(4)) return null;
    const end = (): number | undefined => (draw.oneIn(4) ? undefined : draw.integer(-size - 2, size + 2));
    return draw.oneIn(2) ? [end(), end()] : [end(), end(), draw.pick([1, 2, 3, -1, -2, -3])];
  });
}

const labelsFor = (draw: Draw, rows: Shape, classes: number): Tensor =>
  new Tensor(rows, Float64Array.from(draw.indices(sizeOf(rows), classes)), false);

function scoresAndLabels(draw: Draw, minClasses = 1): [Tensor, Tensor] {
  const classes = Math.max(minClasses, draw.size(1, false));
  const rows = draw.oneIn(4) ? [] : [draw.size(classes)];
  return [draw.tensor([...rows, classes]), labelsFor(draw, rows, classes)];
}

/** The exponential of a difference has the difference's rounding, and there are n of them to add up. */
const ofSoftmax = (x: Variable, axis = -1): number => 8 + (x.shape.at(axis) as number);
const ofRows = (x: Variable): number => ofSoftmax(x);

// -- the table ----------------------------------------------------------------------------------------

export const specifications: Record<string, Specification> = {
  // Correctly rounded by IEEE 754.
  add: binary(plain, plain),
  sub: binary(plain, plain),
  mul: binary(plain, plain),
  div: binary(plain, nonzero),
  neg: unary(plain),
  recip: unary(nonzero),
  sqrt: unary(positive),
  square: { ...square, f: (x: Variable) => flimsy.pow(x, 2) },
  abs: unary(plain, 0, { smooth: (draw) => operands(draw, nonzero) }),
  relu: unary(plain, 0, { smooth: (draw) => operands(draw, nonzero) }),
  maximum: binary(integers, plain, 0, { smooth: distinctOperands(2) }),
  minimum: binary(plain, integers, 0, { smooth: distinctOperands(2) }),
  clip: {
    draw: (draw) => operands(draw, plain, (random) => random.uniform(-2, 0), (random) => random.uniform(0, 2)),
    smooth: (draw) => {
      // The bounds half way between the multiples of ½ around which x lies.
      const bound = (sign: number): Domain => (random) => sign * (0.25 + 0.5 * random.integer(0, 3));
      return operands(draw, (random) => 0.5 * random.integer(-3, 4) + random.uniform(-0.2, 0.2), bound(-1), bound(1));
    },
    operands: 3,
  },
  where: {
    draw: (draw) => {
      const [condition, ...branches] = draw.broadcastable(3);
      return [draw.tensor(condition, integers, false), ...branches.map((shape) => draw.tensor(shape))];
    },
    operands: 3,
  },
  equal: comparison,
  notEqual: comparison,
  less: comparison,
  lessEqual: comparison,
  greater: comparison,
  greaterEqual: comparison,

  // The errors of the vector mathematics, which have tests of their own.
  exp: unary(plain, 2),
  log: unary(positive, 2),
  sin: unary(plain, 2),
  cos: unary(plain, 2),
  tanh: unary(plain, 3),
  sigmoid: unary(plain, 3),
  pow: binary(positive, plain, 1),
  // Two roundings.
  cube: unary(plain, 1.01, { f: (x: Variable) => flimsy.pow(x, 3) }),
  // exp, then log1p, whose condition number is below 1.
  softplus: unary(plain, 5),
  // The argument of sigmoid has 4 roundings and counts as much as it is large: at most 4 between ±2.
  gelu: unary(plain, 20),
  // x / (1 − p), with probabilities for which 1 − p is exact.
  dropout: {
    draw: (draw) => [draw.tensor(draw.shape()), draw.pick([0, 0.125, 0.5, 0.75]), draw.random.integer(0, 1000)],
    f: (x: Variable, p: number, seed: number) => flimsy.dropout(x, p, new Random(seed)),
    training: true,
  },
  uniform: {
    draw: (draw) => [draw.shape(), draw.random.integer(0, 1000)],
    f: (shape: Shape, seed: number) => uniform(shape, new Random(seed)),
    smooth: null,
  },

  // What only moves numbers.
  identity: ofArray(),
  detach: ofArray(undefined, { smooth: null }),
  gradnorm: ofArray((draw) => [draw.pick([0, 0.5, 1, 3])], { gradientIsOther: true }, 1),
  broadcastTo: {
    draw: (draw) => {
      const shape = draw.shape();
      const from = shape.slice(draw.integer(0, shape.length)).map((size) => (draw.oneIn(3) ? 1 : size));
      return [draw.oneIn(6) ? draw.random.uniform() < 0.5 ? 1.5 : -2 : draw.tensor(from), shape];
    },
  },
  reshape: ofArray((draw, shape) => {
    const size = sizeOf(shape);
    const factors = [2, 3, 4, 5].filter((n) => size % n === 0);
    const target = factors.length === 0 ? [size, 1] : ((n) => [n, size / n])(draw.pick(factors));
    return [draw.oneIn(3) && size > 0 ? [-1, target[1]] : draw.oneIn(3) ? [...shape, 1] : target];
  }),
  permute: ofArray((draw, shape) => [draw.random.shuffle(shape.map((_, i) => (draw.oneIn(3) ? i - shape.length : i)))]),
  transpose: ofArray((draw, shape) => (draw.oneIn(2) ? [] : [draw.axis(shape.length), draw.axis(shape.length)]), {}, 1),
  slice: {
    draw: (draw) => {
      const shape = draw.shape();
      return [draw.tensor(shape), ...ranges(draw, shape)];
    },
  },
  flip: ofArray((draw, shape) => [draw.axes(shape.length)]),
  pad: ofArray((draw, shape) => [shape.map(() => [draw.integer(0, 3), draw.integer(0, 3)])]),
  concat: { draw: joinable },
  stack: {
    draw: (draw) => {
      const shape = draw.shape(0, 3);
      return [Array.from({ length: draw.integer(1, 4) }, () => draw.tensor(shape)), draw.axis(shape.length + 1)];
    },
  },
  decat: ofArray((draw, shape) => [draw.axis(shape.length)], {}, 1),
  squeeze: {
    draw: (draw) => {
      const shape = draw.shape().map((size) => (draw.oneIn(2) ? 1 : size));
      const ones = shape.flatMap((size, i) => (size === 1 ? [i] : []));
      return [draw.tensor(shape), draw.oneIn(2) || ones.length === 0 ? undefined : draw.pick(ones)];
    },
  },
  unsqueeze: ofArray((draw, shape) => [draw.axis(shape.length + 1)]),
  gather: {
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      const axis = draw.axis(shape.length);
      return [draw.tensor(shape), someIndices(draw, shape.at(axis) as number), axis];
    },
  },
  embed: {
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      const lists = (): number[][] => Array.from({ length: draw.integer(1, 5) }, () => draw.indices(draw.integer(0, 4), shape[0]));
      return [draw.tensor(shape), draw.oneIn(2) ? lists() : someIndices(draw, shape[0])];
    },
    // At most 4 rows are added up.
    ulps: 4,
    magnitude: (w: Variable, indices: Indices) => flimsy.embed(abs(w), indices),
  },
  scatterAdd: {
    draw: (draw) => {
      const shape = draw.shape(1, 3);
      const axis = draw.axis(shape.length);
      const count = shape.at(axis) as number;
      const size = draw.integer(1, 9);
      const indices = draw.indices(count, size);
      return [draw.oneIn(2) ? indices : new Tensor([count], Float64Array.from(indices), false), draw.tensor(shape), size, axis];
    },
    ulps: (_, updates: Variable, __, axis: number) => updates.shape.at(axis) as number,
    magnitude: (indices: Indices, updates: Variable, size: number, axis: number) => flimsy.scatterAdd(indices, abs(updates), size, axis),
  },
  oneHot: {
    draw: (draw) => {
      const depth = draw.size(9, false);
      return [someIndices(draw, depth), depth];
    },
    smooth: null,
  },

  // Sums of n numbers: n roundings at most, relative to the sum of their sizes, whatever the order.
  sum: ofArray(axesAndKeepdims, { ulps: sizeAlong, magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.sum(abs(x), axes, keep) }),
  mean: {
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape), ...axesAndKeepdims(draw, shape)];
    },
    ulps: (x: Variable, axes?: number[]) => sizeAlong(x, axes) + 2,
    magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.mean(abs(x), axes, keep),
  },
  matmul: { draw: matrices, ulps: products.matmul, magnitude: (a: Variable, b: Variable) => flimsy.matmul(abs(a), abs(b)) },
  linear: { draw: linearMap, ulps: products.linear, magnitude: (w: Variable, x: Variable) => flimsy.linear(abs(w), abs(x)) },
  affine: {
    draw: (draw) => {
      const [w, x] = linearMap(draw);
      return [w, x, draw.tensor([w.shape[0]])];
    },
    ulps: products.linear,
    magnitude: (w: Variable, x: Variable, b: Variable) => flimsy.affine(abs(w), abs(x), abs(b)),
  },
  conv2d: {
    draw: imagesAndKernel,
    ulps: (_: Variable, w: Variable) => w.size / w.shape[0] + 1,
    magnitude: (x: Variable, w: Variable, b: Variable | null, settings: object) => flimsy.conv2d(abs(x), abs(w), b && abs(b), settings),
  },
  maxPool2d: {
    draw: (draw) => imagesAndWindow(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain), true),
    smooth: (draw) => imagesAndWindow(draw, (shape) => draw.distinct(shape), true),
  },
  "maxPool2d′": pooled("maxPool2d′", (_, largest) => largest),
  "maxPool2d″": pooled("maxPool2d″", (x) => x),
  "conv2d′": {
    draw: (draw) => {
      const [x, w, , { stride, padding }] = imagesAndKernel(draw);
      const images = [sizeOf(x.shape.slice(0, -3)), ...x.shape.slice(-3)];
      const kernel = w.shape.slice(2);
      const places = kernel.map((size, i) => Math.floor((images[2 + i] + 2 * padding[i] - size) / stride[i]) + 1);
      return [new Tensor(images, x.values), draw.tensor([images[0], w.shape[0], ...places]), kernel, stride, padding];
    },
    f: kernelGradient,
    ulps: (x: Variable, g: Variable) => x.shape[0] * sizeOf(g.shape.slice(2)) + 1,
    magnitude: (x: Variable, g: Variable, ...windows: [Shape, Shape, Shape]) => kernelGradient(abs(x), abs(g), ...windows),
  },
  dot: {
    draw: (draw) => {
      const shape = draw.shape(1);
      return [draw.tensor(shape), draw.tensor(shape)];
    },
    ulps: products.matmul,
    magnitude: (a: Variable, b: Variable) => flimsy.dot(abs(a), abs(b)),
  },
  norm2: {
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape, nonzero), ...(draw.oneIn(3) ? [] : axesAndKeepdims(draw, shape))];
    },
    ulps: (x: Variable, axes: number[] | number = -1) => (x.shape.length === 0 ? 2 : sizeAlong(x, axes) + 2),
  },

  // Where several are equal there is no derivative.
  max: extreme,
  min: extreme,
  argmax: { draw: (draw) => [...alongAxis(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain)), keepdims(draw)], smooth: null },
  argmaxneq: {
    draw: (draw) => {
      const shape = [...draw.shape(0, 2, false), Math.max(2, draw.size())];
      return [draw.tensor(shape, draw.oneIn(2) ? integers : plain), labelsFor(draw, shape.slice(0, -1), shape.at(-1) as number)];
    },
    smooth: null,
  },
  wta: {
    draw: (draw) => alongAxis(draw, (shape) => draw.tensor(shape, draw.oneIn(2) ? integers : plain)),
    smooth: (draw) => alongAxis(draw, (shape) => draw.distinct(shape)),
  },
  // log Σ eˣ is near the largest x, which is subtracted and added again: relative to it, and to 1 for the logarithm.
  logsumexp: {
    draw: (draw) => {
      const shape = draw.shape(0, 4, false);
      return [draw.tensor(shape), ...axesAndKeepdims(draw, shape)];
    },
    ulps: (x: Variable, axes?: number[]) => 8 + sizeAlong(x, axes),
    magnitude: (x: Variable, axes: number[], keep: boolean) => flimsy.add(flimsy.max(abs(x), axes, keep), 1),
  },
  softmax: rowwise({ ulps: ofSoftmax }),
  maskedSoftmax: {
    draw: (draw) => {
      const scores = draw.shape(1, 4, false);
      const mask = scores.map((size) => (draw.oneIn(4) ? 1 : size)).slice(draw.oneIn(3) ? draw.integer(0, scores.length) : 0);
      return [draw.tensor(scores), draw.tensor(mask, (random) => random.integer(0, 2), false)];
    },
    ulps: ofRows,
  },
  logSoftmax: rowwise({ ulps: ofSoftmax, magnitude: (x: Variable, axis: number) => flimsy.add(flimsy.add(abs(x), flimsy.max(abs(x), axis, true)), 1) }),
  "softmax over a list": {
    draw: (draw) => {
      const shape = draw.shape();
      return [Array.from({ length: draw.integer(1, 5) }, () => draw.tensor(shape))];
    },
    f: (xs: Variable[]) => flimsy.softmax(xs),
    ulps: 13,
  },
  "logSoftmax over a list": {
    draw: (draw) => {
      const shape = draw.shape();
      return [Array.from({ length: draw.integer(1, 5) }, () => draw.tensor(shape))];
    },
    f: (xs: Variable[]) => flimsy.logSoftmax(xs),
    ulps: 13,
    magnitude: (xs: Variable[]) => xs.map(() => flimsy.full(xs[0].shape, 5)),
  },
  // eˣ / Σ eˣ
  "logsumexp′": {
    draw: (draw) => [draw.tensor(draw.shape(1, 3, false))],
    f: (x: Variable) => record(operation("logsumexp′"), x.shape, [x]),
    ulps: ofRows,
  },
  // y·(g − Σ y·g)
  "softmax′": {
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      return [draw.tensor(shape), draw.tensor(shape)];
    },
    f: (y: Variable, g: Variable) => softmaxGradient(y, g),
    ulps: products.matmul,
    magnitude: (y: Variable, g: Variable) => flimsy.mul(abs(y), flimsy.add(abs(g), flimsy.sum(flimsy.mul(abs(y), abs(g)), -1, true))),
  },
  // |x̂| is at most √n; what differs from the mean is rounded relative to the largest, and so is the sum of n squares.
  layerNorm: {
    draw: (draw) => {
      const shape = draw.shape(1, 4, false);
      const vector = (): Tensor | null => (draw.oneIn(3) ? null : draw.tensor([shape.at(-1) as number]));
      return [draw.tensor(shape), vector(), vector(), ...(draw.oneIn(2) ? [draw.pick([1e-5, 0.1, 3])] : [])];
    },
    // A row of one element is constant, and one of two is nearly so: their derivatives depend on epsilon alone.
    smooth: (draw) => {
      const shape = draw.shape(1, 4, false);
      const vector = (): Tensor | null => (draw.oneIn(3) ? null : draw.tensor([shape.at(-1) as number]));
      return [draw.tensor(shape), vector(), vector(), draw.pick([0.5, 3])];
    },
    ulps: (x: Variable) => (x.shape.at(-1) as number) + 8,
    magnitude: (x: Variable, gain: Variable | null, bias: Variable | null) =>
      flimsy.add(flimsy.mul(flimsy.full(x.shape, Math.sqrt(x.shape.at(-1) as number)), gain === null ? 1 : abs(gain)), bias === null ? 0 : abs(bias)),
  },
  // (h − mean h − x̂·mean(h·x̂)) / √(variance + epsilon) for h = g·gain, or g
  "layerNorm′": {
    draw: (draw) => {
      const shape = draw.shape(1, 3, false);
      return [draw.tensor(shape), shape.at(-1) as number, draw.pick([0.5, 3]), draw.tensor(shape), ...(draw.oneIn(2) ? [draw.tensor([shape.at(-1) as number])] : [])];
    },
    f: (x: Variable, ...others: Variable[]) => record(operation("layerNorm′"), x.shape, [x, ...others]),
    ulps: (x: Variable) => 2 * (x.shape.at(-1) as number) + 16,
    magnitude: (x: Variable, _n: number, epsilon: number, g: Variable, gain: Variable | undefined) => {
      const h = gain === undefined ? abs(g) : abs(flimsy.mul(g, gain));
      return flimsy.mul(flimsy.add(h, flimsy.mul(flimsy.max(h, -1, true), 1 + Math.sqrt(x.shape.at(-1) as number))), 1 / Math.sqrt(epsilon));
    },
  },
  categoricalCrossEntropyWithScores: {
    draw: (draw) => {
      const [scores, labels] = scoresAndLabels(draw);
      const weight = draw.oneIn(2) ? draw.tensor(labels.shape, positive) : draw.oneIn(2) ? 1 : 1.5;
      return [scores, labels, { reduction: labels.values.length === 0 ? "sum" : draw.pick(["sum", "mean"]) }, weight];
    },
    f: (scores: Variable, labels: Variable, options: { reduction: "sum" | "mean" }, weight: number | Variable) =>
      cost.categoricalCrossEntropyWithScores(scores, labels, { ...options, weight }),
    ulps: (scores: Variable) => scores.size + 12,
    magnitude: (scores: Variable, labels: Variable, { reduction }: { reduction: "sum" | "mean" }, weight: number | Variable) => {
      const costs = flimsy.mul(flimsy.add(flimsy.mul(flimsy.max(abs(scores), -1), 2), 1), weight);
      return reduction === "mean" ? flimsy.mean(costs) : labels.shape.length === 0 ? costs : flimsy.sum(costs);
    },
  },
  // (softmax(x) − [index = label]) · g
  "crossEntropy′": {
    draw: (draw) => {
      const [scores, labels] = scoresAndLabels(draw);
      return [scores, labels, draw.tensor(labels.shape)];
    },
    f: (scores: Variable, labels: Variable, g: Variable) => record(operation("crossEntropy′"), scores.shape, [scores, labels, g]),
    ulps: ofRows,
    magnitude: (scores: Variable, _: Variable, g: Variable) => flimsy.mul(flimsy.add(flimsy.mul(scores, 0), 1), reshape(abs(g), [...g.shape, 1])),
  },
};

/** The gradient of a convolution by its kernel. */
function kernelGradient(x: Variable, g: Variable, kernel: Shape, stride: Shape, padding: Shape): Variable {
  return record(operation("conv2d′"), [g.shape[1], x.shape[1], ...kernel], [x, g], [0, ...kernel, ...stride, ...padding, ...g.shape.slice(2)]);
}

/** An operation that has no function of its own among the exports. */
function operation(name: string): Parameters<typeof record>[0] {
  const found = operations.get(name);
  if (found === undefined) throw new Error(`The registry has no operation ${name}.`);
  return found;
}

/** Reads the number of ulps of a specification. */
export const ulpsOf = (specification: Specification, args: readonly unknown[]): number =>
  typeof specification.ulps === "function" ? (specification.ulps as (...args: unknown[]) => number)(...args) : specification.ulps ?? 0;

/** For messages: what was drawn. */
export const describeArguments = (args: readonly unknown[]): string =>
  args.map((arg) => (arg instanceof Tensor ? String(arg) : Array.isArray(arg) ? `[${describeArguments(arg)}]` : JSON.stringify(arg))).join(", ");

export const asInput = (tensor: Tensor): Variable => input(tensor.values, tensor.shape);
