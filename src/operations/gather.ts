/** Entries by number. */

import type { Variable } from "../engine/variable.ts";
import { normalizeAxis } from "../support/shape.ts";
import { checkCall } from "./check.ts";
import { type Indices, kernelIndices, take } from "./indices.ts";

/**
 * The entries of x at some indices of an axis; that axis is replaced by the axes of `indices` (ONNX Gather, NumPy take).
 * @throws ValueError for an index that is not an integer from 0 to the size of the axis; ShapeError for a wrong axis
 */
export function gather(x: Variable, indices: Indices, axis = 0): Variable {
  checkCall("gather", arguments, 3);
  const at = normalizeAxis("gather", axis, x.shape);
  return take(x, kernelIndices("gather", indices, x.shape[at]), at);
}
