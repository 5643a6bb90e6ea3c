/** What metrics make of the numbers that they have added up. */

/** A row for each class, a number for each class in it. */
export type Matrix = readonly (readonly number[])[];
/** What a metric is of its samples. */
export type Result = number | Matrix;

/**
 * How numbers of classes become one: that of the only class, or of the second of two ("binary"); the mean over classes ("macro"), by how often each is
 * true ("weighted"); or from the counts of all together ("micro"). Classes that are neither true nor predicted count in none.
 */
export type Average = "binary" | "macro" | "micro" | "weighted";

/** Which number it is. Plain data, so that a checkpoint can keep it. */
export interface Kind {
  readonly name: "ratio" | "perplexity" | "precision" | "recall" | "f1" | "auc" | "confusionMatrix";
  readonly average?: Average;
}

type Counts = readonly [hits: number, predicted: number, actual: number];

const quotient = (a: number, b: number): number => (b === 0 ? 0 : a / b);

const measures = {
  precision: ([hits, predicted]: Counts): number => quotient(hits, predicted),
  recall: ([hits, , actual]: Counts): number => quotient(hits, actual),
  f1: ([hits, predicted, actual]: Counts): number => quotient(2 * hits, predicted + actual),
};

/** Of hits, predictions and truths of each class: three rows. */
function averaged(values: Float64Array, measure: (counts: Counts) => number, average: Average | undefined): number {
  const n = values.length / 3;
  const classes = Array.from({ length: n }, (_, i): Counts => [values[i], values[n + i], values[2 * n + i]]);
  if (average === "binary") return measure(classes[n - 1]);
  const total = (of: (counts: Counts) => number): number => classes.reduce((sum, counts) => sum + of(counts), 0);
  if (average === "micro") return measure([total(([hits]) => hits), total(([, predicted]) => predicted), total(([, , actual]) => actual)]);
  const weight = average === "weighted" ? ([, , actual]: Counts) => actual : ([, predicted, actual]: Counts) => (predicted > 0 || actual > 0 ? 1 : 0);
  return quotient(total((counts) => weight(counts) * measure(counts)), total(weight));
}

/**
 * The area under the receiver's curve: how probable it is that one that is true has the higher score than one that is not, equal scores counting half.
 * Rows of score, truth and weight. Of one kind alone there is no such number: NaN.
 */
function areaUnderCurve(values: Float64Array): number {
  const order = Array.from({ length: values.length / 3 }, (_, i) => 3 * i).filter((at) => values[at + 2] !== 0);
  if (order.some((at) => Number.isNaN(values[at]))) return NaN;
  order.sort((a, b) => values[a] - values[b]);
  let [area, yes, no] = [0, 0, 0];
  for (let i = 0; i < order.length; ) {
    const score = values[order[i]];
    let [yesHere, noHere] = [0, 0];
    for (; i < order.length && values[order[i]] === score; i++) {
      const weight = values[order[i] + 2];
      if (values[order[i] + 1] > 0) yesHere += weight;
      else noHere += weight;
    }
    area += yesHere * (no + noHere / 2);
    yes += yesHere;
    no += noHere;
  }
  return area / (yes * no);
}

/** Numbers row by row as a matrix of as many rows as columns. */
export function square(values: Float64Array): Matrix {
  const n = Math.sqrt(values.length);
  return Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * n, (i + 1) * n)));
}

export function resultOf({ name, average }: Kind, values: Float64Array): Result {
  switch (name) {
    case "ratio": return values[0] / values[1];
    case "perplexity": return Math.exp(values[0] / values[1]);
    case "auc": return areaUnderCurve(values);
    case "confusionMatrix": return square(values);
    default: return averaged(values, measures[name], average);
  }
}
