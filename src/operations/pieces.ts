/**
 * Pieces: parts of arrays, and arrays put together from parts. The gradient of an array that is used in parts arrives in pieces, one from each use.
 * One operation puts all of them together, so that it takes memory and time in proportion to the pieces, and not to the array for each of them.
 */

import { defineOperation, type Cursor, type Operation, type Pieces } from "../engine/operation.ts";
import { copy, copyAdd } from "../kernels/kernel.ts";
import { type Box, compose, whole } from "../plan/box.ts";
import { Role } from "../plan/role.ts";
import { record } from "../engine/recording.ts";
import type { Step } from "../engine/step.ts";
import { type Shape, stridesOf } from "../support/shape.ts";
import type { Variable } from "../engine/variable.ts";

/**
 * Zeros, to which each input is added as a box: the adjoint of slices. Attributes: the highest rank of an input, for each its offset and strides,
 * before as many numbers as its rank is lower, then the shape.
 */
const placeOperation = defineOperation({
  name: "pad",
  role: Role.move,
  lower: (lowering, node) => {
    const { trace } = lowering;
    const value = lowering.define(node);
    if (lowering.size(node) === 0) return;
    const pieces = trace.inputCount(node);
    if (pieces > 1 || lowering.size(trace.input(node, 0)) < lowering.size(node)) lowering.zero(node, value);
    const attributes = trace.attributes(node);
    for (let k = 0, at = 1; k < pieces; k++, at += 1 + attributes[0]) {
      const source = trace.input(node, k);
      const sizes = lowering.shape(source);
      const { offset, strides } = boxAt(sizes, attributes, at);
      lowering.copy(node, value, offset, source, 0, sizes, strides, stridesOf(sizes), k === 0 ? copy : copyAdd);
    }
  },
  reverse: (k) => (gradient, node) => cut(gradient, boxAt(node.inputShape(k), node.attributes(), 1 + k * (1 + node.attribute(0)))),
});

/** Zeros of a shape, to which some arrays are added as boxes of it. */
export function place(shape: Shape, parts: readonly Variable[], boxes: readonly Box[]): Variable {
  const rank = boxes.reduce((most, { sizes }) => Math.max(most, sizes.length), 0);
  const attributes = [rank];
  for (const { offset, sizes, strides } of boxes) {
    attributes.push(offset);
    for (let i = 0; i < rank; i++) attributes.push(i < sizes.length ? strides[i] : 0);
  }
  return record(placeOperation, shape, parts, attributes.concat(shape));
}

/** An operation whose result is a part of its input. */
type Part = Operation & { readonly elements: NonNullable<Operation["elements"]> };

/** Gradients, and the boxes of an array that they are of. */
interface Boxed {
  readonly gradients: Variable[];
  readonly boxes: Box[];
}

/** A node that is a box of another array. */
interface Located {
  readonly array: number;
  readonly box: Box;
}

/** As many are put together at a time. */
const MOST = 2 ** 19;

/** The gradients of arrays, from the gradients of slices. */
class Boxes implements Pieces {
  private readonly boxed = new Map<number, Boxed>();
  /** Where nodes that are parts of others are. */
  private readonly located = new Map<number, Located>();

  /** @param whole nodes whose gradients are wanted as a whole */
  constructor(
    private readonly step: Step,
    private readonly whole: ReadonlySet<number>,
  ) {}

  has(node: number): boolean { return this.boxed.has(node); }

  put(view: Cursor, gradient: Variable, depends: Uint8Array): void {
    if (depends[this.step.trace.input(view.node, 0)] === 0) return;
    const { array, box } = this.locate(view);
    const known = this.boxed.get(array);
    if (known === undefined) this.boxed.set(array, { gradients: [gradient], boxes: [box] });
    else {
      known.gradients.push(gradient);
      known.boxes.push(box);
    }
  }

  /** The array that a slice is a part of: not its input, where that is such a part itself and its own gradient is not wanted. */
  private locate(view: Cursor): Located {
    const { trace } = this.step;
    const { node } = view;
    const path: number[] = [];
    let array = node;
    let found: Located | undefined;
    do {
      path.push(array);
      array = trace.input(array, 0);
      if (this.whole.has(array) || (trace.operations[array] as Operation).elements === undefined) break;
      found = this.located.get(array);
    } while (found === undefined);
    found ??= { array, box: whole(trace.shapes[array]) };
    while (path.length > 0) {
      view.node = path.pop() as number;
      const inner = (trace.operations[view.node] as Part).elements(view);
      const box = compose(found.box, inner);
      const input = trace.input(view.node, 0);
      found = box === null ? { array: input, box: inner } : { array: found.array, box };
      this.located.set(view.node, found);
    }
    return found;
  }

  take(node: number): Variable[] {
    const { gradients, boxes } = this.boxed.get(node) as Boxed;
    this.boxed.delete(node);
    const shape = this.step.trace.shapes[node];
    const found: Variable[] = [];
    while (gradients.length > 0) found.push(place(shape, gradients.splice(0, MOST), boxes.splice(0, MOST)));
    return found;
  }
}

/** Defines an operation whose result is a box of its input, by their shapes and the attributes. */
export function defineBox(
  name: string, boxOf: (shape: Shape, attributes: Int32Array, of: Shape) => Box, gradients: Pick<Operation, "reverse" | "pieces">,
): Operation {
  return defineOperation({
    name,
    role: Role.move,
    lower: (lowering, node) => {
      const { trace } = lowering;
      const source = trace.input(node, 0);
      const { offset, sizes, strides } = boxOf(trace.shapes[node], trace.attributes(node), trace.shapes[source]);
      // Elements that lie one after another are a view.
      const expected = stridesOf(sizes);
      const isView = lowering.size(node) > 0 && sizes.every((size, i) => size === 1 || strides[i] === expected[i]);
      if (isView) lowering.alias(node, source, offset);
      else lowering.copy(node, lowering.define(node), 0, source, offset, sizes, expected, strides);
    },
    elements: (node) => boxOf(node.shape, node.attributes(), node.inputShape(0)),
    ...gradients,
  });
}

/** The box of which attribute `at` is the offset; its strides follow. */
const boxAt = (sizes: Shape, attributes: Int32Array, at = 0): Box =>
  ({ offset: attributes[at], sizes, strides: attributes.subarray(at + 1, at + 1 + sizes.length) });

/** A box of x. Attributes: its offset and strides, then the shape. Its gradient is a piece of that of x. */
const sliceOperation = defineBox("slice", (shape, attributes) => boxAt(shape, attributes), { reverse: () => null, pieces: Boxes });

/** A box of x as an array. */
export const cut = (x: Variable, { offset, sizes, strides }: Box): Variable =>
  record(sliceOperation, sizes, [x], [offset, ...Array.from(strides), ...sizes]);
