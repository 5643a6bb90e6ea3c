import { input, type Random, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkInteger } from "../support/check.ts";
import { checkRandom, type TaskOptions } from "./check.ts";
import { drawGaussian, type Gaussian } from "./gaussian.ts";

/** Samples of a task: row i of `x` belongs to class `y[i]`. */
export interface LabelledSamples {
  /** [n, features] */
  x: Variable;
  /** n class numbers, from 0 */
  y: Int32Array;
}

/**
 * A classification problem made of one normal distribution a class.
 *
 * Means and covariances of the classes are drawn from a normal–inverse-Wishart distribution with mean 0, κ = 1,
 * scale I and ν = 2 · features; every class is equally probable. The classes overlap: no classifier is perfect.
 * @example
 * const task = new MixtureTask(20, 3);
 * const { x, y } = task.sample(1000); // labels from 0 to 2
 * x.shape; // [1000, 20]
 * y.length; // 1000
 */
export class MixtureTask {
  /** For each class its mean, one number a feature. */
  readonly means: readonly Float64Array[];
  /** For each class its covariance, row-major, features × features. */
  readonly covariances: readonly Float64Array[];
  readonly #classes: readonly Gaussian[];
  readonly #random: Random;

  /**
   * @param features length of a sample, at least 1
   * @param classes number of classes, at least 1
   * @param options.random where the task and its samples are drawn from; the default generator, unless given
   * @throws ValueError unless both numbers are positive integers
   */
  constructor(readonly features: number, readonly classes: number, options: TaskOptions = {}) {
    checkArguments("MixtureTask", arguments, 3);
    const random = checkRandom("MixtureTask", options);
    checkInteger("MixtureTask", "the number of features", features, 1);
    checkInteger("MixtureTask", "the number of classes", classes, 1);
    this.#random = random;
    this.#classes = Array.from({ length: classes }, () => drawGaussian(features, 1, 2 * features, random));
    this.means = this.#classes.map((gaussian) => gaussian.mean);
    this.covariances = this.#classes.map((gaussian) => gaussian.covariance);
  }

  /**
   * Draws labelled samples: `x` of shape [n, features], and the n labels `y`.
   * Each call goes on in the random stream, so that a training and a test set come from two calls.
   * @throws ValueError unless n is a positive integer
   */
  sample(n: number): LabelledSamples {
    checkArguments("sample", arguments, 1);
    checkInteger("MixtureTask", "the number of samples", n, 1);
    const values = new Float64Array(n * this.features);
    const y = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      y[i] = this.#random.integer(0, this.classes);
      this.#classes[y[i]].sampleInto(values, i * this.features, this.#random);
    }
    return { x: input(values, [n, this.features]), y };
  }
}
