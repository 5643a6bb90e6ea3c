/** What all costs share: reading their options and data, leaving out padding, weighing samples and adding them up. */

import { currentDevice } from "../devices/current.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { checkChoice, checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { readNested } from "../support/nested.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatShape, sameShape, scalarShape, type Shape, sizeOf } from "../support/shape.ts";
import { div, mul } from "../operations/arithmetic.ts";
import { view } from "../operations/broadcasting.ts";
import type { Operand } from "../engine/step.ts";
import { fromValues, Variable } from "../engine/variable.ts";
import { indexVariable, type Indices } from "../operations/indices.ts";
import { sum } from "../operations/reduction.ts";
import { where } from "../operations/where.ts";

/** The class of each sample: integers from 0. One number for one sample; nested lists for sequences of samples. */
export type Labels = Indices | readonly NumberList[];

/** Numbers (or booleans, which count as 1 and 0) for a cost: one, nested arrays, a flat array in row-major order, a Variable. */
export type Numbers = Variable | NestedNumbers | NumberList;
type NestedNumbers = number | boolean | NumberList | readonly NestedNumbers[];

/**
 * What every cost takes. A *sample* is a row of what the model puts out: everything along the last axis. [classes] is one
 * sample, [samples, classes] a batch, and of padded sequences [samples, steps, classes] each step is a sample.
 */
export interface CostOptions {
  /** A factor for all samples, or one for each. */
  readonly weight?: Numbers | undefined;
  /**
   * For padded sequences: 1 for each sample that counts and 0 for each that does not, in the shape of the samples
   * ([samples], [samples, steps]) or flat. What is masked out costs nothing, has no gradient, is not counted by the mean,
   * and may hold anything: labels out of range, NaN.
   */
  readonly mask?: Numbers | undefined;
  /**
   * "sum" (the default) adds the samples up; "mean" divides by the number of samples that count (of none, the mean is 0); "none" gives the cost of
   * each sample, in the shape of the samples, 0 where one is masked out.
   */
  readonly reduction?: "sum" | "mean" | "none" | undefined;
}

export const costOptions = ["weight", "mask", "reduction"] as const;

/** Refuses what a cost, a function of an output, targets and options, does not take. */
export function checkCost(name: string, args: ArrayLike<unknown>, options: CostOptions, known: readonly string[] = costOptions, most = 3): void {
  checkArguments(name, args, most);
  checkOptions(name, options, known);
}

/** The samples of one call of a cost, with its options checked. */
export class Samples {
  /** Per sample, 0 where it does not count; null where all count. Numbers on the host if they are known. */
  readonly mask: Variable | null = null;
  readonly known: ArrayLike<number> | null = null;
  private readonly weight: Operand;
  private readonly reduction: NonNullable<CostOptions["reduction"]>;

  /**
   * @param name of the cost, for messages
   * @param shape of the samples: that of the model's output without the last axis
   */
  constructor(
    readonly name: string,
    readonly shape: Shape,
    { weight = 1, mask, reduction = "sum" }: CostOptions,
  ) {
    this.reduction = checkChoice(name, "reduction", reduction, ["sum", "mean", "none"]);
    if (mask !== undefined) {
      const { variable, values } = this.perSample("mask", mask);
      for (let i = 0; values !== null && i < values.length; i++) {
        if (values[i] !== 0 && values[i] !== 1) {
          throw new ValueError(
            `${name} got ${values[i]} in its mask: 1 marks a sample that counts, 0 one that does ` +
              "not.",
          );
        }
      }
      this.mask = variable();
      this.known = values;
    }
    this.weight = typeof weight === "number" ? checkNumber(name, "weight", weight) : this.weights(weight);
  }

  /** One number for all samples, or a Variable with one for each. */
  private weights(given: Numbers): Operand {
    const { name, known } = this;
    const found = numbers(name, "weight", given);
    const one: Found = { ...found, variable: () => view(found.variable(), scalarShape) };
    const { variable, values } = sizeOf(found.shape) === 1 ? one : this.perSample("weight", given);
    for (let i = 0; !(given instanceof Variable) && values !== null && i < values.length; i++) {
      if (!Number.isFinite(values[i]) && known?.[i] !== 0) throw new ValueError(`${name} takes finite weights, but got ${values[i]} for sample ${i}.`);
    }
    return variable();
  }

  /** An option with a number for each sample, in their shape. */
  private perSample(option: string, given: Numbers): Found {
    const { name, shape } = this;
    return shaped(numbers(name, option, given), shape, (found) =>
      `${name} got ${option} of shape ${found} for samples of shape ${formatShape(shape)}: give ` +
        `${option === "weight" ? "one number, or one for each sample" : "0 or 1 for each sample"}.`);
  }

  /** x [samples…, n] with zeros where a sample does not count, so that whatever was there harms neither values nor gradients. */
  clean(x: Variable): Variable {
    if (this.mask === null) return x;
    return where(x.shape.length > this.shape.length ? view(this.mask, [...this.shape, 1]) : this.mask, x, 0);
  }

  /**
   * The label of each sample, checked, in the shape of the samples.
   * @param output the shape of the model's output, for messages
   */
  labels(given: Labels, classes: number, output: Shape): Operand {
    const { name, shape, known, mask } = this;
    // A number of the step costs less than an array.
    if (mask === null && shape.length === 0 && Number.isInteger(given) && (given as number) >= 0 && (given as number) < classes) return given as number;
    const found = numbers(name, "labels", given);
    const { values } = found;
    const size = sizeOf(shape);
    const count = sizeOf(found.shape);
    if (count !== size) {
      throw new ShapeError(`${name} got an output of shape ${formatShape(output)}, that is ${size} samples of ${classes} classes, but ${count} labels.`);
    }
    let labels: Indices = given instanceof Variable || values === null ? found.variable() : values;
    if (mask !== null && known !== null && values !== null) labels = Array.from(values, (label, i) => (known[i] === 0 ? 0 : label));
    else if (mask !== null) labels = where(mask, view(found.variable(), shape), 0);
    return view(indexVariable(name, labels, classes), shape);
  }

  /**
   * Weighs the samples and adds them up, unless they stay single.
   * @param costs of each sample, or of each element of each sample; those that do not count finite
   * @param counts how much each sample counts in the mean, as a class with a weight does; 1 unless given
   */
  reduce(costs: Variable, counts: Variable | null = null): Variable {
    const { weight, mask, reduction } = this;
    let total = costs;
    const varies = mask !== null || (typeof weight !== "number" && weight.size !== 1);
    if ((varies || reduction === "none") && costs.shape.length > this.shape.length) total = sum(costs, -1);
    if (varies) total = mul(total, mask === null ? weight : where(mask, weight, 0));
    else if (reduction === "none" && weight !== 1) total = mul(total, weight);
    if (reduction === "none") return total;
    if (total.shape.length > 0) total = sum(total);
    if (!varies && weight !== 1) total = mul(total, weight);
    if (reduction === "sum") return total;
    const whole = this.count(counts);
    if (typeof whole !== "number") return div(total, where(whole, whole, 1));
    return whole <= 1 ? total : div(total, whole);
  }

  /** What the mean divides by: how many samples count, or how much they do. */
  private count(counts: Variable | null): Operand {
    const { mask, known, shape } = this;
    if (counts !== null || (mask !== null && known === null)) return sum(mask === null ? counts as Variable : where(mask, counts ?? 1, 0));
    if (known === null) return sizeOf(shape);
    let count = 0;
    for (let i = 0; i < known.length; i++) count += known[i];
    return count;
  }
}

/** What targets may be, where the host knows them. */
export interface Allowed {
  readonly text: string;
  includes(value: number): boolean;
}

export const probabilities: Allowed = { text: "from 0 to 1", includes: (value) => value >= 0 && value <= 1 };

/** Yes or no: what is positive is yes. */
export const signs: Allowed = { text: "that are 1, or −1 or 0 for no", includes: (value) => value === 1 || value === 0 || value === -1 };

/** What the model should have put out for some samples, in the shape of its output. */
export function targetsOf(samples: Samples, given: Numbers, output: Shape, allowed: Allowed | null = null): Variable {
  const { name, known } = samples;
  const { values, variable } = shaped(numbers(name, "targets", given), output, (found) =>
    `${name} got an output of shape ${formatShape(output)}, but targets of shape ${found}: give a number for each element of the output.`);
  if (values !== null && allowed !== null) {
    const n = values.length / sizeOf(samples.shape);
    for (let i = 0; i < values.length; i++) {
      if (allowed.includes(values[i]) || known?.[Math.floor(i / n)] === 0) continue;
      throw new ValueError(`${name} takes targets ${allowed.text}, but got ${values[i]}.`);
    }
  }
  return samples.clean(variable());
}

/** The shape of samples from that of the model's output. */
export const samplesOf = (output: Shape): Shape => (output.length === 1 ? scalarShape : output.slice(0, -1));

/** How many numbers there are in what is given as labels or targets; of ragged lists as many as their first ones let expect. */
export function countOf(given: unknown): number {
  if (given instanceof Variable) return given.size;
  return isList(given) ? given.length * (given.length === 0 ? 1 : countOf(given[0])) : 1;
}

export interface Found {
  readonly shape: Shape;
  /** The numbers, where the host knows them. */
  readonly values: ArrayLike<number> | null;
  variable(): Variable;
}

/**
 * The same in a shape, which they have or, where they are flat, as many elements.
 * @param misfit the message if not
 */
export function shaped({ shape, values, variable }: Found, wanted: Shape, misfit: (found: string) => string): Found {
  if (sizeOf(shape) !== sizeOf(wanted) || (shape.length > 1 && !sameShape(shape, wanted))) throw new ShapeError(misfit(formatShape(shape)));
  return { shape: wanted, values, variable: () => view(variable(), wanted) };
}

const isNumber = (entry: unknown): boolean => typeof entry === "number";

/** Numbers in any form that a cost takes. */
export function numbers(name: string, what: string, given: Numbers): Found {
  if (given instanceof Variable) {
    const { shape } = given;
    return { shape, values: given.storage?.knows() ? given.values() : null, variable: () => given };
  }
  let values: ArrayLike<number>;
  let shape: readonly number[];
  if (isList(given) && (!Array.isArray(given) || given.every(isNumber))) {
    values = withNumbers(given as ArrayLike<number>);
    shape = [values.length];
  } else {
    ({ values, shape } = readNested(given, (entry) => typeof entry === "number" || typeof entry === "boolean", (entry, _, expected) => {
      if (expected === null && !isList(entry)) return new ValueError(`${name} takes numbers as ${what}, but got ${describe(entry)}.`);
      const [found, others] = expected === null ? ["an array", "a number"] : [describe(entry), `an array of ${expected}`];
      return new ShapeError(`${name} got ragged ${what}: ${found} where others have ${others}. Pad it, and mask out the padding.`);
    }));
  }
  return { shape, values, variable: () => fromValues(new (currentDevice().FloatArray)(values), shape) };
}
