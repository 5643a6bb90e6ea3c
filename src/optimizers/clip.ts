/** Bounds on gradients, as operations of the update's step. */

import type { Operation } from "../differentiate.ts";
import { ValueError } from "../errors.ts";
import { argument } from "../kernels/expression.ts";
import { type RowKernel, row } from "../kernels/kernel.ts";
import { clip as clipValue, lessEqual, mul, sqrt, where } from "../operations/arithmetic.ts";
import { elementwise } from "../operations/elementwise.ts";
import { squaringScale } from "../operations/product.ts";
import { Role } from "../plan/role.ts";
import { nextOperationId } from "../plan/trace.ts";
import { record } from "../recorder.ts";
import { checkNumber, describe, scalarShape } from "../shape.ts";
import type { Variable } from "../variable.ts";

/** How to bound gradients: all of them together to a Euclidean norm (Pascanu et al., arXiv:1211.5063), or each entry. */
export type Clip = { readonly norm: number } | { readonly value: number };

/** An operation that makes one number of a whole array. Nobody differentiates an update. */
function overAll(name: string, kernel: RowKernel): Operation {
  return {
    name,
    id: nextOperationId(),
    role: Role.row,
    lower: (lowering, node) => { lowering.row(node, kernel, 1, lowering.size(lowering.trace.input(node, 0))); },
    reverse: () => null,
  };
}

const scaledElement = argument(0).mul(argument(1));
const magnitude = /*#__PURE__*/ overAll("magnitude", row(["element"], [{ reduce: "sum", value: argument(0).abs() }], [{ per: "row", value: argument(1) }]));
const squares = /*#__PURE__*/ overAll("squares", row(["element", "row"], [{ reduce: "sum", value: scaledElement.mul(scaledElement) }], [{ per: "row", value: argument(2) }]));
const scaleOf = /*#__PURE__*/ elementwise("squaringScale", squaringScale);
const shrunk = /*#__PURE__*/ elementwise("clipNorm", (g, scale, norm, bound) => g.mul(scale).div(norm).mul(bound));

/** What a user gave as `clip`. */
export function checkClip(caller: string, clip: Clip | null | undefined): Clip | null {
  if (clip === null || clip === undefined) return null;
  const entries = typeof clip === "object" ? Object.entries(clip) : [];
  const [key, bound] = entries[0] ?? [];
  if ((key !== "norm" && key !== "value") || entries.length !== 1) {
    throw new ValueError(`${caller} takes clip as { norm: bound } or { value: bound }, but got ${typeof clip === "object" ? JSON.stringify(clip) : describe(clip)}.`);
  }
  checkNumber(caller, `clip.${key}`, bound as number, 0);
  return clip;
}

/** The gradients within the bound. The bound is a number of the step: another one runs the same plan. */
export function clipped(clip: Clip | null, gradients: readonly Variable[]): readonly Variable[] {
  if (clip === null) return gradients;
  if ("value" in clip) {
    const bound = clip.value;
    return gradients.map((g) => clipValue(g, -bound, bound));
  }
  const bound = clip.norm;
  // All are scaled alike before they are squared: so the norm is found also where float32 has no such number.
  const total = (values: readonly Variable[]): Variable => values.reduce((a, b) => a.add(b));
  const scale = scaleOf(total(gradients.map((g) => record(magnitude, scalarShape, [g]))));
  const norm = sqrt(total(gradients.map((g) => record(squares, scalarShape, [g, scale]))));
  // As in PyTorch, a NaN is within no bounds and reaches all gradients; an infinity leaves 0 of the others, and a NaN of itself. So both are seen.
  const within = lessEqual(norm, mul(scale, bound));
  const numbers = [scale, norm, bound].map((x) => where(within, 1, x)) as [Variable, Variable, Variable];
  return gradients.map((g) => shrunk(g, ...numbers));
}
