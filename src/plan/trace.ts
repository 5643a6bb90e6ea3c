/**
 * What a step has recorded, as a tape of integers.
 *
 * Node i occupies the words from `start[i]`: operation id, number of inputs and of attributes (20 and 11 bits),
 * inputs (node numbers, each smaller than i), attributes. Shapes of results follow from these words, so the words alone are the structure of
 * the computation: two steps with the same words can run the same plan. Data are not in the words.
 */

import { ValueError } from "../support/errors.ts";
import type { Shape } from "../support/shape.ts";

/** What the trace knows of an operation. Higher rooms add how it becomes launches, and its reverse rule. */
export interface Recordable {
  readonly name: string;
  /** Unique; part of every structure that uses the operation. */
  readonly id: number;
}

/** Where the value of a leaf is when a plan runs. */
export const LeafKind = {
  /** A number, bound at each run. */
  scalar: 0,
  /** A small or new array on the host, copied at each run. */
  host: 1,
  /** An array in long-lived device memory. */
  resident: 2,
  /** A parameter whose gradient is to be written. */
  parameter: 3,
  /** A parameter whose gradient is to be added to. */
  accumulating: 4,
  /** An array in long-lived device memory that the step may assign to. */
  state: 5,
  /** The gradient by rows, as far as there is one, of the parameter before it. */
  rows: 6,
  /** The same where only rows that are looked up are to change. */
  lazyRows: 7,
} as const;
export type LeafKind = (typeof LeafKind)[keyof typeof LeafKind];

let operations = 0;
/** A fresh operation id. 0 is the leaf. */
export const nextOperationId = (): number => ++operations;

export const leaf: Recordable = { name: "leaf", id: 0 };

/**
 * Marks in the words what is not an operation. Never an operation id. `many`: the next node has more attributes than its words can say, so many;
 * `region`: the nodes from some number on are a region.
 */
export const Mark = { look: -1, gradient: -2, evaluate: -3, assign: -4, many: -5, region: -6 } as const;

export class Trace {
  count = 0;
  words = new Int32Array(1024);
  length = 0;
  start = new Int32Array(256);
  readonly operations: Recordable[] = [];
  readonly shapes: Shape[] = [];
  /** Values of the scalar leaves, in order of appearance. */
  scalars = new Float64Array(64);
  scalarCount = 0;
  /** How many arrays from outside this step uses: leaves that are not scalars, in order of appearance. */
  arrayCount = 0;
  /** Regions, each after those in it: the first node, and the one after the last. */
  readonly regions: (readonly [from: number, to: number])[] = [];

  reset(): void {
    this.regions.length = 0;
    this.count = this.length = this.scalarCount = this.arrayCount = 0;
    // A huge step should not hold its memory forever.
    if (this.operations.length > 65536) {
      this.operations.length = this.shapes.length = 0;
      this.words = new Int32Array(1024);
      this.start = new Int32Array(256);
    }
  }

  /** Forgets the nodes recorded after an earlier state. */
  truncate(count: number, length: number): void {
    this.count = count;
    this.length = length;
  }

  /** Takes over the scalars and the number of arrays of another trace, whose leaves will be copied. */
  takeData(from: Trace): void {
    this.scalarCount = 0;
    this.addScalars(from.scalars.subarray(0, from.scalarCount));
    this.scalarCount = from.scalarCount;
    this.arrayCount = from.arrayCount;
  }

  /** Puts values after those of the scalars, without counting them. */
  addScalars(values: Float64Array): void {
    const end = this.scalarCount + values.length;
    if (end > this.scalars.length) this.scalars = grown(this.scalars, end);
    this.scalars.set(values, this.scalarCount);
  }

  /** A new node with room for its words, which begin at `length`. */
  open(operation: Recordable, shape: Shape, wordCount: number): number {
    const node = this.count++;
    if (node === this.start.length) this.start = grown(this.start, node + 1);
    if (this.length + wordCount > this.words.length) this.words = grown(this.words, this.length + wordCount);
    this.start[node] = this.length;
    // Most steps are as the last one was, and reading costs less than writing.
    if (this.operations[node] !== operation) this.operations[node] = operation;
    if (this.shapes[node] !== shape) this.shapes[node] = shape;
    return node;
  }

  unary(operation: Recordable, shape: Shape, a: number): number {
    const node = this.open(operation, shape, 3);
    const at = this.length;
    this.words[at] = operation.id;
    this.words[at + 1] = 1;
    this.words[at + 2] = a;
    this.length = at + 3;
    return node;
  }

  binary(operation: Recordable, shape: Shape, a: number, b: number): number {
    const node = this.open(operation, shape, 4);
    const at = this.length;
    this.words[at] = operation.id;
    this.words[at + 1] = 2;
    this.words[at + 2] = a;
    this.words[at + 3] = b;
    this.length = at + 4;
    return node;
  }

  general(operation: Recordable, shape: Shape, inputs: ArrayLike<number>, attributes: ArrayLike<number>): number {
    if (attributes.length >= MANY) this.mark(Mark.many, [attributes.length]);
    const node = this.open(operation, shape, 2 + inputs.length + attributes.length);
    const { words } = this;
    let at = this.length;
    words[at++] = operation.id;
    words[at++] = counts(operation, inputs.length, attributes.length);
    for (let i = 0; i < inputs.length; i++) words[at++] = inputs[i];
    for (let i = 0; i < attributes.length; i++) words[at++] = attributes[i];
    this.length = at;
    return node;
  }

  /** A node of another trace, with its inputs renamed. */
  copy(from: Trace, node: number, names: Int32Array): number {
    const start = from.start[node];
    const inputs = from.inputCount(node);
    const attributes = from.attributeCount(node);
    if (attributes >= MANY) this.mark(Mark.many, [attributes]);
    const length = 2 + inputs + attributes;
    const copied = this.open(from.operations[node], from.shapes[node], length);
    const at = this.length;
    for (let i = 0; i < length; i++) this.words[at + i] = from.words[start + i];
    for (let k = 2; k < 2 + inputs; k++) this.words[at + k] = names[from.words[start + k]];
    this.length = at + length;
    return copied;
  }

  /** The same for a node of few attributes, with another operation and shape, and one more input. */
  copyWith(from: Trace, node: number, names: Int32Array, operation: Recordable, shape: Shape, input: number): number {
    const start = from.start[node];
    const inputs = from.inputCount(node);
    const attributes = from.attributeCount(node);
    const copied = this.open(operation, shape, 3 + inputs + attributes);
    let at = this.length;
    this.words[at++] = operation.id;
    this.words[at++] = counts(operation, inputs + 1, attributes);
    for (let k = 2; k < 2 + inputs; k++) this.words[at++] = names[from.words[start + k]];
    this.words[at++] = input;
    for (let k = 2 + inputs; k < 2 + inputs + attributes; k++) this.words[at++] = from.words[start + k];
    this.length = at;
    return copied;
  }

  /** A leaf has no inputs; its attributes are its kind, its place among the scalars or the arrays, and its shape. */
  private leaf(kind: LeafKind, ordinal: number, shape: Shape): number {
    const rank = shape.length;
    const node = this.open(leaf, shape, 4 + rank);
    const { words } = this;
    const at = this.length;
    words[at] = leaf.id;
    words[at + 1] = counts(leaf, 0, 2 + rank);
    words[at + 2] = kind;
    words[at + 3] = ordinal;
    for (let axis = 0; axis < rank; axis++) words[at + 4 + axis] = shape[axis];
    this.length = at + 4 + rank;
    return node;
  }

  scalar(value: number, shape: Shape): number {
    if (this.scalarCount === this.scalars.length) this.scalars = grown(this.scalars, this.scalarCount + 1);
    this.scalars[this.scalarCount] = value;
    return this.leaf(LeafKind.scalar, this.scalarCount++, shape);
  }

  array(kind: LeafKind, shape: Shape): number {
    return this.leaf(kind, this.arrayCount++, shape);
  }

  /** Appends a mark and further words that are not a node, such as what a step returns. */
  mark(mark: number, further: readonly number[] = []): void {
    const end = this.length + 1 + further.length;
    if (end > this.words.length) this.words = grown(this.words, end);
    const { words } = this;
    words[this.length++] = mark;
    for (let k = 0; k < further.length; k++) words[this.length++] = further[k];
  }

  isLeaf(node: number): boolean { return this.operations[node] === leaf; }
  leafKind(node: number): LeafKind { return this.words[this.start[node] + 2] as LeafKind; }
  /** The place of a leaf among the scalars, or among the arrays. */
  leafOrdinal(node: number): number { return this.words[this.start[node] + 3]; }
  inputCount(node: number): number { return this.words[this.start[node] + 1] & MAX_INPUTS; }
  input(node: number, k: number): number { return this.words[this.start[node] + 2 + k]; }
  attribute(node: number, k: number): number { return this.words[this.attributesAt(node) + k]; }

  attributeCount(node: number): number {
    const at = this.start[node];
    const count = this.words[at + 1] >>> INPUT_BITS;
    return count < MANY ? count : this.words[at - 1];
  }

  /** The attributes from the k-th on. */
  attributes(node: number, k = 0): Int32Array {
    const at = this.attributesAt(node);
    return this.words.slice(at + k, at + this.attributeCount(node));
  }

  private attributesAt(node: number): number {
    const at = this.start[node];
    return at + 2 + (this.words[at + 1] & MAX_INPUTS);
  }
}

const INPUT_BITS = 20;
const MAX_INPUTS = 2 ** INPUT_BITS - 1;
/** So many attributes, or more, are marked before the node. */
const MANY = 2 ** 11 - 1;

/** The second word of a node. */
export function counts(operation: Recordable, inputs: number, attributes: number): number {
  if (inputs > MAX_INPUTS) {
    throw new ValueError(`${operation.name} got ${inputs} inputs; one operation takes at most ${MAX_INPUTS}. Combine them in parts.`);
  }
  return inputs | (Math.min(attributes, MANY) << INPUT_BITS);
}

function grown<A extends Int32Array | Float64Array>(array: A, needed: number): A {
  const next = new (array.constructor as new (n: number) => A)(Math.max(needed, array.length * 2));
  next.set(array);
  return next;
}
