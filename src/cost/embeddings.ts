/** Costs of where things are: what belongs together near each other, the rest apart. */

import type { Operand } from "../engine/step.ts";
import { fromValues, Variable } from "../engine/variable.ts";
import { add, div, maximum, minimum, mul, sub } from "../operations/arithmetic.ts";
import { relu } from "../operations/activation.ts";
import { view } from "../operations/broadcasting.ts";
import { checkVariable } from "../operations/check.ts";
import { eye } from "../operations/creation.ts";
import { elementwise } from "../operations/elementwise.ts";
import { transpose } from "../operations/layout.ts";
import { linear } from "../operations/linear.ts";
import { dot, norm2 } from "../operations/product.ts";
import { sum } from "../operations/reduction.ts";
import { where } from "../operations/where.ts";
import { checkChoice, checkFlag, checkNumber, refusal } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { noOptions } from "../support/options.ts";
import { formatShape, sameShape, scalarShape, type Shape } from "../support/shape.ts";
import { crossEntropy } from "./cross-entropy.ts";
import { checkCost, type CostOptions, costOptions, type Numbers, Samples, signs, targetsOf } from "./samples.ts";

/** Each vector, along the last axis, with the length 1. One without a length stays 0. */
function unit(x: Variable): Variable {
  const length = norm2(x, -1, true);
  return div(x, where(length, length, 1));
}

const cosine = (a: Variable, b: Variable): Variable => dot(unit(a), unit(b));

/** The shape of the samples, of embeddings of one shape [samples…, features]. */
function samplesOfEach(name: string, embeddings: readonly Variable[]): Shape {
  for (const x of embeddings) checkVariable(name, x);
  const { shape } = embeddings[0];
  if (shape.length === 0 || embeddings.some((x) => !sameShape(x.shape, shape))) {
    const found = embeddings.map((x) => formatShape(x.shape)).join(", ");
    throw new ShapeError(`${name} takes embeddings of one shape, [features] or [samples…, features], but got ${found}.`);
  }
  return shape.slice(0, -1);
}

export interface CosineEmbeddingOptions extends CostOptions {
  /** Up to which cosine what does not belong together costs nothing, from −1 to 1; 0 unless given. */
  readonly margin?: number | undefined;
}

const ofCosine = elementwise("cosineEmbedding", (cosine, alike, margin) => alike.greater(0).where(cosine.neg().add(1), cosine.sub(margin).relu()));

/**
 * Makes pairs that are alike point in one direction, and others not: Σ weight · (1 − cos) of those that are, Σ weight · max(0, cos − margin) of the others.
 * A vector of zeros has the cosine 0 with all.
 *
 * @param a [features] for one pair, or [samples…, features]
 * @param b in the shape of a
 * @param labels for each pair 1 (or true) if it is alike, −1 (or 0, false) if not
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if a, b, labels, weights or mask do not fit; ValueError for other labels
 * @example
 * const a = input([[1, 0], [1, 0]]);
 * cost.cosineEmbedding(a, input([[0, 2], [3, 0]]), [1, -1], { reduction: "none" }).toArray(); // [1, 1]
 */
export function cosineEmbedding(a: Variable, b: Variable, labels: Numbers, options: CosineEmbeddingOptions = noOptions): Variable {
  const name = "cosineEmbedding";
  checkCost(name, arguments, options, [...costOptions, "margin"], 4);
  const samples = new Samples(name, samplesOfEach(name, [a, b]), options);
  const margin = checkNumber(name, "margin", options.margin ?? 0, -1, 1);
  return samples.reduce(ofCosine(cosine(samples.clean(a), samples.clean(b)), targetsOf(samples, labels, samples.shape, signs), margin));
}

export interface TripletOptions extends CostOptions {
  /** How much nearer the positive has to be than the negative; 1 unless given. */
  readonly margin?: number | undefined;
  /** Between embeddings [samples…, features], as [samples…]; "cosine" is 1 − cos; "euclidean" unless given. */
  readonly distance?: "euclidean" | "squared" | "cosine" | ((a: Variable, b: Variable) => Variable) | undefined;
  /** Take the distance of the negative to anchor or positive, whichever is less (Balntas et al., 2016); false unless given. */
  readonly swap?: boolean | undefined;
}

const square = elementwise("squaredDistance", (a, b) => a.sub(b).mul(a.sub(b)));

const distances = {
  euclidean: (a: Variable, b: Variable): Variable => norm2(sub(a, b)),
  squared: (a: Variable, b: Variable): Variable => sum(square(a, b), -1),
  cosine: (a: Variable, b: Variable): Variable => sub(1, cosine(a, b)),
};

/**
 * Makes an anchor nearer to what is like it than to what is not: Σ weight · max(0, margin + d(anchor, positive) − d(anchor, negative))
 * (Schroff et al., arXiv:1503.03832). Where two embeddings coincide, their Euclidean distance has no gradient.
 *
 * @param anchor [features] for one triplet, or [samples…, features]
 * @param positive, negative in the shape of the anchor
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if the embeddings, weights or mask do not fit
 * @example
 * const [anchor, positive, negative] = [input([0, 0]), input([0, 1]), input([3, 4])];
 * cost.triplet(anchor, positive, negative).item(); // 0
 * cost.triplet(anchor, negative, positive).item(); // 5
 * cost.triplet(anchor, positive, negative, { margin: 30, distance: "squared" }).item(); // 6
 */
export function triplet(anchor: Variable, positive: Variable, negative: Variable, options: TripletOptions = noOptions): Variable {
  checkCost("triplet", arguments, options, [...costOptions, "margin", "distance", "swap"], 4);
  const samples = new Samples("triplet", samplesOfEach("triplet", [anchor, positive, negative]), options);
  const margin = checkNumber("triplet", "margin", options.margin ?? 1, 0);
  const { distance: given = "euclidean" } = options;
  const measure = typeof given === "function" ? given : distances[checkChoice("triplet", "distance", given, ["euclidean", "squared", "cosine"])];
  const distance = (a: Variable, b: Variable): Variable => {
    const found = measure(a, b);
    if (found instanceof Variable && sameShape(found.shape, samples.shape)) return found;
    throw new ShapeError(`The distance given to triplet must return one number for each sample, shape ${formatShape(samples.shape)}` +
      `${found instanceof Variable ? `, but returned shape ${formatShape(found.shape)}` : ""}.`);
  };
  const [a, p, n] = [anchor, positive, negative].map((x) => samples.clean(x));
  const apart = distance(a, n);
  const other = checkFlag("triplet", "swap", options.swap ?? false) ? minimum(apart, distance(p, n)) : apart;
  return samples.reduce(relu(add(sub(distance(a, p), other), margin)));
}

export interface ContrastiveOptions extends CostOptions {
  /** By which similarities are divided: a number, or a Variable of shape [], which is trained if it is a parameter; 0.07 unless given. */
  readonly temperature?: Operand | undefined;
  /** The similarity of two embeddings: their cosine, or their inner product; "cosine" unless given. */
  readonly similarity?: "cosine" | "dot" | undefined;
  /** Whether keys look for their queries too, each way counting half, as in CLIP (Radford et al., arXiv:2103.00020); false unless given. */
  readonly symmetric?: boolean | undefined;
}

/** Scores of each sample with each, without those of samples that do not count: of these each has itself alone. */
function among(mask: Variable | null, scores: Variable): Variable {
  if (mask === null) return scores;
  const n = mask.size;
  return where(maximum(eye(n), mul(view(mask, [n, 1]), mask)), scores, -Infinity);
}

/**
 * InfoNCE (van den Oord et al., arXiv:1807.03748): each query has to tell its own key from those of all other samples of the batch, its negatives. That
 * is the categorical cross entropy of the similarities, divided by the temperature, with the own key as the label. What is masked out is no negative
 * either.
 *
 * @param queries [samples, features]
 * @param keys in the shape of the queries: the key of each of them
 * @returns the sum (or mean) over the samples, a Variable of shape []; with the reduction "none" the cost of each sample
 * @throws ShapeError if queries, keys, weights or mask do not fit; ValueError for a temperature that is not positive
 * @example
 * const [images, texts] = [input([[1, 0], [0, 1]]), input([[2, 0], [0, 3]])];
 * // log(1 + 1/e): each is told from one other by a cosine of 1 against 0
 * cost.contrastive(images, texts, { temperature: 1, symmetric: true, reduction: "mean" }).item(); // 0.3133
 */
export function contrastive(queries: Variable, keys: Variable, options: ContrastiveOptions = noOptions): Variable {
  const name = "contrastive";
  checkCost(name, arguments, options, [...costOptions, "temperature", "similarity", "symmetric"]);
  const shape = samplesOfEach(name, [queries, keys]);
  if (shape.length !== 1) throw new ShapeError(`${name} takes a batch of embeddings, [samples, features], but got ${formatShape(queries.shape)}.`);
  const samples = new Samples(name, shape, options);
  const { temperature = 0.07, similarity = "cosine" } = options;
  if (temperature instanceof Variable ? temperature.size !== 1 : !(temperature > 0 && temperature < Infinity)) {
    throw refusal(name, "a positive number, or a Variable of one element, as temperature", temperature);
  }
  const isCosine = checkChoice(name, "similarity", similarity, ["cosine", "dot"]) === "cosine";
  const [q, k] = [queries, keys].map((x) => (isCosine ? unit(samples.clean(x)) : samples.clean(x)));
  const scores = among(samples.mask, div(linear(k, q), temperature instanceof Variable ? view(temperature, scalarShape) : temperature));
  const own = fromValues(Float32Array.from({ length: shape[0] }, (_, i) => i), shape);
  const costs = crossEntropy(scores, own);
  if (!checkFlag(name, "symmetric", options.symmetric ?? false)) return samples.reduce(costs);
  return samples.reduce(mul(add(costs, crossEntropy(transpose(scores), own)), 0.5));
}
