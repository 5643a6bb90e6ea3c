import {
  add, Component, detach, isTraining, mean, mul, neg, ones, type Parameter, parameter, recip, reshape, ShapeError, sqrt, type State, state, sub, type Variable,
  zeros,
} from "../index.ts";
import { amount, flag, type Kinds, number, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkVariable } from "./checks.ts";
import { channelsLast } from "./window.ts";

export interface BatchNormOptions {
  /** The number of features, or of channels. */
  readonly inputs: number;
  /** Where these are, counted from the end: −1, the last axis, unless given; −3 for images [..., channels, height, width]. */
  readonly axis?: number;
  /** How much of a batch the running statistics take over: from 0 to 1, 0.1 unless given. */
  readonly momentum?: number;
  /** Added to the variance, so that a constant feature does not divide by 0; 10⁻⁵ unless given. */
  readonly epsilon?: number;
  /** Whether there are a gain and a bias; true unless given. */
  readonly affine?: boolean;
  /** Whether training goes by the running statistics too, and leaves them as they are; false unless given. */
  readonly frozen?: boolean;
}

/**
 * Batch normalisation (Ioffe & Szegedy, arXiv:1502.03167): each feature, or each channel of images, is shifted and scaled to mean 0 and variance 1, then
 * multiplied by a trained gain [inputs], which begins at 1, and moved by a trained bias [inputs], which begins at 0.
 *
 * In training, within `grad`, mean and variance are those of the batch, over all axes but that of the features, and the running statistics, the states
 * `mean` and `variance`, become (1 − momentum) · running + momentum · batch, with the unbiased variance. Anywhere else the running statistics are used. So are
 * they in training where `frozen` is set, which may be done at any time, or gain and bias are frozen, as by `freeze()` of a model that this is part of:
 * a network that is fine-tuned keeps what it knows. (Without gain and bias only `frozen` says so.)
 * @example
 * const norm = new BatchNorm({ inputs: 2, momentum: 0.5 });
 * const x = input([[1, 30], [3, 10]]);
 * grad(() => ({ loss: norm.forward(x).sum(), y: norm.forward(x) })).y.toArray(); // [[-1.000, 1.000], [1.000, -1.000]]
 * // Halfway to mean 2 and variance 2, twice
 * norm.mean.toArray(); // [1.50, 15.0]
 * const images = randn([8, 16, 10, 10]);
 * new BatchNorm({ inputs: 16, axis: -3 }).forward(images).shape; // [8, 16, 10, 10]
 */
export class BatchNorm extends Component {
  static get options(): Kinds<BatchNormOptions, BatchNorm> {
    return {
      inputs: size, axis: optional(fromEnd, -1), momentum: optional(share, 0.1), epsilon: optional(amount, 1e-5), affine: optional(flag, true),
      frozen: optional(flag, false),
    };
  }

  declare readonly inputs: number;
  declare readonly axis: number;
  /** May be changed at any time. */
  declare momentum: number;
  declare readonly epsilon: number;
  declare readonly affine: boolean;
  /** May be changed at any time. */
  declare frozen: boolean;
  readonly gain: Parameter | null;
  readonly bias: Parameter | null;
  /** The running mean [inputs], at first 0. */
  readonly mean: State;
  /** The running variance [inputs], at first 1. */
  readonly variance: State;

  /** @throws ValueError for a size that is not an integer of at least 1, an axis that is none, or a number out of its range */
  constructor(options: BatchNormOptions) {
    super();
    const { inputs, affine } = take(this, BatchNorm.options, options, arguments);
    this.gain = affine ? parameter(ones([inputs])) : null;
    this.bias = affine ? parameter(zeros([inputs])) : null;
    this.mean = state(zeros([inputs]));
    this.variance = state(ones([inputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<BatchNormOptions> { return of(this, BatchNorm.options); }

  /**
   * @param x [..., inputs], or with the features along `axis`
   * @returns of the shape of x
   * @throws ShapeError; in training also for one value of each feature, which has no variance
   */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    this.check(x);
    const { gain, bias } = this;
    const isFixed = this.frozen || (gain?.isFrozen === true && bias?.isFrozen === true);
    return isTraining() && !isFixed ? this.byBatch(x) : this.scaled(sub(x, this.spread(this.mean)), this.variance, null);
  }

  /** By mean and variance of the batch, which the running statistics get to know. */
  private byBatch(x: Variable): Variable {
    const { inputs, momentum } = this;
    const n = x.size / inputs;
    if (n < 2) {
      throw new ShapeError(`${this.constructor.name} got x of shape [${x.shape.join(", ")}] in training, where one value of a feature has no variance. ` +
        "Give more samples, or set frozen.");
    }
    const over = x.shape.map((_, axis) => axis).filter((axis) => axis !== x.shape.length + this.axis);
    const average = mean(x, over);
    const centred = sub(x, this.spread(average));
    // Far from 0 the rounding of the mean is no little beside the deviation: it is what is left on average. Nothing depends on it but for rounding.
    const rest = detach(mean(centred, over));
    const variance = sub(mean(mul(centred, centred), over), mul(rest, rest));
    const follow = (running: State, found: Variable): void => { running.assign(add(running, mul(sub(found, running), momentum))); };
    follow(this.mean, add(detach(average), rest));
    follow(this.variance, mul(detach(variance), n / (n - 1)));
    return this.scaled(centred, variance, rest);
  }

  /** (centred − rest) / √(variance + epsilon) · gain + bias. */
  private scaled(centred: Variable, variance: Variable, rest: Variable | null): Variable {
    const { gain, bias, epsilon } = this;
    const perDeviation = recip(sqrt(add(variance, epsilon)));
    const scale = gain === null ? perDeviation : mul(gain, perDeviation);
    const scaled = mul(centred, this.spread(scale));
    const moved = rest === null ? null : neg(mul(rest, scale));
    const move = moved === null ? bias : bias === null ? moved : add(bias, moved);
    return move === null ? scaled : add(scaled, this.spread(move));
  }

  /** Something of each feature, along the axis of x that has them. */
  private spread(y: Variable): Variable { return this.axis === -1 ? y : reshape(y, [this.inputs, ...Array<number>(-1 - this.axis).fill(1)]); }

  private check(x: Variable): void {
    checkVariable(this, "x", x);
    const { inputs, axis } = this;
    if (x.shape.at(axis) === inputs) return;
    throw new ShapeError(
      `${this.constructor.name} got x of shape [${x.shape.join(", ")}], but its axis ${axis} must have size ${inputs}.` +
        (axis === -1 && x.shape.at(-3) === inputs ? " For images [..., channels, height, width] make it with axis: -3." : "") +
        (axis === -3 ? channelsLast(x, inputs) : ""),
    );
  }
}

const fromEnd = number("an axis counted from the end, such as −1 or −3,", (axis) => Number.isSafeInteger(axis) && axis < 0);
const share = number("a number from 0 to 1", (value) => value >= 0 && value <= 1);
