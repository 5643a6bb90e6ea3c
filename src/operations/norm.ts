/** The Euclidean norm without overflow. */

import { argument, type Expr } from "../kernels/expression.ts";
import { row, type RowKernel } from "../kernels/kernel.ts";

/**
 * A power of two by which numbers are multiplied before they are squared, given the sum of their magnitudes, so that in float32 no sum of squares
 * overflows and none that counts underflows: the norm is at most that sum, and at least that over √n. For usual numbers it is 1, and no bit changes.
 */
export const squaringScale = (sum: Expr): Expr => sum.greater(2 ** 48).where(2 ** -84, sum.less(2 ** -30).where(2 ** 90, 1));

/** Gives something of the Euclidean norm of numbers that were scaled, and of their scale. A function, which bundlers drop where nobody calls it. */
export function normKernel(result: (norm: Expr, scale: Expr) => Expr): RowKernel {
  const scale = squaringScale(argument(1));
  const scaled = argument(0).mul(scale);
  return row(
    ["element"],
    [{ reduce: "sum", value: argument(0).abs() }, { reduce: "sum", value: scaled.mul(scaled) }],
    [{ per: "row", value: result(argument(2).sqrt(), scale) }],
  );
}
