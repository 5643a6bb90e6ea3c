/** Bounds on gradients, as operations of the update's step. */

import { ValueError } from "../errors.ts";
import { clip as clipValue, div, greater, sqrt, where } from "../operations/arithmetic.ts";
import { reshape } from "../operations/broadcasting.ts";
import { elementwise } from "../operations/elementwise.ts";
import { dot } from "../operations/product.ts";
import { checkNumber, describe } from "../shape.ts";
import type { Variable } from "../variable.ts";

/** How to bound gradients: all of them together to a Euclidean norm (Pascanu et al., arXiv:1211.5063), or each entry. */
export type Clip = { readonly norm: number } | { readonly value: number };

const scaled = /*#__PURE__*/ elementwise("scale", (g, factor) => g.mul(factor));

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
  const squares = gradients.map((g) => {
    const flat = reshape(g, [-1]);
    return dot(flat, flat);
  });
  const norm = sqrt(squares.reduce((total, square) => total.add(square)));
  const factor = where(greater(norm, bound), div(bound, norm), 1);
  return gradients.map((g) => scaled(g, factor));
}
