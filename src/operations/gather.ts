/** Entries by number. */

import type { Variable } from "../engine/variable.ts";
import { normalizeAxis } from "../support/shape.ts";
import { checkCall } from "./check.ts";
import { type Indices, kernelIndices, take } from "./indices.ts";

/**
 * The entries of x at some indices of an axis; that axis is replaced by the axes of `indices` (ONNX Gather, NumPy take).
 * @throws ValueError for an index that is not an integer from 0 to the size of the axis; ShapeError for a wrong axis
 * @example
 * const x = input([[1, 2], [3, 4], [5, 6]]);
 * gather(x, [2, 0, 2]).toArray(); // [[5, 6], [1, 2], [5, 6]]
 * gather(x, 1, -1).toArray(); // [2, 4, 6]
 */
export function gather(x: Variable, indices: Indices, axis = 0): Variable {
  checkCall("gather", arguments, 3);
  const at = normalizeAxis("gather", axis, x.shape);
  return take(x, kernelIndices("gather", indices, x.shape[at]), at);
}
