import { elementwise } from "../operations/elementwise.ts";
import { checkArguments } from "../support/options.ts";
import type { Variable } from "../engine/variable.ts";
import { averagedSquare, besides } from "./average.ts";
import { Optimizer, type OptimizerOptions, type Updated } from "./optimizer.ts";
import type { Numbers, Target } from "./parameter-group.ts";
import { fraction, positive, withRate } from "./settings.ts";

export interface AdaDeltaOptions extends Partial<OptimizerOptions> {
  /** ρ: how much of the averages stays at each update; 0.95 unless given. */
  readonly decay?: number | undefined;
  /** ε, added to both averages; 10⁻⁶ unless given. */
  readonly epsilon?: number | undefined;
}

const change = /*#__PURE__*/ elementwise("adaDeltaChange", (gradient, meanSquare, meanChange, epsilon) =>
  meanChange.add(epsilon).div(meanSquare.add(epsilon)).sqrt().mul(gradient));
const move = /*#__PURE__*/ elementwise("adaDelta", (value, change, rate) => value.sub(change.mul(rate)));

/**
 * AdaDelta (M. D. Zeiler, arXiv:1212.5701): s ← ρ·s + (1 − ρ)·g², Δ = −√((d + ε) / (s + ε))·g, d ← ρ·d + (1 − ρ)·Δ²,
 * θ ← θ + η·Δ. The paper has no learning rate: η is 1 unless given.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new AdaDelta(w);
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // The first step is √(ε / (1 − ρ)), whatever the gradient is.
 * w.toArray(); // [2.99553, -99.99553]
 */
export class AdaDelta extends Optimizer<"decay" | "epsilon"> {
  protected readonly slots: readonly string[] = ["meanSquare", "meanSquareChange"];
  protected override readonly isRepeatable: boolean = this.rule === AdaDelta.prototype.rule;

  constructor(target: Target<AdaDeltaOptions>, options: AdaDeltaOptions = {}) {
    checkArguments("AdaDelta", arguments, 2);
    super(target, withRate(options, 1), { decay: fraction(0.95), epsilon: positive(1e-6) });
  }

  protected rule(
    value: Variable, gradient: Variable, [square, squareChange]: readonly Variable[],
    { learningRate, decay, epsilon }: Numbers<"decay" | "epsilon">,
  ): Updated {
    const nothing = besides(epsilon);
    const nextSquare = averagedSquare(square, gradient, 1 - decay, nothing);
    const step = change(gradient, nextSquare, squareChange, epsilon);
    return { value: move(value, step, learningRate), slots: [nextSquare, averagedSquare(squareChange, step, 1 - decay, nothing)] };
  }
}
