/**
 * What a step has recorded, as a tape of integers.
 *
 * Node i occupies the words from `start[i]`: operation id, number of inputs and of attributes (20 and 11 bits),
 * inputs (node numbers, each smaller than i), attributes. Shapes of results follow from these words, so the words alone are the structure of
 * the computation: two steps with the same words can run the same plan. Data are not in the words.
 */

import { ValueError } from "../support/errors.ts";
import type { Shape } from "../support/shape.ts";
import { grown } from "./ints.ts";

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
  takeData({ scalars, scalarCount, arrayCount }: Trace): void {
    this.scalars = scalars.slice();
    this.scalarCount = scalarCount;
    this.arrayCount = arrayCount;
  }

  /** Puts values after those of the scalars, without counting them. */
  addScalars(values: Float64Array): void {
    const end = this.scalarCount + values.length;
    if (end > this.scalars.length) this.scalars = grown(this.scalars, end);
    this.scalars.set(values, this.scalarCount);
  }

  /** A new node with room for inputs and a few attributes, its last words. */
  open(operation: Recordable, shape: Shape, inputs: number, attributes: number): number {
    const node = this.count++;
    if (node === this.start.length) this.start = grown(this.start);
    const at = this.grow(2 + inputs + attributes);
    this.start[node] = at;
    // Most steps are as the last one was, and reading costs less than writing.
    if (this.operations[node] !== operation) this.operations[node] = operation;
    if (this.shapes[node] !== shape) this.shapes[node] = shape;
    this.words[at] = operation.id;
    this.words[at + 1] = inputs | (attributes << INPUT_BITS);
    return node;
  }

  /** The same with any number of both. */
  private openLarge(operation: Recordable, shape: Shape, inputs: number, attributes: number): number {
    if (inputs > MAX_INPUTS) {
      throw new ValueError(`${operation.name} got ${inputs} inputs; one operation takes at most ${MAX_INPUTS}. Combine them in parts.`);
    }
    if (attributes < MANY) return this.open(operation, shape, inputs, attributes);
    this.mark(Mark.many, [attributes]);
    const node = this.open(operation, shape, inputs, MANY);
    this.grow(attributes - MANY);
    return node;
  }

  /** Room for so many more words; where it begins. */
  private grow(words: number): number {
    const at = this.length;
    this.length += words;
    if (this.length > this.words.length) this.words = grown(this.words, this.length);
    return at;
  }

  unary(operation: Recordable, shape: Shape, a: number): number {
    const node = this.open(operation, shape, 1, 0);
    this.words[this.length - 1] = a;
    return node;
  }

  binary(operation: Recordable, shape: Shape, a: number, b: number): number {
    const node = this.open(operation, shape, 2, 0);
    this.words[this.length - 2] = a;
    this.words[this.length - 1] = b;
    return node;
  }

  general(operation: Recordable, shape: Shape, inputs: ArrayLike<number>, attributes: ArrayLike<number>): number {
    const node = this.openLarge(operation, shape, inputs.length, attributes.length);
    const { words } = this;
    let at = this.start[node] + 2;
    for (let k = 0; k < inputs.length; k++) words[at++] = inputs[k];
    for (let k = 0; k < attributes.length; k++) words[at++] = attributes[k];
    return node;
  }

  /** A node of another trace, with its inputs renamed. */
  copy(from: Trace, node: number, names: Int32Array): number {
    const inputs = from.inputCount(node);
    const attributes = from.attributeCount(node);
    const copied = this.openLarge(from.operations[node], from.shapes[node], inputs, attributes);
    const at = this.start[copied] + 2;
    for (let k = 0; k < inputs + attributes; k++) {
      const word = from.input(node, k);
      this.words[at + k] = k < inputs ? names[word] : word;
    }
    return copied;
  }

  /** A leaf has no inputs; its attributes are its kind, its place among the scalars or the arrays, and its shape. */
  private leaf(kind: LeafKind, ordinal: number, shape: Shape): number {
    const rank = shape.length;
    const node = this.open(leaf, shape, 0, 2 + rank);
    const { words } = this;
    const at = this.start[node] + 2;
    words[at] = kind;
    words[at + 1] = ordinal;
    for (let axis = 0; axis < rank; axis++) words[at + 2 + axis] = shape[axis];
    return node;
  }

  scalar(value: number, shape: Shape): number {
    if (this.scalarCount === this.scalars.length) this.scalars = grown(this.scalars);
    this.scalars[this.scalarCount] = value;
    return this.leaf(LeafKind.scalar, this.scalarCount++, shape);
  }

  array(kind: LeafKind, shape: Shape): number {
    return this.leaf(kind, this.arrayCount++, shape);
  }

  /** Appends a mark and further words that are not a node, such as what a step returns. */
  mark(mark: number, further: readonly number[] = []): void {
    let at = this.grow(1 + further.length);
    const { words } = this;
    words[at] = mark;
    for (let k = 0; k < further.length; k++) words[++at] = further[k];
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
