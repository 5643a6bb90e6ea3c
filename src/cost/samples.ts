/** What all costs share: reading their options and data, leaving out padding, weighing samples and adding them up. */

import { currentDevice } from "../devices/current.ts";
import { isList, type NumberList, withNumbers } from "../support/arrays.ts";
import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { readNested } from "../support/nested.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatShape, sameShape, scalarShape, type Shape, sizeOf } from "../support/shape.ts";
import { div, maximum, mul, notEqual } from "../operations/arithmetic.ts";
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
  /** "sum" (the default) adds the samples up; "mean" divides by the number of samples that count (of none, the mean is 0). */
  readonly reduction?: "sum" | "mean" | undefined;
}

export const costOptions = ["weight", "mask", "reduction"] as const;

/** Refuses what a cost, a function of an output, targets and options, does not take. */
export function checkCost(name: string, args: ArrayLike<unknown>, options: CostOptions, known: readonly string[] = costOptions): void {
  checkArguments(name, args, 3);
  checkOptions(name, options, known);
}

/** The samples of one call of a cost, with its options checked. */
export class Samples {
  /** Per sample, 0 where it does not count; null where all count. Numbers on the host if they are known. */
  private readonly mask: Variable | null = null;
  readonly known: ArrayLike<number> | null = null;
  private readonly weight: Operand;
  private readonly isMean: boolean;

  /**
   * @param name of the cost, for messages
   * @param shape of the samples: that of the model's output without the last axis
   */
  constructor(
    readonly name: string,
    readonly shape: Shape,
    { weight = 1, mask, reduction = "sum" }: CostOptions,
  ) {
    if (reduction !== "sum" && reduction !== "mean") throw new ValueError(`${name} takes "sum" or "mean" as reduction, but got ${describe(reduction)}.`);
    this.isMean = reduction === "mean";
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
      this.mask = variable;
      this.known = values;
    }
    this.weight = typeof weight === "number" ? checkNumber(name, "weight", weight) : this.weights(weight);
  }

  /** One number for all samples, or a Variable with one for each. */
  private weights(given: Numbers): Operand {
    const { name, known } = this;
    const found = numbers(name, "weight", given);
    const { variable, values } = sizeOf(found.shape) === 1
      ? { variable: view(found.variable(), scalarShape), values: found.values }
      : this.perSample("weight", given);
    for (let i = 0; !(given instanceof Variable) && values !== null && i < values.length; i++) {
      if (!Number.isFinite(values[i]) && known?.[i] !== 0) throw new ValueError(`${name} takes finite weights, but got ${values[i]} for sample ${i}.`);
    }
    return variable;
  }

  /** An option with a number for each sample, in their shape. */
  private perSample(option: string, given: Numbers): { variable: Variable; values: ArrayLike<number> | null } {
    const { name, shape } = this;
    const found = numbers(name, option, given);
    if (!sameShape(found.shape, shape) && !(isFlat(found.shape) && sizeOf(found.shape) === sizeOf(shape))) {
      throw new ShapeError(
        `${name} got ${option} of shape ${formatShape(found.shape)} for samples of shape ${formatShape(shape)}: give ` +
          `${option === "weight" ? "one number, or one for each sample" : "0 or 1 for each sample"}.`,
      );
    }
    return { variable: view(found.variable(), shape), values: found.values };
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
    const isNested = Array.isArray(given) && given.some((entry) => typeof entry === "object");
    const flat = isNested ? numbers(name, "labels", given as Numbers).values as ArrayLike<number> : given as Indices;
    const list = flat instanceof Variable ? (mask === null || flat.storage === null ? null : flat.values())
      : typeof flat === "number" ? [flat] : isList(flat) ? withNumbers(flat as ArrayLike<number>) : null;
    const count = flat instanceof Variable ? flat.size : list?.length; // what is no list at all, indexVariable refuses
    if (count !== undefined && count !== sizeOf(shape)) {
      throw new ShapeError(
        `${name} got an output of shape ${formatShape(output)}, that is ${sizeOf(shape)} samples of ${classes} classes, but ${count} ` +
          "labels.",
      );
    }
    if (mask === null) return view(indexVariable(name, flat as Indices, classes), shape);
    if (known !== null && list !== null && count !== undefined) {
      return view(indexVariable(name, Array.from(list, (label, i) => (known[i] === 0 ? 0 : label)), classes), shape);
    }
    const labels = flat instanceof Variable ? flat : numbers(name, "labels", flat).variable();
    return view(indexVariable(name, where(mask, view(labels, shape), 0), classes), shape);
  }

  /**
   * Weighs the samples and adds them up.
   * @param costs of each sample, or of each element of each sample; those that do not count finite
   */
  reduce(costs: Variable): Variable {
    const { weight, mask } = this;
    let total = costs;
    const varies = mask !== null || (typeof weight !== "number" && weight.size !== 1);
    if (varies) {
      const each = costs.shape.length > this.shape.length ? sum(costs, -1) : costs;
      total = mul(each, mask === null ? weight : where(mask, weight, 0));
    }
    if (total.shape.length > 0) total = sum(total);
    if (!varies && weight !== 1) total = mul(total, weight);
    if (!this.isMean) return total;
    const count = this.count();
    if (typeof count !== "number") return div(total, maximum(count, 1));
    return count <= 1 ? total : div(total, count);
  }

  /** How many samples count. */
  private count(): Operand {
    const { mask, known, shape } = this;
    if (mask === null) return sizeOf(shape);
    if (known === null) return sum(notEqual(mask, 0));
    let count = 0;
    for (let i = 0; i < known.length; i++) count += known[i];
    return count;
  }
}

/**
 * What the model should have put out for some samples, in the shape of its output.
 * @param low, high what numbers that the host knows must lie between
 */
export function targetsOf(samples: Samples, given: Numbers, output: Shape, low = -Infinity, high = Infinity): Variable {
  const { name, known } = samples;
  const found = numbers(name, "targets", given);
  if (!sameShape(found.shape, output) && !(isFlat(found.shape) && sizeOf(found.shape) === sizeOf(output))) {
    throw new ShapeError(
      `${name} got an output of shape ${formatShape(output)}, but targets of shape ${formatShape(found.shape)}: give a number for each element of the output.`,
    );
  }
  const { values } = found;
  if (values !== null && (low > -Infinity || high < Infinity)) {
    const n = output.length === 0 ? 1 : output[output.length - 1];
    for (let i = 0; i < values.length; i++) {
      if (!(values[i] >= low && values[i] <= high) && known?.[Math.floor(i / n)] !== 0) {
        throw new ValueError(`${name} takes targets from ${low} to ${high}, but got ${values[i]}.`);
      }
    }
  }
  return samples.clean(view(found.variable(), output));
}

/** The shape of samples from that of the model's output. */
export const samplesOf = (output: Shape): Shape => (output.length === 1 ? scalarShape : output.slice(0, -1));

/** May these numbers stand for an array of any shape with as many elements? */
const isFlat = (shape: Shape): boolean => shape.length <= 1;

interface Found {
  readonly shape: Shape;
  /** The numbers, where the host knows them. */
  readonly values: ArrayLike<number> | null;
  variable(): Variable;
}

/** Numbers in any form that a cost takes. */
export function numbers(name: string, what: string, given: Numbers): Found {
  if (given instanceof Variable) {
    const { shape } = given;
    return { shape, values: given.storage === null ? null : given.values(), variable: () => given };
  }
  let values: ArrayLike<number>;
  let shape: readonly number[];
  if (isList(given) && !Array.isArray(given)) {
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
