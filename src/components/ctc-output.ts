import type { Targets } from "../ctc/index.ts";
import { affine, argmax, Component, cost, type Parameter, parameter, softmax, ValueError, type Variable, zeros } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { integer, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { joined, type Sequence } from "./sequence.ts";

/** What a `CtcOutput` is made with. */
export interface CtcOutputOptions {
  /** The number of features of a step. */
  readonly inputs: number;
  /** The number of symbols, the blank included. */
  readonly outputs: number;
  /** Which symbol is the blank; 0 unless given. */
  readonly blank?: number;
}

/**
 * Labels for a sequence that is not aligned with them (Graves et al. 2006): scores of symbols for each step, x·wᵀ + b, and the
 * likelihood of a labelling summed over all alignments. w [outputs, inputs] begins as Glorot & Bengio (2010) propose, b at 0.
 * @example
 * const birnn = new Bidirectional({ forward: new Lstm({ inputs: 8, outputs: 16 }) });
 * const output = new CtcOutput({ inputs: 32, outputs: 28 });
 * const xs = randn([20, 8]); // 20 steps, and five labels somewhere in them
 * grad(() => output.cost(birnn.unfold(xs), [7, 4, 11, 11, 14]));
 * output.predict(birnn.unfold(xs)).shape; // [20]
 */
export class CtcOutput extends Component {
  static get options(): Kinds<CtcOutputOptions, CtcOutput> { return { inputs: size, outputs: size, blank: optional(integer(0), 0) }; }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly blank: number;
  readonly w: Parameter;
  readonly b: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1, or a blank that is no symbol */
  constructor(options: CtcOutputOptions) {
    super();
    const { inputs, outputs, blank } = take(this, CtcOutput.options, options, arguments);
    if (blank >= outputs) {
      throw new ValueError(`${this.constructor.name} got blank = ${blank} for ${outputs} outputs: the blank is one of them, from 0 to ${outputs - 1}.`);
    }
    this.w = parameter(glorot([outputs, inputs]));
    this.b = parameter(zeros([outputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<CtcOutputOptions> { return of(this, CtcOutput.options); }

  /**
   * The scores of the symbols at each step.
   * @param xs a list of Variables [..., inputs], or one [..., steps, inputs]
   * @returns [..., steps, outputs]
   * @throws ShapeError
   */
  score(xs: Sequence): Variable {
    checkArguments("score", arguments, 1);
    return affine(this.w, joined(this, "xs", xs, this.inputs), this.b);
  }

  /** The probabilities of the symbols at each step: [..., steps, outputs]. */
  probs(xs: Sequence): Variable {
    checkArguments("probs", arguments, 1);
    return softmax(this.score(xs));
  }

  /**
   * The most probable symbol at each step, blanks and repetitions included: [..., steps]. `greedy` and `beamSearch` of `flimsy-ml/ctc` make
   * labels of scores.
   */
  predict(xs: Sequence): Variable {
    checkArguments("predict", arguments, 1);
    return argmax(this.score(xs));
  }

  /**
   * The negative log likelihood of labels.
   * @param ys the labels, without blanks; for a batch a list of them
   * @param options weights, sum or mean, a mask or lengths for padding; see `cost.ctcWithScores`
   * @returns as of `cost.ctcWithScores`
   * @throws as `cost.ctcWithScores`
   */
  cost(xs: Sequence, ys: Targets, options: Omit<cost.CtcCostOptions, "blank"> = {}): Variable {
    checkArguments("cost", arguments, 3);
    checkOptions(`${this.constructor.name}.cost`, options, ["weight", "mask", "reduction", "inputLengths", "targetLengths", "infeasible"]);
    return cost.ctcWithScores(this.score(xs), ys, { ...options, blank: this.blank });
  }
}
