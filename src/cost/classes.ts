/** What the costs of classes share: labels, or a number for each class, and weights of classes. */

import type { Operand } from "../engine/step.ts";
import type { Variable } from "../engine/variable.ts";
import { checkVariable } from "../operations/check.ts";
import { oneHot } from "../operations/indexing.ts";
import { sum } from "../operations/reduction.ts";
import { where } from "../operations/where.ts";
import { checkNumber } from "../support/check.ts";
import { ShapeError } from "../support/errors.ts";
import { formatShape, type Shape, sizeOf } from "../support/shape.ts";
import { type CostOptions, countOf, type Labels, type Numbers, numbers, Samples, samplesOf, shaped } from "./samples.ts";

/** The samples of an output [samples…, classes]. */
export function samplesAndClasses(name: string, output: Variable, options: CostOptions): { samples: Samples; classes: number } {
  checkVariable(name, output);
  const classes = output.shape[output.shape.length - 1] ?? 0;
  if (classes === 0) {
    throw new ShapeError(
      `${name} got an output of shape ${formatShape(output.shape)}: ` +
        "the last axis holds a number for each class and must not be empty.",
    );
  }
  return { samples: new Samples(name, samplesOf(output.shape), options), classes };
}

/** Is there a number for each element of the output, and not one label for each sample? Where the last axis has one element, both may be true. */
export const isForElements = (given: Labels | Numbers, output: Shape): boolean => typeof given !== "number" && countOf(given) === sizeOf(output);

/** A number for each class, given as an option: [classes]. */
export function numbersOfClasses(name: string, option: string, given: Numbers, classes: number): Variable {
  const { values, variable } = shaped(numbers(name, option, given), [classes], (found) =>
    `${name} got ${option} of shape ${found} for ${classes} classes: give one number for each class.`);
  for (let i = 0; values !== null && i < values.length; i++) checkNumber(name, option, values[i], 0);
  return variable();
}

/** x[label] of each row; what stands elsewhere may be infinite. */
export const chosenBy = (labels: Operand, x: Variable): Variable => sum(where(oneHot(labels, x.shape[x.shape.length - 1]), x, 0), -1);
