/** The gradient of a table of which some rows were looked up: of these rows alone, so that it takes time in proportion to them. */

import { currentDevice } from "../devices/current.ts";
import { Storage } from "../devices/storage.ts";
import { newOperation } from "../engine/operation.ts";
import { openStep, record } from "../engine/recording.ts";
import type { Step } from "../engine/step.ts";
import { byRowsOf, fromValues, type Parameter, type RowGradient, Variable } from "../engine/variable.ts";
import { gather, gatherParameters, put, writeParameters } from "../kernels/kernel.ts";
import { join } from "../plan/join.ts";
import type { Lowering } from "../plan/lowering.ts";
import { Role, roleOf } from "../plan/role.ts";
import type { Trace } from "../plan/trace.ts";
import { type Shape, sameShape, sizeOf, stridesOf } from "../support/shape.ts";
import { addRows, take } from "./indices.ts";
import { cut } from "./pieces.ts";

/** A launch that takes entries from a table, or puts them there. */
function move(lowering: Lowering, kernel: typeof gather, node: number, sizes: { count: number; inner: number; size: number }, operands: () => void): void {
  lowering.launch(kernel, node);
  operands();
  writeParameters(gatherParameters, lowering.code, { outer: 1, ...sizes });
}

/**
 * From indices [n] and updates [n, …]: the sums of the updates of equal indices, at the last of these and zeros at the others; then the indices.
 * A third input has the numbers from 0 to n − 1. Attribute: the rows of the table.
 */
const listOperation = newOperation({
  name: "lookedUp",
  lower: (lowering, node) => {
    const { trace } = lowering;
    const [indices, updates, numbers] = [0, 1, 2].map((k) => trace.input(node, k));
    const size = trace.attribute(node, 0);
    const value = lowering.define(node);
    const count = lowering.size(indices);
    if (count === 0) return;
    const inner = lowering.size(updates) / count;
    // Nobody clears the table: what is read of it has just been written.
    const table = lowering.temporary(size);
    const places = lowering.temporary(count);
    move(lowering, put, node, { count, inner: 1, size }, () => {
      lowering.output(table);
      lowering.input(numbers);
      lowering.input(indices);
    });
    move(lowering, gather, node, { count, inner: 1, size }, () => {
      lowering.output(places);
      lowering.operand(table);
      lowering.input(indices);
    });
    addRows(lowering, node, value, () => lowering.operand(places), () => lowering.input(updates), { outer: 1, count, inner, size: count });
    lowering.copy(node, value, count * inner, indices, 0, [count], [1], [1]);
  },
  reverse: () => null,
});

/** The whole gradient, from a list of rows. Attribute: how many rows there are in the list. */
const wholeOperation = newOperation({
  name: "scatterAdd",
  lower: (lowering, node) => {
    const { trace } = lowering;
    const list = trace.input(node, 0);
    const count = trace.attribute(node, 0);
    const value = lowering.define(node);
    const [size] = lowering.shape(node);
    const inner = lowering.size(node) / size;
    if (count === 0) lowering.zero(node, value);
    else addRows(lowering, node, value, () => lowering.input(list, count * inner), () => lowering.input(list), { outer: 1, count, inner, size });
  },
  reverse: () => null,
});

/** A table with other values in some rows, of equal ones the last: inputs table, indices, values. Where the table is assigned that, it is done in place. */
const putOperation = newOperation({
  name: "put",
  lower: (lowering, node) => {
    const { trace } = lowering;
    const [table, indices, values] = [0, 1, 2].map((k) => trace.input(node, k));
    const value = lowering.define(node);
    lowering.copyWhole(node, value, lowering.use(table), lowering.nodeOffset.at(table));
    const count = lowering.size(indices);
    if (count === 0) return;
    move(lowering, put, node, { count, inner: lowering.size(values) / count, size: lowering.shape(table)[0] }, () => {
      lowering.output(value);
      lowering.input(values);
      lowering.input(indices);
    });
  },
  reverse: () => null,
});

const list = (indices: Variable, updates: Variable, size: number): Variable => {
  const count = indices.size;
  const numbers = fromValues(Float32Array.from({ length: count }, (_, i) => i), [count]);
  return record(listOperation, [count + updates.size], [indices, updates, numbers], [size]);
};

/** The look-ups that a gradient of a table consists of, where it is the sum of nothing else: nodes that add up rows, in the order of the forward pass. */
function lookUps(trace: Trace, gradient: number): number[] | null {
  const found: number[] = [];
  const open = [gradient];
  const shape = trace.shapes[gradient];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const role = roleOf(trace, node);
    if (!sameShape(trace.shapes[node], shape)) return null; // it is broadcast
    // As sums are taken apart by batching, since the order of terms is that of rounding.
    if (role === Role.add) for (let k = 0; k < trace.inputCount(node); k++) open.push(trace.input(node, k));
    else if (role === Role.scatterAdd && trace.attribute(node, 0) === 0) found.push(node);
    else return null;
  }
  return found;
}

/** Some arrays one after another. */
function joined(step: Step, parts: readonly Variable[], shape: Shape): Variable {
  if (parts.length === 1) return parts[0];
  const { trace } = step;
  const nodes = parts.map((part) => {
    let node = step.node(part);
    while (roleOf(trace, node) === Role.view) node = trace.input(node, 0);
    return node;
  });
  return step.variable(trace.general(join, shape, nodes, []));
}

/** By rows only where these are at most this part of all, and not for smaller tables: there is less to do for the whole. */
const PART = 1 / 4;
const LARGE = 2 ** 16;

export class LookedUp extends Variable implements RowGradient {
  declare shape: Shape;
  declare storage: Storage;
  override gradient: Storage;
  count = -1;
  private readonly tableRows: number;
  private readonly rest: Shape;
  private readonly inner: number;
  /** Has the parameter the whole gradient too? */
  private isWhole = false;

  constructor(private readonly parameter: Parameter) {
    const storage = new Storage(0, null, "gradients");
    super([0], null, null, -1, storage);
    this.gradient = storage;
    [this.tableRows, ...this.rest] = parameter.shape;
    this.inner = sizeOf(this.rest);
  }

  /** Gives a parameter whose rows are looked up its gradient by rows, where it should have one. */
  static prepare(parameter: Parameter): void {
    if (parameter.rows === null && (parameter.isLazy || parameter.size >= LARGE)) parameter.rows = new LookedUp(parameter);
  }

  countOf(size: number): number { return size / (this.inner + 1); }

  // -- in the step that makes it ------------------------------------------------------------------------

  listed(gradient: Variable, earlier: Variable | null): Variable | null {
    const step = openStep() as Step;
    const { trace } = step;
    const nodes = lookUps(trace, step.node(gradient));
    if (nodes === null) return null;
    const count = nodes.reduce((total, node) => total + sizeOf(trace.shapes[trace.input(node, 0)]), 0);
    const total = count + (earlier === null ? 0 : this.countOf(earlier.size));
    if (!this.parameter.isLazy && total > PART * this.tableRows) return null;
    const inputs = (k: number, shape: Shape): Variable => joined(step, nodes.map((node) => step.variable(trace.input(node, k))), shape);
    const own = list(inputs(0, [count]), inputs(1, [count, ...this.rest]), this.tableRows);
    if (earlier === null) return own;
    const both = [earlier, own];
    return list(
      joined(step, both.map((flat) => this.numbersOf(flat)), [total]),
      joined(step, both.map((flat) => this.valuesOf(flat)), [total, ...this.rest]),
      this.tableRows,
    );
  }

  wholeOf(flat: Variable): Variable { return record(wholeOperation, this.parameter.shape, [flat], [this.countOf(flat.size)]); }

  private numbersOf(flat: Variable): Variable {
    const count = this.countOf(flat.size);
    return cut(flat, { offset: count * this.inner, sizes: [count], strides: [1] });
  }

  private valuesOf(flat: Variable): Variable {
    const sizes = [this.countOf(flat.size), ...this.rest];
    return cut(flat, { offset: 0, sizes, strides: stridesOf(sizes) });
  }

  reserve(count: number): void {
    const size = count * (this.inner + 1);
    if (size <= this.storage.size && !this.storage.isLost) return;
    const larger = new Storage(2 ** Math.ceil(Math.log2(size)), null, "gradients");
    if (byRowsOf(this.parameter) === this) larger.copy(this.storage);
    this.storage = this.gradient = larger;
  }

  // -- afterwards -----------------------------------------------------------------------------------------

  arrived(count: number): void {
    this.storage.written();
    this.isWhole = false;
    if (count === this.count) return;
    this.count = count;
    this.shape = [Math.max(0, count) * (this.inner + 1)];
  }

  takenBack(): () => void {
    const { storage, count, shape, isWhole } = this;
    return () => { Object.assign(this, { storage, gradient: storage, count, shape, isWhole }); };
  }

  whole(): Storage {
    const { parameter, inner, count } = this;
    if (this.isWhole) return parameter.gradient;
    if (!this.storage.knows() && openStep() === null) {
      const whole = this.wholeOf(this).storage as Storage;
      currentDevice().later?.journal.note(this, this.takenBack());
      parameter.gradient.copy(whole);
      this.isWhole = true;
      return parameter.gradient;
    }
    const values = this.storage.values();
    const found = new (currentDevice().FloatArray)(parameter.size);
    for (let i = 0; i < count; i++) {
      const to = values[count * inner + i] * inner;
      for (let j = 0; j < inner; j++) found[to + j] += values[i * inner + j];
    }
    parameter.gradient.assign(found);
    this.isWhole = true;
    return parameter.gradient;
  }

  // -- in an update ---------------------------------------------------------------------------------------

  ofRows(): Variable { return this.valuesOf(this); }
  take(table: Variable): Variable { return take(table, this.numbersOf(this), 0); }
  put(table: Variable, values: Variable): Variable { return record(putOperation, table.shape, [table, this.numbersOf(this), values]); }
}
