/** The samples that a metric is of: what the model put out, what is true, and how much each counts. */

import { argmax, type cost, greater, input, type Labels, reshape, ShapeError, ValueError, Variable, where } from "../index.ts";
import { isList } from "../support/arrays.ts";
import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { readNested } from "../support/nested.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatShape } from "../support/shape.ts";

/** What every metric takes. A sample is a row of the output, as for costs. */
export interface MetricOptions {
  /** How much each sample counts; 1 unless given. */
  readonly weight?: cost.Numbers | undefined;
  /** For padded sequences: 1 for each sample that counts and 0 for each that does not, which may hold anything. */
  readonly mask?: cost.Numbers | undefined;
}

export interface ThresholdOptions extends MetricOptions {
  /** Of yes or no: above which output it is yes. 0, for scores, unless given; for probabilities give 0.5. */
  readonly threshold?: number | undefined;
}

/** A label for each sample, or yes or no (1 or true; 0, −1 or false) for each element of the output. */
export type Truth = Labels | cost.Numbers;

export interface MetricSamples {
  /** [samples, elements] */
  readonly output: Variable;
  /** Labels, [samples]; or of yes or no 1 and 0, [samples, elements]. */
  readonly truth: Variable;
  readonly isYesNo: boolean;
  /** [samples], or null where all count the same. */
  readonly weight: Variable | null;
}

export const thresholdOptions = ["weight", "mask", "threshold"] as const;

/** What the model says: the class of the largest output, the first of equal ones, or 1 and 0 by the threshold. */
export function predicted(name: string, { output, isYesNo }: MetricSamples, { threshold }: ThresholdOptions): Variable {
  if (isYesNo) return greater(output, checkNumber(name, "threshold", threshold ?? 0));
  if (threshold === undefined) return argmax(output);
  throw new ValueError(`${name} takes a threshold for yes or no, not for classes, of which the largest is predicted.`);
}

/** Numbers as a Variable in a shape of as many elements, and what the host knows of them. */
function numbersIn(name: string, what: string, given: unknown): { values: ArrayLike<number> | null; variable: Variable } {
  if (given instanceof Variable) return { values: null, variable: given };
  const isNumber = (entry: unknown): boolean => typeof entry === "number" || typeof entry === "boolean";
  const { values, shape } = readNested(given, isNumber, (entry, _, expected) =>
    expected === null && !isList(entry)
      ? new ValueError(`${name} takes numbers as ${what}, but got ${describe(entry)}.`)
      : new ShapeError(`${name} got ragged ${what}. Pad it, and mask out the padding.`));
  return { values, variable: input(values, shape) };
}

/** Reads the arguments of a metric, a function of an output, what is true, and options. */
export function samplesOf(
  name: string, args: ArrayLike<unknown>, output: Variable, given: Truth, options: MetricOptions, known: readonly string[] = ["weight", "mask"], arity = 3,
): MetricSamples {
  checkArguments(name, args, arity);
  checkOptions(name, options, known);
  if (!(output instanceof Variable)) throw new ValueError(`${name} takes a Variable, the output of a model, but got ${describe(output)}.`);
  const elements = output.shape.at(-1) ?? 1;
  const n = output.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const perSample = (option: "weight" | "mask"): { values: ArrayLike<number> | null; variable: Variable } | null => {
    if (options[option] === undefined) return null;
    const found = numbersIn(name, option, options[option]);
    if (found.variable.size !== n) throw new ShapeError(`${name} got ${option} of shape ${formatShape(found.variable.shape)} for ${n} samples.`);
    return { ...found, variable: reshape(found.variable, [n]) };
  };
  const [mask, weight] = [perSample("mask"), perSample("weight")];
  const { values, variable } = numbersIn(name, "what is true", given);
  const isYesNo = variable.size === n * elements && (elements === 1 || variable.size !== n);
  if (!isYesNo && variable.size !== n) {
    throw new ShapeError(`${name} got an output of shape ${formatShape(output.shape)}, but ${variable.size} numbers as what is true: ` +
      "give a label for each sample, or yes or no for each element.");
  }
  const counts = (i: number): boolean => mask === null || mask.values?.[isYesNo ? Math.floor(i / elements) : i] === 1;
  const [least, most, wanted] = isYesNo ? [-1, 1, "1, or −1 or 0 for no"] : [0, elements - 1, `labels from 0 to ${elements - 1}`];
  for (let i = 0; values !== null && i < values.length; i++) {
    const isOne = Number.isInteger(values[i]) && values[i] >= least && values[i] <= most;
    if (counts(i) && !isOne) throw new ValueError(`${name} takes ${wanted}, but got ${values[i]}.`);
  }
  const rows = mask === null ? null : reshape(mask.variable, [n, 1]);
  const truth = isYesNo ? greater(reshape(variable, [n, elements]), 0) : reshape(variable, [n]);
  const table = reshape(output, [n, elements]);
  return {
    output: rows === null ? table : where(rows, table, 0),
    truth: mask === null ? truth : where(isYesNo ? rows as Variable : mask.variable, truth, 0),
    isYesNo,
    weight: mask === null ? weight?.variable ?? null : where(mask.variable, weight?.variable ?? 1, 0),
  };
}
