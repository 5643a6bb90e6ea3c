/**
 * Scalar expressions: what an elementwise kernel computes for one element, as data.
 *
 * Expressions are hash-consed: equal expressions are (almost always) the same object, so common subexpressions are
 * computed once and a kernel is known by its text. Constructors simplify what is exact for every value.
 */

import { ValueError } from "../support/errors.ts";

export type UnaryName =
  | "neg" | "abs" | "sign" | "floor" | "sqrt" | "exp" | "expm1" | "log" | "log1p"
  | "sin" | "cos" | "tanh" | "sigmoid" | "relu";
export type ComparisonName = "equal" | "less" | "lessEqual";
export type BinaryName = "add" | "sub" | "mul" | "div" | "pow" | "maximum" | "minimum" | ComparisonName;

/** What `Expr` methods take: another expression or a constant. */
export type ExprLike = Expr | number;

/**
 * So many are remembered; then it begins anew, as users make expressions without end. Nothing may depend on equal expressions being the same
 * object: where they are not, something is computed twice.
 */
const MAX_INTERNED = 2 ** 14;
const interned = new Map<string, Expr>();
let made = 0;

const combines = "An elementwise expression combines expressions and numbers,";
const useMethods = "Use only the methods of its arguments, such as x.exp() or x.mul(y), not Math or arithmetic operators.";

/**
 * A node of a scalar expression over arguments `argument(0)`, `argument(1)`, …
 * @example
 * import type { Expr } from "flimsy-ml";
 * const leaky = (x: Expr): Expr => x.less(0).where(x.mul(0.1), x);
 * elementwise("leakyRelu", leaky)(input([-2, 3])).toArray(); // [-0.2, 3]
 */
export class Expr {
  private constructor(
    /** Unique. */
    readonly id: number,
    /** What it is: the name of a method, an argument, or a constant. */
    readonly kind: "argument" | "constant" | "index" | "select" | UnaryName | BinaryName,
    /** What it is of. */
    readonly inputs: readonly Expr[],
    /** The number of an argument, the value of a constant, else 0. */
    readonly value: number,
  ) {}

  /** @internal */
  static make(kind: Expr["kind"], inputs: readonly Expr[], value = 0): Expr {
    const key = `${kind}:${Object.is(value, -0) ? "-0" : value}:${inputs.map((e) => e.id).join()}`;
    let expr = interned.get(key);
    if (expr === undefined) {
      if (interned.size >= MAX_INTERNED) interned.clear();
      expr = new Expr(made++, kind, inputs, value);
      interned.set(key, expr);
    }
    return expr;
  }

  /** Is it a number? */
  get isConstant(): boolean { return this.kind === "constant"; }
  /** Is it this constant? */
  is(value: number): boolean { return this.kind === "constant" && Object.is(this.value, value); }

  /** x + y */
  add(other: ExprLike): Expr {
    const b = expression(other);
    if (this.is(0)) return b;
    if (b.is(0)) return this;
    return binary("add", this, b);
  }
  /** x − y */
  sub(other: ExprLike): Expr {
    const b = expression(other);
    return b.is(0) ? this : binary("sub", this, b);
  }
  /** x · y */
  mul(other: ExprLike): Expr {
    const b = expression(other);
    if (this.is(1)) return b;
    if (b.is(1)) return this;
    if (this.is(-1)) return b.neg();
    if (b.is(-1)) return this.neg();
    return binary("mul", this, b);
  }
  /** x / y */
  div(other: ExprLike): Expr {
    const b = expression(other);
    return b.is(1) ? this : binary("div", this, b);
  }
  /** −x */
  neg(): Expr { return this.kind === "neg" ? this.inputs[0] : unary("neg", this); }
  /** 1 / x */
  recip(): Expr { return expression(1).div(this); }
  /** xʸ */
  pow(exponent: ExprLike): Expr {
    const b = expression(exponent);
    if (b.is(1)) return this;
    if (b.is(2)) return this.mul(this);
    if (b.is(3)) return this.mul(this).mul(this);
    if (b.is(0.5)) return this.sqrt();
    if (b.is(-1)) return this.recip();
    return binary("pow", this, b);
  }
  /** |x| */
  abs(): Expr { return unary("abs", this); }
  /** −1, 0 or 1. */
  sign(): Expr { return unary("sign", this); }
  /** The greatest integer that is not above x. */
  floor(): Expr { return unary("floor", this); }
  /** √x */
  sqrt(): Expr { return unary("sqrt", this); }
  /** eˣ */
  exp(): Expr { return unary("exp", this); }
  /** exp(x) − 1, exact for small x. */
  expm1(): Expr { return unary("expm1", this); }
  /** The natural logarithm. */
  log(): Expr { return unary("log", this); }
  /** log(1 + x), exact for small x. */
  log1p(): Expr { return unary("log1p", this); }
  /** The sine, of radians. */
  sin(): Expr { return unary("sin", this); }
  /** The cosine, of radians. */
  cos(): Expr { return unary("cos", this); }
  /** The hyperbolic tangent. */
  tanh(): Expr { return unary("tanh", this); }
  /** 1 / (1 + exp(−x)) */
  sigmoid(): Expr { return unary("sigmoid", this); }
  /** max(x, 0), with derivative 0 at 0. */
  relu(): Expr { return unary("relu", this); }
  /** The larger one; NaN if one is NaN. */
  maximum(other: ExprLike): Expr { return binary("maximum", this, other); }
  /** The smaller one; NaN if one is NaN. */
  minimum(other: ExprLike): Expr { return binary("minimum", this, other); }
  /** Comparisons are 1 where they hold and 0 where not (also where an operand is NaN). */
  equal(other: ExprLike): Expr { return binary("equal", this, other); }
  /** 1 where they differ, else 0; a NaN differs from all. */
  notEqual(other: ExprLike): Expr { return expression(1).sub(this.equal(other)); }
  /** 1 where x < y, else 0. */
  less(other: ExprLike): Expr { return binary("less", this, other); }
  /** 1 where x ≤ y, else 0. */
  lessEqual(other: ExprLike): Expr { return binary("lessEqual", this, other); }
  /** 1 where x > y, else 0. */
  greater(other: ExprLike): Expr { return expression(other).less(this); }
  /** 1 where x ≥ y, else 0. */
  greaterEqual(other: ExprLike): Expr { return expression(other).lessEqual(this); }
  /** `a` where this is not 0, else `b`. Only the chosen value counts: a NaN in the other does no harm. */
  where(a: ExprLike, b: ExprLike): Expr {
    const x = expression(a);
    const y = expression(b);
    if (x === y) return x;
    if (this.isConstant) return this.value !== 0 ? x : y;
    return Expr.make("select", [this, x, y]);
  }

  /** As calls, such as `mul(a, 2)`. */
  toString(): string {
    if (this.kind === "argument") return String.fromCharCode(97 + this.value);
    if (this.kind === "constant") return String(this.value);
    if (this.kind === "index") return "index";
    return `${this.kind}(${this.inputs.join(", ")})`;
  }

  /** Expressions are not numbers: `x * 2` and `Math.exp(x)` would silently be NaN. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === "string") return this.toString();
    throw new ValueError(`${combines} but an operator or Math got the expression ${this}. ${useMethods}`);
  }
}

export const argument = (index: number): Expr => Expr.make("argument", [], index);
export const constant = (value: number): Expr => Expr.make("constant", [], value);
/** In a row kernel: the position within the row. */
export const index = (): Expr => Expr.make("index", []);

/** A constant for a number, an expression as it is. */
export function expression(value: ExprLike): Expr {
  if (value instanceof Expr) return value;
  if (typeof value === "number") return constant(value);
  throw new ValueError(`${combines} but got ${typeof value}. ${useMethods}`);
}

function unary(name: UnaryName, a: Expr): Expr {
  return a.isConstant ? constant(evaluateUnary(name, a.value)) : Expr.make(name, [a]);
}

function binary(name: BinaryName, a: Expr, other: ExprLike): Expr {
  const b = expression(other);
  return a.isConstant && b.isConstant ? constant(evaluateBinary(name, a.value, b.value)) : Expr.make(name, [a, b]);
}

/** The meaning of each unary function, in float64. This is the specification that every device is tested against. */
export function evaluateUnary(name: UnaryName, x: number): number {
  switch (name) {
    case "neg": return -x;
    case "sign": return Math.sign(x) + 0; // never −0
    case "sigmoid": return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    case "relu": return Math.max(x, 0);
    default: return Math[name](x);
  }
}

/** As in C and IEEE 754: 1 to any power is 1, also to NaN, and so is −1 to ±∞. In JavaScript these are NaN. */
export const power = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b);

/** The meaning of each binary function, in float64. */
export function evaluateBinary(name: BinaryName, a: number, b: number): number {
  switch (name) {
    case "add": return a + b;
    case "sub": return a - b;
    case "mul": return a * b;
    case "div": return a / b;
    case "pow": return power(a, b);
    case "maximum": return Math.max(a, b);
    case "minimum": return Math.min(a, b);
    case "equal": return a === b ? 1 : 0;
    case "less": return a < b ? 1 : 0;
    case "lessEqual": return a <= b ? 1 : 0;
  }
}

const zero = constant(0);
const one = constant(1);

/** A product that knows that 0 · anything is 0: the derivative of what does not depend on the argument. */
const times = (derivative: Expr, factor: Expr): Expr => (derivative.is(0) ? zero : derivative.mul(factor));

/**
 * The derivative of the larger or the smaller of a and b. Where both are equal each gets one half, which is what a central difference sees;
 * where one of them is NaN each gets all.
 * @param notA, notB where the other one is chosen
 */
function ofChosen(a: Expr, b: Expr, notA: Expr, notB: Expr, da: Expr, db: Expr): Expr {
  const both = da.add(db);
  const shared = a.equal(b).where(both.mul(0.5), both);
  const unlessA = db === zero ? shared : notB.where(da, shared);
  return da === zero ? unlessA : notA.where(db, unlessA);
}

/** A gradient times a derivative. Where a choice makes the derivative 0, the result is 0 whatever the gradient is, also ∞. */
export function scaled(gradient: Expr, slope: Expr): Expr {
  if (slope.is(0)) return zero;
  if (slope.kind !== "select") return gradient.mul(slope);
  const [condition, a, b] = slope.inputs;
  return condition.where(scaled(gradient, a), scaled(gradient, b));
}

/** All derivatives at a glance: e is the expression itself, a and b its inputs, da and db their derivatives. */
function rule(e: Expr, da: Expr, db = zero, dc = zero): Expr {
  const [a, b] = e.inputs;
  switch (e.kind) {
    case "neg": return da.neg();
    case "abs": return times(da, a.sign());
    case "sqrt": return times(da, constant(0.5).div(e));
    case "exp": return times(da, e);
    case "expm1": return times(da, e.add(1));
    case "log": return da.div(a);
    case "log1p": return da.div(a.add(1));
    case "sin": return times(da, a.cos());
    case "cos": return times(da, a.sin().neg());
    case "tanh": return times(da, one.sub(e.mul(e)));
    case "sigmoid": return times(da, e.mul(one.sub(e)));
    case "relu": return a.lessEqual(0).where(0, da);
    case "add": return da.add(db);
    case "sub": return db === zero ? da : da === zero ? db.neg() : da.sub(db);
    case "mul": return times(da, b).add(times(db, a));
    case "div": {
      const numerator = da.is(0) ? zero : da.div(b);
      return db.is(0) ? numerator : numerator.sub(db.mul(e.div(b)));
    }
    case "pow": {
      // The slope of x⁰ is 0 also where x⁻¹ is no finite number.
      const less = a.pow(b.sub(1));
      const finite = less.sub(less).equal(0).where(less, 0);
      const base = times(da, b.mul(b.equal(0).where(finite, less)));
      // 0 stays 0, and 0⁰ counts as 1, for exponents above; so the logarithm of 0 does not count there.
      return base.add(times(db, a.equal(0).mul(b.greaterEqual(0)).where(0, e.mul(a.log()))));
    }
    case "maximum": return ofChosen(a, b, a.less(b), a.greater(b), da, db);
    case "minimum": return ofChosen(a, b, a.greater(b), a.less(b), da, db);
    case "select": return a.where(db, dc);
    default: return zero; // sign, floor and comparisons are constant almost everywhere
  }
}

/** What `make` gives for an expression, from what it gives for parts; once for each, however many share it. */
function fromParts(expr: Expr, make: (e: Expr, visit: (part: Expr) => Expr) => Expr): Expr {
  const known = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    let result = known.get(e);
    if (result === undefined) {
      result = make(e, visit);
      known.set(e, result);
    }
    return result;
  };
  return visit(expr);
}

/** The derivative of an expression by one of its arguments. */
export function derivative(expr: Expr, argumentIndex: number): Expr {
  return fromParts(expr, (e, visit) => {
    if (e.kind === "argument") return e.value === argumentIndex ? one : zero;
    const slopes = e.inputs.map(visit);
    const [da, db, dc] = slopes;
    return slopes.every((slope) => slope.is(0)) ? zero : rule(e, da, db, dc);
  });
}

/** The expression with some of its parts replaced. */
export function substitute(expr: Expr, replacement: (part: Expr) => Expr | undefined): Expr {
  return fromParts(expr, (e, visit) => {
    const replaced = replacement(e);
    if (replaced !== undefined) return replaced;
    const inputs = e.inputs.map(visit);
    return inputs.every((input, i) => input === e.inputs[i]) ? e : Expr.make(e.kind, inputs, e.value);
  });
}

/** Every distinct part of some expressions, inputs before what uses them. */
export function parts(...roots: readonly Expr[]): Expr[] {
  const seen = new Set<Expr>();
  const order: Expr[] = [];
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    e.inputs.forEach(visit);
    order.push(e);
  };
  roots.forEach(visit);
  return order;
}

/** The arguments that some expressions use, each once, ascending. */
export function argumentsOf(...roots: readonly Expr[]): number[] {
  return [...new Set(parts(...roots).filter((e) => e.kind === "argument").map((e) => e.value))].sort((a, b) => a - b);
}

/** Reads an argument of a compiled expression. */
export type Reader = (argument: number) => number;

/**
 * An expression as a function, by closures: what the reference device runs.
 * `read` gives the value of an argument at the current element, `position` that of `index()`.
 */
export function interpret(roots: readonly Expr[], read: Reader, position: () => number): (results: Float64Array) => void {
  const order = parts(...roots);
  const values = new Float64Array(order.length);
  const slot = new Map(order.map((e, i) => [e, i]));
  const steps = order.map((e, i) => {
    const [a, b, c] = e.inputs.map((input) => slot.get(input) as number);
    switch (e.kind) {
      case "argument": return () => { values[i] = read(e.value); };
      case "constant": return () => { values[i] = e.value; };
      case "index": return () => { values[i] = position(); };
      case "select": return () => { values[i] = values[a] !== 0 ? values[b] : values[c]; };
      default: {
        const { kind } = e;
        return e.inputs.length === 1
          ? () => { values[i] = evaluateUnary(kind as UnaryName, values[a]); }
          : () => { values[i] = evaluateBinary(kind as BinaryName, values[a], values[b]); };
      }
    }
  });
  const ends = roots.map((e) => slot.get(e) as number);
  return (results) => {
    for (const step of steps) step();
    for (let k = 0; k < ends.length; k++) results[k] = values[ends[k]];
  };
}
