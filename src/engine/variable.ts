/** What a user holds: numbers with a shape, known now or still to be computed. */

import { currentDevice } from "../devices/current.ts";
import type { MemoryKind } from "../devices/device.ts";
import { Storage } from "../devices/storage.ts";
import { ShapeError, StaleVariableError, UsageError, ValueError } from "../support/errors.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import type { Recordable } from "../plan/trace.ts";
import { checkShape, formatShape, type Shape, sameShape, scalarShape, sizeOf } from "../support/shape.ts";
import { isList, kindOf, type NumberList } from "../support/arrays.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { readNested } from "../support/nested.ts";
import { checkArguments } from "../support/options.ts";
import { formatArray, inspected } from "../support/print.ts";
import { assignedInCall, isInHostCall, notAnInput } from "./host-call.ts";

/** Numbers in any nesting: `1`, `[1, 2]`, `[[1, 2], [3, 4]]`, … */
export type NestedArray = number | readonly NestedArray[];
/** What `input` and `parameter` take. */
export type TensorLike = Variable | Rows;
/** Numbers in any nesting, the innermost rows perhaps as typed arrays. */
type Rows = number | NumberList | readonly Rows[];

/** Who has the numbers of a variable. */
interface Source {
  /** Can they be had without running anything, or waiting? */
  knows(variable: Variable): boolean;
  values(variable: Variable): FloatArray;
  read(variable: Variable): Promise<FloatArray>;
}

/** A step as its variables see it. */
interface Owner extends Source {
  readonly ended: boolean;
  /** What has other numbers in it than outside. */
  readonly assigned: { readonly targets: ReadonlyMap<Variable, number> };
}

/** @internal The open step that has used it. */
export const stepOf = ({ step }: Variable): Source | null => (step?.ended === false ? step : null);

/** What is used in place of a Variable. */
const own = (variable: Variable): Variable => (variable.standIn ? own(variable.standIn) : variable);

/**
 * An array of numbers that operations produce and consume: float32, or float64 on the reference device.
 * Inside a step a Variable stands for a result that may not have been computed yet; asking for its numbers computes it.
 * @example
 * const x = input([[1, 2], [3, 4]]);
 * x.shape; // [2, 2]
 * x.mul(2).sum(0).toArray(); // [8, 12]
 * x.mean().item(); // 2.5
 * x.data; // [1, 2, 3, 4]
 */
export class Variable {
  /** Sizes of the axes, outermost first; `[]` for a single number. */
  readonly shape: Shape;
  /** @internal The operation that made it, for messages. */
  readonly operation: Recordable | null;
  /** @internal The step that last used it, and its number there. */
  step: Owner | null;
  /** @internal */
  index: number;
  /** @internal Its numbers, if it outlives its step. */
  storage: Storage | null;
  /** @internal These are of parameters alone. */
  declare readonly gradient: Storage;
  /** @internal */
  declare hasGradient: boolean;
  /** @internal */
  declare frozen: boolean;
  /** @internal */
  declare standIn: Variable | null;
  /** @internal */
  declare isOwned: boolean;
  /** @internal */
  declare unclaimed: number;
  /** @internal */
  declare rows: RowGradient | null;
  /** @internal */
  declare isLazy: boolean;

  /** @internal Use `input`, `parameter` or an operation. */
  constructor(shape: Shape, operation: Recordable | null, step: Owner | null, index: number, storage: Storage | null) {
    this.storage = storage; // these two first: they say that they are not to be cloned
    this.step = step;
    this.shape = shape;
    this.operation = operation;
    this.index = index;
  }

  /** The number of elements. */
  get size(): number { return sizeOf(this.shape); }

  /** @internal Can its numbers be had without running anything? */
  get isKnown(): boolean {
    const variable = own(this);
    return variable.source?.knows(variable) ?? false;
  }

  /** @internal Who has its numbers; null where they are gone. */
  get source(): Source | null { return this.storage ?? stepOf(this); }

  /** @internal The numbers themselves, for reading only. */
  values(): FloatArray {
    const variable = own(this);
    const { source } = variable;
    if (source === null) throw isInHostCall() ? notAnInput() : stale(variable);
    return source.values(variable);
  }

  /**
   * A copy of the elements in row-major order: a Float32Array, or a Float64Array on the reference device. Each `x.data` is another copy, so
   * in a loop over `x.data[i]` take it once, before the loop: `const { data } = x`.
   */
  get data(): FloatArray { return new (currentDevice().FloatArray)(this.values()); }

  /** The elements, when they are there: on every device, also where the program cannot be made to wait. */
  async read(): Promise<FloatArray> {
    checkArguments("read", arguments, 0);
    return new (currentDevice().FloatArray)(await this.arrival());
  }

  /** @internal The numbers themselves, for reading only, when they are there. */
  async arrival(): Promise<FloatArray> {
    const variable = own(this);
    return variable.source?.read(variable) ?? variable.values();
  }

  /**
   * The only element.
   * @throws ShapeError if there is not exactly one.
   */
  item(): number {
    checkArguments("item", arguments, 0);
    if (this.size !== 1) {
      throw new ShapeError(
        `item() reads a Variable with one element, but this one has shape ${formatShape(this.shape)}. ` +
          "Use toArray() or data, or reduce it first, for example with sum().",
      );
    }
    return this.values()[0];
  }

  /**
   * The elements as nested arrays of numbers; a number if the shape is `[]`. The type is what they are assigned to, or the one that is named:
   *
   *     const rows: number[][] = x.toArray();
   *     x.toArray<number[]>().map(Math.round);
   */
  toArray<T extends NestedArray = NestedArray>(): T {
    checkArguments("toArray", arguments, 0);
    const values = this.values();
    const nest = (axis: number, offset: number): NestedArray => {
      if (axis === this.shape.length) return values[offset];
      const stride = sizeOf(this.shape.slice(axis + 1));
      return Array.from({ length: this.shape[axis] }, (_, i) => nest(axis + 1, offset + i * stride));
    };
    return nest(0, 0) as T;
  }

  /**
   * Shape and elements, rows below each other, such as `Variable [3] [1, 2, 3]`; of more than 100 only those at the ends of each axis. An open step
   * is not run for it.
   */
  toString(): string {
    const { shape } = this;
    const head = `${this.constructor.name} ${formatShape(shape)}`;
    if (!this.isKnown) {
      const { storage, operation } = this;
      const isOpen = stepOf(this)?.knows(this) === false;
      if (storage !== null && !isOpen) return `${head} (on the device: await read())`;
      return `${head} (${operation?.name ?? "assign"}, ${isOpen ? "not computed yet" : "of a step that has ended"})`;
    }
    return `${head}${shape.length > 1 ? "\n" : " "}${formatArray(this.values(), shape)}`;
  }

  // What parameters and states have. All variables are of one type by it, so that what begins as a parameter may go on as a result: `h = tanh(h)`.

  /** Of a parameter, the gradient accumulated since the last update, or null; null of any other Variable. */
  get grad(): Variable | null { return null; }

  /**
   * Forgets the gradient of a parameter.
   * @throws UsageError for any other Variable, and inside a step that uses the parameter
   */
  clearGrad(): void { changed(this, "clearGrad", arguments).hasGradient = false; }

  /** Is it a parameter that is frozen? */
  get isFrozen(): boolean { return Boolean(this.frozen); }

  /**
   * Trains a parameter no longer: it is a constant in the steps that follow, so that nothing is computed for its gradient; the one that it has is forgotten.
   * Optimizers leave it alone and keep what they remember for it. `assign` still gives it other values. It stays frozen when it is saved and restored.
   * @throws as `clearGrad`
   */
  freeze(): this {
    const parameter = changed(this, "freeze", arguments);
    parameter.hasGradient = false;
    parameter.frozen = true;
    return this;
  }

  /**
   * Trains a frozen parameter again.
   * @throws as `clearGrad`
   */
  unfreeze(): this {
    changed(this, "unfreeze", arguments).frozen = false;
    return this;
  }

  /**
   * Replaces the values of a parameter or a state.
   * @throws UsageError for any other Variable
   */
  assign(_value: TensorLike): this { throw untrained(this, "assign", " or state(…)"); }

  /** What `JSON.stringify` writes: the elements as nested arrays. */
  toJSON(): NestedArray { return this.toArray(); }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }

  /** Variables are not numbers: `a + b` would silently be wrong. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new ValueError(
      `A ${this.constructor.name} cannot be used with arithmetic or comparison operators. Use methods such as a.add(b), or a.item() for its number.`,
    );
  }
}

/** A parameter that a method may change now: what a step has recorded runs later, and would see it. */
function changed(variable: Variable, name: string, given: IArguments, most = 0): Parameter {
  if (!(variable instanceof Parameter)) throw untrained(variable, name, "");
  checkArguments(name, given, most);
  if (variable.step?.ended !== false) return variable;
  throw new UsageError(`${name} was called inside grad or evaluate on a parameter that the step uses. Call it before or after the step.`);
}

const untrained = ({ shape }: Variable, name: string, other: string): UsageError =>
  new UsageError(`${name} was called on a Variable ${formatShape(shape)}: only what parameter(…)${other} makes has it.`);

/** @internal The error for numbers that are gone. */
export function stale(variable: Variable): StaleVariableError {
  return new StaleVariableError(
    `This Variable ${formatShape(variable.shape)} was made by ${variable.operation?.name ?? "an operation"} in a step that has ended. ` +
      "Return it from the function given to grad or evaluate (several in an array or object), or read it there with item() or toArray().",
  );
}

/** The gradient of a table by the rows that were looked up: the values of `count` rows, then their numbers. Of equal rows the last has all. */
export interface RowGradient extends Variable {
  readonly storage: Storage;
  /** How many rows there are, −1 where the gradient is not by rows. */
  readonly count: number;
  /** The rows of a gradient, with those of an earlier list; null if it has others. */
  listed(gradient: Variable, earlier: Variable | null): Variable | null;
  /** The whole gradient from a list. */
  wholeOf(list: Variable): Variable;
  /** How many rows are in a list of so many elements. */
  countOf(size: number): number;
  /** Makes room for so many rows. */
  reserve(count: number): void;
  /** Says that a step has written so many rows, or with −1 a whole gradient. */
  arrived(count: number): void;
  /** How to go back to what there is now. */
  takenBack(): () => void;
  /** The place of the whole gradient, which has it then. */
  whole(): Storage;
  /** The gradients of the rows, and these rows of a table, in an update. */
  ofRows(): Variable;
  take(table: Variable): Variable;
  /** The table with other values in these rows. */
  put(table: Variable, values: Variable): Variable;
}

/**
 * A Variable that is trained: it keeps its values between steps, and `grad` accumulates its gradient.
 * @example
 * const w = parameter([1, 2]);
 * w.grad; // null
 * grad(() => mul(w, w).sum());
 * w.grad?.toArray(); // [2, 4]
 * w.assign([5, 6]).toArray(); // [5, 6]
 */
export class Parameter extends Variable {
  /** @internal */
  override readonly gradient: Storage;
  /** @internal Whether `gradient` holds anything since it was last cleared. */
  override hasGradient = false;
  /** @internal */
  override frozen = false;
  /** @internal What is used in its place, for a while. */
  override standIn: Variable | null = null;
  /** @internal Has an optimizer been given it? */
  override isOwned = false;
  /** @internal At how many updates it had a gradient that nobody had read and no optimizer applied; negative once the gradient has been read. */
  override unclaimed = 0;
  /** @internal Its gradient by rows, of a table of which rows were looked up. */
  override rows: RowGradient | null = null;
  /** @internal Is a look-up to change no other rows? */
  override isLazy = false;

  /** @internal Use `parameter`. */
  constructor(shape: Shape, values: FloatArray) {
    super(shape, null, null, -1, new Storage(values.length, values, "parameters"));
    this.gradient = new Storage(values.length, null, "gradients");
  }

  /** The gradient accumulated since the last update, or null if no step has reached this parameter since. */
  override get grad(): Variable | null {
    if (!this.hasGradient) return null;
    this.unclaimed = -1;
    return new Variable(this.shape, null, null, -1, byRowsOf(this)?.whole() ?? this.gradient);
  }

  /**
   * Replaces the values.
   * @throws ShapeError if the shapes differ; UsageError inside a step that uses the parameter, and where another Variable stands in for it
   */
  override assign(value: TensorLike): this {
    if (this.standIn !== null) throw absent("assign");
    changed(this, "assign", arguments, 1);
    assignTo(this.storage as Storage, assignable("parameter", this.shape, value));
    return this;
  }
}

/** @internal The gradient that a parameter has now, if that is by rows. */
export const byRowsOf = ({ hasGradient, rows }: Parameter): RowGradient | null => (hasGradient && rows !== null && rows.count >= 0 ? rows : null);

/** @internal Says that a step has written the gradient of a parameter: of so many rows, or with −1 all of it. */
export function markReached(parameter: Parameter, rows: number): void {
  parameter.hasGradient = true;
  parameter.rows?.arrived(rows);
  if (rows < 0) parameter.gradient.written();
}

/** @internal The error for a change of a parameter that nobody would see now. */
export const absent = (caller: string): UsageError =>
  new UsageError(`${caller} was called on a parameter while another Variable stands in for it, within withParameters. Call it before or after.`);

/**
 * @internal What is assigned, as a Variable.
 * @throws ShapeError if it has another shape
 */
export function assignable(kind: string, shape: Shape, value: TensorLike): Variable {
  const given = value instanceof Variable ? value : input(value, ArrayBuffer.isView(value) ? shape : undefined);
  if (sameShape(given.shape, shape)) return given;
  throw new ShapeError(`assign got shape ${formatShape(given.shape)} for a ${kind} of shape ${formatShape(shape)}.`);
}

/** @internal Gives an array the numbers of a Variable, which stay on the device if they are there. */
export function assignTo(storage: Storage, value: Variable): void {
  if (isInHostCall()) throw assignedInCall();
  const away = awayOf(value);
  if (away === null) storage.assign(value.values().slice());
  else storage.copy(away);
}

/** @internal A Variable with numbers of its own. */
export function fromValues(values: FloatArray, shape: Shape, kind: MemoryKind = "inputs"): Variable {
  return new Variable(shape, null, null, -1, new Storage(values.length, values, kind));
}

/**
 * Data for a step: a number, nested arrays, or a flat array with its shape. The numbers are copied.
 * Integers beyond ±2²⁴ are refused in integer arrays, as float32 cannot hold them.
 *
 * @param data numbers; nested arrays must be rectangular
 * @param shape the shape of flat data; a flat array without one is a vector
 * @throws ShapeError for ragged arrays or a shape that does not fit; ValueError for what is not a number
 * @example
 * input([[1, 2], [3, 4]]).shape; // [2, 2]
 * input(Float32Array.of(1, 2, 3, 4), [2, 2]).toArray(); // [[1, 2], [3, 4]]
 */
export function input(data: TensorLike, shape?: Shape): Variable {
  checkArguments("input", arguments, 2);
  const { values, shape: found } = numbers("input", data, shape);
  return withValuesOf(data, fromValues(values, found));
}

/** @internal What has been made of a Variable, with its numbers where these stay on a device. */
export function withValuesOf<V extends Variable>(data: TensorLike, made: V): V {
  const storage = made.storage as Storage;
  made.storage = awayOf(data)?.away(storage.kind) ?? storage;
  return made;
}

/** Its numbers, if they are on a device that would have to be waited for. */
function awayOf(data: TensorLike): Storage | null {
  const variable = data instanceof Variable ? own(data) : null;
  return variable?.storage?.awaited && !variable.step?.assigned.targets.has(variable) ? variable.storage : null;
}

/**
 * A trained array with these initial values, which are copied.
 *
 * @throws as `input`
 * @example
 * const w = parameter([[0.5]]);
 * let h = parameter([8]);
 * for (let i = 0; i < 3; i++) h = linear(w, h);
 * h.toArray(); // [1]
 */
export function parameter(value: TensorLike, shape?: Shape): Parameter {
  checkArguments("parameter", arguments, 2);
  const { values, shape: found } = numbers("parameter", value, shape);
  return withValuesOf(value, new Parameter(found, values));
}

/** @internal The numbers in the precision of the device, and their shape. */
export function numbers(operation: string, data: TensorLike, shape?: Shape): { values: FloatArray; shape: Shape } {
  const { values: given, shape: found } = flatten(operation, data);
  const { FloatArray } = currentDevice();
  const values = given instanceof FloatArray ? given : new FloatArray(given);
  if (shape === undefined) return { values, shape: found };
  checkShape(operation, shape);
  if (sizeOf(shape) !== values.length) {
    throw new ShapeError(
      `${operation} got ${values.length} numbers for shape ${formatShape(shape)}, which has ${sizeOf(shape)}. ` +
        "Give as many numbers as the shape has elements, or leave the shape out.",
    );
  }
  return { values, shape: shape.slice() };
}

function flatten(operation: string, data: TensorLike): { values: FloatArray; shape: Shape } {
  if (data instanceof Variable) return { values: awayOf(data) === null ? data.data : new (currentDevice().FloatArray)(data.size), shape: data.shape };
  if (typeof data === "number") return { values: Float64Array.of(data), shape: scalarShape };
  if (isList(data) && kindOf(data).startsWith("Float")) return { values: (data as FloatArray).slice(), shape: [data.length] };
  if (isList(data) && !Array.isArray(data)) {
    const values = Float64Array.from(data as unknown as ArrayLike<number>, Number);
    for (const value of values) {
      if (Math.abs(value) > 2 ** 24) {
        throw new ValueError(`${operation} got the integer ${value}: float32 holds integers exactly only up to 2^24. Scale it, or split it into parts.`);
      }
    }
    return { values, shape: [values.length] };
  }
  if (!Array.isArray(data)) throw refusal(operation, "a number, nested arrays of numbers or a typed array", data);
  return readNested(data, (entry) => typeof entry === "number", (entry, place, expected) => {
    const path = ["data", ...place.map((i) => `[${i}]`)].join("");
    if (expected === null && !isList(entry)) return new ValueError(`${operation} got ${describe(entry)} at ${path}, which is not a number.`);
    const wanted = expected === null ? "a number" : `an array of ${expected}`;
    return new ShapeError(
      `${operation} got a ragged array: ${path} is ${describe(entry)} where ${wanted} was expected. Pad the rows to one length, or use a list of Variables.`,
    );
  });
}
