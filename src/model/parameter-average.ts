/** Averages of parameters over time. */

import { type EvaluateOptions, evaluate } from "../engine/grad.ts";
import { openStep } from "../engine/recording.ts";
import { type State, state } from "../engine/state.ts";
import type { Parameter } from "../engine/variable.ts";
import { elementwise } from "../operations/elementwise.ts";
import { ShapeError, UsageError, ValueError } from "../support/errors.ts";
import * as option from "../support/option.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatShape, sameShape } from "../support/shape.ts";
import { Component } from "./component.ts";
import type { Trainable } from "../engine/trainable.ts";
import { namedIn } from "./targets.ts";
import { standingIn } from "./with-parameters.ts";

export interface ParameterAverageOptions {
  /** With which factor older values count at each update: from 0 to 1, where all count alike; 0.999 unless given. */
  readonly decay?: number;
  /** Whether averages are of the values at updates alone (the default), or begin with those that the parameters have now. */
  readonly debias?: boolean;
}

/**
 * Averages of parameters over time, which often do better than the parameters themselves (Polyak & Juditsky 1992): older values count less and less. With
 * `debias` the weights of the values so far add up to 1 (Kingma & Ba, arXiv:1412.6980, section 3), so the averages are of use from the first update on,
 * and with a decay of 1 they are plain means, as in stochastic weight averaging (Izmailov et al., arXiv:1803.05407). Without, it begins with the values at
 * the time when it is made: average ← decay · average + (1 − decay) · parameter.
 *
 * It is a component, and what it averages a part of it: saved and restored with it are both. What a component remembers as `state`, such as the
 * statistics of BatchNorm, is not averaged.
 * @example
 * const w = parameter(8);
 * const optimizer = new GradientDescent(w, { learningRate: 0.25 });
 * const average = new ParameterAverage(w, { decay: 0.5 });
 * for (let step = 0; step < 2; step++) {
 *   grad(() => w.pow(2)); // w becomes 4, then 2
 *   optimizer.update();
 *   average.update();
 * }
 * // (4 · 0.5 + 2) / 1.5, times 3
 * average.evaluate(() => w.mul(3)).item(); // 8.00
 * w.item(); // 2
 */
export class ParameterAverage extends Component {
  /** What is averaged. */
  readonly target: Trainable;
  /** May be changed between updates. */
  decay: number;
  /** The averages, by the names of the parameters: their paths in a component, each once. */
  readonly averages: ReadonlyMap<string, State>;
  /** With how much all values so far count, the last one counting 1. */
  readonly weight: State;

  /**
   * @param target a component, a parameter, or an array of parameters
   * @throws ValueError for what has no parameters, a decay that is not from 0 to 1, and options that do not exist
   */
  constructor(target: Trainable, options: ParameterAverageOptions = {}) {
    super();
    checkArguments("ParameterAverage", arguments, 2);
    checkOptions("ParameterAverage", options, ["decay", "debias"]);
    const { decay = 0.999, debias = true } = options;
    this.target = target;
    this.decay = share.read(decay, "ParameterAverage", "decay", null);
    if (!option.flag.read(debias, "ParameterAverage", "debias", null) && decay === 1) {
      throw new ValueError("ParameterAverage got the decay 1 without debias: the averages would never move.");
    }
    const named = [...namedIn("ParameterAverage", target)];
    const all = named.map(([, parameter]) => parameter);
    this.averages = new Map(named.filter(([, parameter], i) => all.indexOf(parameter) === i).map(([name, parameter]) => [name, state(parameter)]));
    this.weight = state(debias ? 0 : 1 / (1 - decay));
  }

  /** Each parameter with its average, which it has under the first of its names. */
  private pairs(): Map<Parameter, State> {
    const found = new Map<Parameter, State>();
    for (const [name, parameter] of namedIn("ParameterAverage", this.target)) {
      if (found.has(parameter)) continue;
      const average = this.averages.get(name);
      if (average === undefined || !sameShape(average.shape, parameter.shape)) {
        throw new ShapeError(`ParameterAverage has no average for ${name} ${formatShape(parameter.shape)}: it was made for other parameters. Make a new one.`);
      }
      found.set(parameter, average);
    }
    return found;
  }

  /**
   * Takes in the values that the parameters have now: call it after each update of the optimizer.
   * @throws UsageError inside a step; ShapeError if the target has other parameters than at first
   */
  update(): void {
    checkArguments("update", arguments, 0);
    if (openStep() !== null) throw new UsageError("ParameterAverage.update was called inside a step. Call it after the optimizer's update.");
    const fading = 1 - share.read(this.decay, "ParameterAverage", "decay", null);
    const pairs = this.pairs();
    evaluate(() => {
      const weight = nextWeight(this.weight, fading);
      for (const [parameter, average] of pairs) average.assign(nextAverage(average, parameter, weight));
      this.weight.assign(weight);
    });
  }

  /**
   * As `evaluate`, with the averages in place of the parameters.
   * @throws as `evaluate`
   */
  evaluate<R>(f: () => R, options?: EvaluateOptions): R {
    checkArguments("evaluate", arguments, 2);
    return standingIn(this.pairs(), () => evaluate(f, options));
  }

  /**
   * Gives parameters the averages as their values.
   * @param to the target itself unless given, or another component or parameters with the same names and shapes, such as a `clone()`
   * @returns what the values were given to
   * @throws ShapeError if these have other names or shapes, and then nothing has changed; UsageError inside a step that uses them
   */
  copyTo<T extends Trainable = Trainable>(to: T = this.target as T): T {
    checkArguments("copyTo", arguments, 1);
    const named = namedIn("ParameterAverage.copyTo", to);
    for (const [name, average] of this.averages) {
      const shape = named.get(name)?.shape;
      if (shape === undefined || !sameShape(shape, average.shape)) {
        throw new ShapeError(`ParameterAverage.copyTo has an average ${formatShape(average.shape)} for ${name}, but got ` +
          `${shape === undefined ? "no parameter of this name" : `one of shape ${formatShape(shape)}`}.`);
      }
    }
    for (const [name, average] of this.averages) named.get(name)?.assign(average);
    return to;
  }
}

/** The weight of all values so far, of which that share fades, and of another one. */
const nextWeight = elementwise("averageWeight", (weight, fading) => weight.add(weight.mul(fading).neg().add(1)));
/** The first value is the average, whatever that was before. */
const nextAverage = elementwise("averageParameter", (average, x, weight) => weight.equal(1).where(x, average.add(x.sub(average).div(weight))));

const share = option.number("a number from 0 to 1", (value) => value >= 0 && value <= 1);
