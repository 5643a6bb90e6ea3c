/** Reading the arguments of the functions of this room: scores, targets and lengths of one utterance or of a batch. */

import { ShapeError, ValueError } from "../support/errors.ts";
import { formatShape, type Shape } from "../support/shape.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { input, type NestedArray, Variable } from "../engine/variable.ts";
import { describe } from "../support/describe.ts";
import { checkChoice, refusal } from "../support/check.ts";
import { stepsNeeded } from "./labels.ts";

/** The labels of one utterance: integers, none of them the blank. */
export type Sequence = NumberList;
/** The labels of one utterance, or of each: lists of any lengths, or a padded Variable [samples, length] with `targetLengths`. */
export type Targets = Sequence | readonly Sequence[] | Variable;
/** How long each utterance of a batch is; a number for one utterance. */
export type Lengths = number | NumberList | Variable;

/** What every function of scores of symbols takes. */
export interface CtcOptions {
  /** The symbol that stands for no label. Default 0. */
  readonly blank?: number | undefined;
  /** How many steps of each utterance count; the rest is padding, which may hold anything. By default all. */
  readonly inputLengths?: Lengths | undefined;
}

/** What every function of scores and targets takes. */
export interface CtcTargetOptions extends CtcOptions {
  /** How many labels of each target count; the rest is padding. By default all. */
  readonly targetLengths?: Lengths | undefined;
  /**
   * What happens to a target that no path of its utterance spells, because it needs more steps (one a label, and one
   * between equal neighbours): "error" (the default) throws a ValueError, "infinity" gives it the cost +∞ and no gradient.
   * (A target that only scores of −∞ rule out has the cost +∞ in either case.)
   */
  readonly infeasible?: "error" | "infinity" | undefined;
}

/** The names of CtcTargetOptions. */
export const ctcOptions: readonly (keyof CtcTargetOptions)[] = ["blank", "inputLengths", "targetLengths", "infeasible"];

/** What the scores are of: `samples` utterances of up to `steps` steps over `symbols` symbols. */
export class Utterances {
  readonly samples: number;
  readonly steps: number;
  readonly symbols: number;
  readonly blank: number;
  /** How many steps of each utterance count. */
  readonly lengths: readonly number[];

  /** @param counts whether the utterance counts at all; where not, its length is 0, whatever was given */
  constructor(
    readonly name: string,
    readonly shape: Shape,
    options: CtcOptions,
    counts: (sample: number) => boolean = () => true,
  ) {
    if (shape.length !== 2 && shape.length !== 3) {
      throw new ShapeError(
        `${name} takes scores of shape [steps, symbols] for one utterance or [samples, steps, symbols] for a batch, but got ${formatShape(shape)}.`,
      );
    }
    [this.samples, this.steps, this.symbols] = shape.length === 2 ? [1, shape[0], shape[1]] : shape;
    const { blank = 0, inputLengths } = options;
    if (!Number.isInteger(blank) || blank < 0 || blank >= this.symbols) {
      throw new ValueError(
        `${name} got blank ${describe(blank)} for scores of shape ${formatShape(shape)}: it is one of the symbols, an integer from 0 to ${this.symbols - 1}.`,
      );
    }
    this.blank = blank;
    this.lengths = this.readLengths("inputLengths", inputLengths, () => this.steps, counts);
  }

  get isSingle(): boolean { return this.shape.length === 2; }

  private readLengths(option: string, given: Lengths | undefined, most: (sample: number) => number, counts: (sample: number) => boolean): number[] {
    const { name, samples } = this;
    if (given !== undefined && typeof given !== "number" && !isList(given) && !(given instanceof Variable)) {
      throw refusal(name, `an integer for each utterance as ${option}`, given);
    }
    const list = given === undefined ? null
      : typeof given === "number" ? [given]
      : given instanceof Variable ? given.data
      : withNumbers(given as ArrayLike<number>);
    if (list !== null && list.length !== samples) throw new ShapeError(`${name} got ${list.length} ${option} for ${samples} utterances.`);
    return Array.from({ length: samples }, (_, i) => {
      if (!counts(i)) return 0;
      if (list === null) return most(i);
      if (!Number.isInteger(list[i]) || list[i] < 0 || list[i] > most(i)) {
        throw new ValueError(`${name} got ${describe(list[i])} in ${option} for utterance ${i}: it is an integer from 0 to ${most(i)}.`);
      }
      return list[i];
    });
  }

  /**
   * The labels of each utterance, checked; null where no path spells them.
   * @throws ShapeError, ValueError; for labels that no path spells too, unless the options say otherwise
   */
  targets(given: Targets, options: CtcTargetOptions, counts: (sample: number) => boolean = () => true): (readonly number[] | null)[] {
    const { name, lengths } = this;
    const { infeasible = "error" } = options;
    checkChoice(name, "infeasible", infeasible, ["error", "infinity"]);
    return this.labels(given, options.targetLengths, counts).map((labels, i) => {
      if (stepsNeeded(labels) <= lengths[i]) return labels;
      if (infeasible === "infinity") return null;
      throw new ValueError(
        `${name} got a target of ${labels.length} labels for utterance ${i}, which needs ${stepsNeeded(labels)} steps (one a label, and one between equal ` +
          `neighbours) but has ${lengths[i]}. Leave the utterance out, or choose what becomes of it with infeasible: "infinity".`,
      );
    });
  }

  /** The labels of each utterance, checked, whether or not a path spells them. */
  labels(given: Targets, targetLengths?: Lengths, counts: (sample: number) => boolean = () => true): number[][] {
    const { name, samples, blank, symbols } = this;
    const lists = this.split(given);
    if (lists.length !== samples) {
      throw new ShapeError(`${name} got ${lists.length} targets for scores of shape ${formatShape(this.shape)}, that is ${samples} utterances.`);
    }
    const lengths = this.readLengths("targetLengths", targetLengths, (i) => lists[i].length, counts);
    return lists.map((list, i) => {
      const labels = Array.from(list).slice(0, lengths[i]);
      for (const label of labels) {
        if (!Number.isInteger(label) || label < 0 || label >= symbols) {
          throw new ValueError(`${name} got label ${describe(label)} in the target of utterance ${i}: a label is an integer from 0 to ${symbols - 1}.`);
        }
        if (label === blank) throw new ValueError(`${name} got the blank, ${blank}, as a label in the target of utterance ${i}: targets hold labels only.`);
      }
      return labels;
    });
  }

  /** The targets of the utterances, with their padding. */
  private split(given: Targets): ArrayLike<number>[] {
    const { name } = this;
    const wanted = this.isSingle ? "a list of labels" : "a list of labels for each utterance";
    if (given instanceof Variable) {
      const { shape, data } = given;
      if (shape.length !== this.shape.length - 1) {
        throw new ShapeError(`${name} got targets of shape ${formatShape(shape)} for scores of shape ${formatShape(this.shape)}: give ${wanted}.`);
      }
      return this.isSingle ? [data] : Array.from({ length: shape[0] }, (_, i) => data.subarray(i * shape[1], (i + 1) * shape[1]));
    }
    if (!isList(given)) throw refusal(name, `${wanted} as targets`, given);
    if (this.isSingle) {
      if (given.length > 0 && typeof given[0] === "object") {
        throw new ShapeError(`${name} got several targets for scores of shape ${formatShape(this.shape)}, that is one utterance: give ${wanted}.`);
      }
      return [withNumbers(given as ArrayLike<number>)];
    }
    const lists = Array.from(given as readonly unknown[]);
    const wrong = lists.find((list) => !isList(list));
    if (wrong !== undefined) {
      throw new ShapeError(`${name} got targets with ${describe(wrong)} in it for scores of shape ${formatShape(this.shape)}: give ${wanted}.`);
    }
    return lists.map((list) => withNumbers(list as ArrayLike<number>));
  }
}

/** Scores in any form: a Variable, or nested arrays. */
export type Scores = Variable | NestedArray;

/** The scores of some utterances as log probabilities, in float64: from each row its log Σ exp is taken off. */
export function logProbabilities(name: string, scores: Scores, options: CtcOptions): { utterances: Utterances; values: Float64Array } {
  const given = scores instanceof Variable ? scores : input(scores);
  const utterances = new Utterances(name, given.shape, options);
  const { samples, steps, symbols, lengths } = utterances;
  // What the host knows in float64 is not rounded.
  const values = Float64Array.from(Array.isArray(scores) ? (scores.flat(Infinity) as number[]) : given.data);
  for (let i = 0; i < samples; i++) {
    for (let t = 0; t < lengths[i]; t++) {
      const row = values.subarray((i * steps + t) * symbols, (i * steps + t + 1) * symbols);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const shift = largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
      if (!Number.isFinite(shift)) {
        throw new ValueError(`${name} got scores of utterance ${i} at step ${t} that are no distribution: there is a NaN or +∞, or all are −∞.`);
      }
      for (let k = 0; k < symbols; k++) row[k] -= shift;
    }
  }
  return { utterances, values };
}

/** log(eᵃ + eᵇ) */
export function logAdd(a: number, b: number): number {
  if (a === -Infinity) return b;
  if (b === -Infinity) return a;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}
