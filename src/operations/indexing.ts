/** Rows by number: looking up, adding up, and one-hot vectors. */

import { checkInteger } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ShapeError, ValueError } from "../support/errors.ts";
import { formatShape, normalizeAxis } from "../support/shape.ts";
import { fromValues, type Variable } from "../engine/variable.ts";
import { equal } from "./arithmetic.ts";
import { view } from "./broadcasting.ts";
import { checkCall, checkVariable } from "./check.ts";
import { gather } from "./gather.ts";
import { indexVariable, type Indices, kernelIndices, scatter } from "./indices.ts";

/**
 * Zeros, with each entry of `updates` along an axis added at its index: the adjoint of `gather`. Equal indices add up.
 * @param indices one for each entry of `updates` along the axis
 * @param size the size of that axis in the result
 * @throws ValueError for an index out of range; ShapeError if the numbers of indices and entries differ
 * @example
 * scatterAdd([0, 2, 0], input([1, 2, 3]), 4).toArray(); // [4, 0, 2, 0]
 */
export function scatterAdd(indices: Indices, updates: Variable, size: number, axis = 0): Variable {
  checkCall("scatterAdd", arguments, 4, 0);
  checkInteger("scatterAdd", "size", size, 0);
  checkVariable("scatterAdd", updates);
  const at = normalizeAxis("scatterAdd", axis, updates.shape);
  const found = kernelIndices("scatterAdd", indices, size);
  if (found.shape.length > 1 || found.size !== updates.shape[at]) {
    throw new ShapeError(
      `scatterAdd got indices ${formatShape(found.shape)} for updates ${formatShape(updates.shape)}: ` +
        `axis ${at} needs a list of ${updates.shape[at]} indices.`,
    );
  }
  return scatter(view(found, [found.size]), updates, size, at);
}

/**
 * Vectors that are 1 at an index and 0 elsewhere.
 * @returns [...indices, depth]; no gradient passes
 * @throws ValueError for an index out of range
 * @example
 * oneHot([2, 0], 3).toArray(); // [[0, 0, 1], [1, 0, 0]]
 */
export function oneHot(indices: Indices, depth: number): Variable {
  checkCall("oneHot", arguments, 2, 0);
  checkInteger("oneHot", "depth", depth, 1);
  const found = indexVariable("oneHot", indices, depth);
  return equal(view(found, [...found.shape, 1]), fromValues(Float32Array.from({ length: depth }, (_, i) => i), [depth]));
}

/**
 * Rows of a table of embeddings.
 * @param w [rows, ...]
 * @param indices an index gives one row; a list gives a row for each; a list of lists gives the sum of rows for each list
 *   (the product of w with sparse vectors; an empty list gives zeros)
 * @throws ValueError for an index out of range
 * @example
 * const w = input([[1, 2], [3, 4], [5, 6]]);
 * embed(w, [2, 0]).toArray(); // [[5, 6], [1, 2]]
 * embed(w, [[2, 0], []]).toArray(); // [[6, 8], [0, 0]]
 */
export function embed(w: Variable, indices: Indices | readonly (readonly number[])[]): Variable {
  checkCall("embed", arguments, 2);
  if (w.shape.length === 0) throw new ShapeError("embed takes a table of shape [rows, ...], but got a scalar.");
  if (!Array.isArray(indices) || !indices.some((entry) => Array.isArray(entry))) return gather(w, indices as Indices);
  const lists = indices as readonly (readonly number[])[];
  const wrong = lists.find((list) => !Array.isArray(list));
  if (wrong !== undefined) throw new ValueError(`embed got a list that mixes indices and lists (${describe(wrong)}): give one or the other.`);
  const owners = lists.flatMap((list, i) => list.map(() => i));
  return scatterAdd(owners, gather(w, lists.flat()), lists.length);
}
