import { input, ready, ShapeError, type TensorLike, ValueError, Variable } from "../index.ts";
import { formatShape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { checkNumber } from "../support/check.ts";

/** How a `ZScore` is fitted. */
export interface ZScoreOptions {
  /** The least that is divided by, for features that hardly vary; 10⁻⁶ unless given. */
  readonly minSigma?: number | undefined;
}

/** Samples: an array [..., features] whose other axes are all samples, or a list of such Variables, as of sequences. */
export type Samples = TensorLike | readonly Variable[];

/**
 * Standardization: brings each feature to mean 0 and standard deviation 1. Fitted to training data and applied to all data.
 * @example
 * const scale = ZScore.fit([[1, 10], [3, 10], [5, 40]]);
 * scale.mean; // [3, 20]
 * scale.apply([5, 20]).toArray(); // [1, 0]
 * scale.invert([1, 0]).toArray(); // [5, 20]
 */
export class ZScore {
  /** One number a feature. */
  readonly mean: Float64Array;
  /** The standard deviation of each feature, with n − 1 in the denominator. */
  readonly sigma: Float64Array;
  readonly minSigma: number;

  /**
   * From numbers that are known, such as those of an earlier fit.
   * @throws ValueError for means and deviations of different lengths or that are not finite, or a negative deviation
   */
  constructor(mean: ArrayLike<number>, sigma: ArrayLike<number>, options: ZScoreOptions = {}) {
    checkArguments("ZScore", arguments, 3);
    const minSigma = minSigmaOf("ZScore", options);
    this.mean = Float64Array.from(mean);
    this.sigma = Float64Array.from(sigma);
    this.minSigma = minSigma;
    if (this.mean.length === 0 || this.mean.length !== this.sigma.length) {
      throw new ValueError(`ZScore takes a mean and a standard deviation for each feature, but got ${this.mean.length} and ${this.sigma.length} numbers.`);
    }
    this.mean.forEach((value) => { checkNumber("ZScore", "mean", value); });
    this.sigma.forEach((value) => { checkNumber("ZScore", "sigma", value, 0); });
  }

  /**
   * Mean and standard deviation of each feature.
   * @param data [..., features] with at least two axes, or a list of Variables of such shapes with the same features
   * @throws ShapeError for other shapes; ValueError for no samples, or a sample with NaN or an infinity
   */
  static fit(data: Samples, options: ZScoreOptions = {}): ZScore {
    checkArguments("ZScore.fit", arguments, 2);
    const minSigma = minSigmaOf("ZScore.fit", options);
    const moments = new Moments();
    for (const part of isList(data) ? data : [data]) moments.add(part);
    return moments.result(minSigma);
  }

  /**
   * As `fit`, when the data are there: also where they are on a device that cannot be waited for.
   * @throws as `fit`
   */
  static async fitAsync(data: Samples, options: ZScoreOptions = {}): Promise<ZScore> {
    checkArguments("ZScore.fitAsync", arguments, 2);
    const minSigma = minSigmaOf("ZScore.fitAsync", options);
    return ZScore.fit(await ready(data), { minSigma });
  }

  /**
   * As `fit`, over the parts of a stream, which are not kept: for data larger than memory.
   * @throws as `fit`
   */
  static async fitStream(parts: AsyncIterable<Samples>, options: ZScoreOptions = {}): Promise<ZScore> {
    checkArguments("ZScore.fitStream", arguments, 2);
    const minSigma = minSigmaOf("ZScore.fitStream", options);
    const moments = new Moments();
    for await (const data of parts) for (const part of isList(data) ? data : [data]) moments.add(await ready(part));
    return moments.result(minSigma);
  }

  /**
   * (x − mean) / max(sigma, minSigma)
   * @param x [..., features], also one sample [features], also within a step
   * @throws ShapeError for another number of features
   */
  apply(x: TensorLike): Variable {
    checkArguments("apply", arguments, 1);
    return this.checked("apply", x).sub(input(this.mean)).div(input(this.divisors()));
  }

  /**
   * The inverse of `apply`.
   * @param z [..., features]
   * @throws ShapeError for another number of features
   */
  invert(z: TensorLike): Variable {
    checkArguments("invert", arguments, 1);
    return this.checked("invert", z).mul(input(this.divisors())).add(input(this.mean));
  }

  private divisors(): Float64Array { return this.sigma.map((value) => Math.max(value, this.minSigma)); }

  private checked(method: string, data: TensorLike): Variable {
    const x = data instanceof Variable ? data : input(data);
    if (x.shape[x.shape.length - 1] === this.mean.length) return x;
    throw new ShapeError(`ZScore.${method} got shape ${formatShape(x.shape)}, but it was fitted to [..., ${this.mean.length}].`);
  }
}

/**
 * x with each feature at mean 0 and standard deviation 1: `ZScore.fit(x).apply(x)`.
 * @param x [..., features] with at least two axes
 * @throws as `ZScore.fit`
 * @example
 * zscore([[1, 10], [3, 20], [5, 30]]).toArray(); // [[-1, -1], [0, 0], [1, 1]]
 */
export function zscore(x: TensorLike, options: ZScoreOptions = {}): Variable {
  checkArguments("zscore", arguments, 2);
  checkOptions("zscore", options, ["minSigma"]);
  return ZScore.fit(x, options).apply(x);
}

/**
 * As `zscore`, when the numbers of x are there: also where they are on a device that cannot be waited for.
 * @throws as `ZScore.fit`
 * @example
 * const z = await zscoreAsync([[1, 10], [3, 20], [5, 30]]);
 * z.toArray(); // [[-1, -1], [0, 0], [1, 1]]
 */
export async function zscoreAsync(x: TensorLike, options: ZScoreOptions = {}): Promise<Variable> {
  checkArguments("zscoreAsync", arguments, 2);
  checkOptions("zscoreAsync", options, ["minSigma"]);
  return zscore(await ready(x), options);
}

const isList = (data: Samples): data is readonly Variable[] => Array.isArray(data) && data[0] instanceof Variable;

function minSigmaOf(caller: string, options: ZScoreOptions): number {
  checkOptions(caller, options, ["minSigma"]);
  const minSigma = checkNumber("ZScore", "minSigma", options.minSigma ?? 1e-6, 0);
  if (minSigma === 0) throw new ValueError("ZScore takes a minSigma of more than 0: a feature that is constant would be divided by it.");
  return minSigma;
}

/** Means and sums of squared deviations, which parts of the data are merged into (Chan, Golub & LeVeque 1979). */
class Moments {
  private count = 0;
  private mean: Float64Array | null = null;
  private squares = new Float64Array(0);

  add(data: TensorLike): void {
    const x = data instanceof Variable ? data : input(data);
    const { shape } = x;
    const features = shape[shape.length - 1];
    if (shape.length < 2 || features === 0) {
      throw new ShapeError(`ZScore.fit takes data of shape [..., features] with at least two axes, but got ${formatShape(shape)}.`);
    }
    if (this.mean === null) {
      this.mean = new Float64Array(features);
      this.squares = new Float64Array(features);
    }
    if (features !== this.mean.length) {
      throw new ShapeError(`ZScore.fit got ${features} features in ${formatShape(shape)} after ${this.mean.length} in what came before.`);
    }
    const n = sizeOf(shape.slice(0, -1));
    if (n === 0) return;
    const values = x.data;
    const total = this.count + n;
    for (let j = 0; j < features; j++) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const value = values[i * features + j];
        if (!Number.isFinite(value)) {
          throw new ValueError(`ZScore.fit got ${value} as feature ${j} of sample ${this.count + i}. Leave such samples out, or fill the gap.`);
        }
        sum += value;
      }
      const mean = sum / n;
      let squares = 0;
      for (let i = 0; i < n; i++) squares += (values[i * features + j] - mean) ** 2;
      const shift = mean - this.mean[j];
      this.mean[j] += shift * (n / total);
      this.squares[j] += squares + shift * shift * ((this.count * n) / total);
    }
    this.count = total;
  }

  result(minSigma: number): ZScore {
    if (this.mean === null || this.count === 0) throw new ValueError("ZScore.fit got no samples.");
    const freedom = Math.max(this.count - 1, 1);
    return new ZScore(this.mean, this.squares.map((value) => Math.sqrt(value / freedom)), { minSigma });
  }
}
