/** The checks that components share: each names the component and the field. */

import { type Component, type Shape, ShapeError, Variable } from "../index.ts";
import { refusal } from "../support/check.ts";

const nameOf = (component: Component): string => component.constructor.name;

/** Refuses what is no Variable. */
export function checkVariable(component: Component, field: string, x: Variable): void {
  if (!(x instanceof Variable)) throw refusal(nameOf(component), `a Variable as ${field}`, x, " Wrap arrays with input(…).");
}

/** Refuses what is no Variable, or one whose last axis has another size. */
export function checkLast(component: Component, field: string, x: Variable, size: number): void {
  checkVariable(component, field, x);
  if (x.shape.length > 0 && x.shape[x.shape.length - 1] === size) return;
  throw new ShapeError(
    `${nameOf(component)} got ${field} of shape [${x.shape.join(", ")}], but its last axis must have size ${size}: ` +
      `[..., ${size}] for samples in rows, or [${size}] for one.`,
  );
}

/** Refuses a shape other than the expected one. */
export function checkShapeOf(component: Component, field: string, x: Variable, shape: Shape): void {
  checkVariable(component, field, x);
  if (x.shape.length === shape.length && shape.every((size, axis) => size === x.shape[axis])) return;
  throw new ShapeError(`${nameOf(component)} got ${field} of shape [${x.shape.join(", ")}], but it must be [${shape.join(", ")}].`);
}
