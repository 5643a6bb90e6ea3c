/** Elementwise operations: one scalar expression gives the kernel on every device and all derivatives. */

import { defineOperation, type Definition, newOperation, type Operation, type ReverseRule } from "../engine/operation.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import { refusal } from "../support/check.ts";
import { checkArguments } from "../support/options.ts";
import { broadcastOrThrow, scalarShape, type Shape } from "../support/shape.ts";
import { argument, argumentsOf, derivative, Expr, expression, scaled, substitute } from "../kernels/expression.ts";
import { map } from "../kernels/kernel.ts";
import { Role } from "../plan/role.ts";
import { record, record1, record2 } from "../engine/recording.ts";
import type { Operand } from "../engine/step.ts";
import type { Variable } from "../engine/variable.ts";
import { sumTo } from "./broadcasting.ts";

/** Is an expression the sum of arguments 0 and 1? */
const isSum = ({ kind, inputs }: Expr): boolean => kind === "add" && inputs.every((input, k) => input.kind === "argument" && input.value === k);

/** An operation that is known by its expression over `arity` arguments. */
export function definitionOf(name: string, arity: number, expr: Expr): Definition {
  const kernel = map(arity, expr);
  const rules: (ReverseRule | null | undefined)[] = [];
  return {
    name,
    role: arity === 2 && isSum(expr) ? Role.add : Role.map,
    lower: (lowering, node) => lowering.map(node, kernel),
    reverse: (k) => {
      let rule = rules[k];
      if (rule === undefined) rules[k] = rule = derived(name, arity, expr, k);
      return rule;
    },
  };
}

/** The derivative as an operation of its own, over the gradient and only those values that it needs. */
function derived(name: string, arity: number, expr: Expr, k: number): ReverseRule | null {
  const slope = derivative(expr, k);
  if (slope.is(0)) return null;
  if (slope.is(1)) return (gradient, node) => sumTo(gradient, node.inputShape(k));
  const output = argument(arity);
  const gradientArgument = argument(arity + 1);
  const usingOutput = substitute(slope, (part) => (part === expr ? output : undefined));
  const product = scaled(gradientArgument, usingOutput);
  const used = argumentsOf(product);
  const position = new Map(used.map((value, i) => [value, argument(i)]));
  const renumbered = substitute(product, (part) => (part.kind === "argument" ? position.get(part.value) : undefined));
  const operation = newOperation(definitionOf(`${name}′`, used.length, renumbered));
  return (gradient, node) => {
    const operands = used.map((value) => (value === arity + 1 ? gradient : value === arity ? node.output : node.input(value)));
    const { shape } = node;
    const part = operands.length === 1 ? record1(operation, shape, operands[0])
      : operands.length === 2 ? record2(operation, shape, operands[0], operands[1]) : record(operation, shape, operands);
    return sumTo(part, node.inputShape(k));
  };
}

/** The shape of an operand; an error for what is neither a number nor a Variable. */
function shapeOf(name: string, x: Operand): Shape {
  if (typeof x === "number") return scalarShape;
  const shape = (x as Variable | undefined)?.shape;
  if (shape !== undefined) return shape;
  throw refusal(name, "Variables and numbers", x, " Wrap arrays with input(…).");
}

/** The operands of a function over expressions, as variables or numbers. */
export type Operands<P extends readonly Expr[]> = { [K in keyof P]: Operand };

/** An elementwise operation of the library, as `elementwise` makes one. */
export function defineElementwise<P extends readonly Expr[]>(name: string, f: (...x: P) => Expr): (...x: Operands<P>) => Variable {
  return applying(defineOperation(definitionOf(name, f.length, expressionOf(name, f))), f.length);
}

/** The methods of expressions that take so many others. */
type MethodOf<Count extends number> = {
  [K in keyof Expr]: Expr[K] extends (...others: infer P) => Expr ? (P["length"] extends Count ? K : never) : never
}[keyof Expr];
/** The method of expressions of the same name, for one operand. */
export const defineUnary = (name: MethodOf<0>): (x: Operand) => Variable => defineElementwise(name, (x) => x[name]());
/** The same for two. */
export const defineBinary = (name: MethodOf<1>): (a: Operand, b: Operand) => Variable => defineElementwise(name, (a, b) => a[name](b));

/** What a function makes of its arguments. */
export function expressionOf<P extends readonly Expr[]>(name: string, f: (...x: P) => Expr): Expr {
  const result = f(...(Array.from({ length: f.length }, (_, i) => argument(i)) as unknown as P));
  if (result instanceof Expr || typeof result === "number") return expression(result);
  throw new ValueError(`The function given to elementwise("${name}", …) must return an expression made of its arguments, but returned ${describe(result)}.`);
}

/** The function that applies an operation to operands. */
export function applying<P extends readonly Expr[]>(operation: Operation, arity: number): (...x: Operands<P>) => Variable {
  const { name } = operation;
  // Almost all operations have one or two operands; these forms do not build arrays.
  const forms: Record<number, (...x: Operand[]) => Variable> = {
    1: (a, more?, list?) => {
      if (more !== undefined) checkArguments(name, [a, more, list], 1);
      return record1(operation, shapeOf(name, a), a);
    },
    2: (a, b, more?, list?) => {
      if (more !== undefined) checkArguments(name, [a, b, more, list], 2);
      const shape = shapeOf(name, a);
      const other = shapeOf(name, b);
      return record2(operation, shape === other ? shape : broadcastOrThrow(name, shape, other), a, b);
    },
  };
  return (forms[arity] ?? ((...x) => apply(operation, arity, x))) as (...x: Operands<P>) => Variable;
}

function apply(operation: Operation, arity: number, x: readonly Operand[]): Variable {
  const { name } = operation;
  checkArguments(name, x, arity);
  if (x.length !== arity) throw new ValueError(`${name} takes ${arity} operands, but got ${x.length}.`);
  const shapes: Shape[] = [];
  for (const operand of x) shapes.push(shapeOf(name, operand));
  let shape: Shape = scalarShape;
  for (const next of shapes) shape = broadcastOrThrow(name, shape, next, shapes);
  return record(operation, shape, x);
}
