/**
 * The scalar functions of kernels on four f32 lanes at once, as inline WebAssembly.
 * Branchless, apart from rare cases that call the host: every lane takes the same path, and what is
 * special (zeros, infinities, overflow, denormals, NaN) comes out right by construction or by a final choice.
 *
 * Methods: Cephes (single precision: expf, logf, sinf, cosf) for the shape of the algorithms and the polynomials
 * of sin and cos; fdlibm and musl for log1p's correction term, for the split of π/2 and for taking numbers apart
 * as integers. The polynomials of exp and log are our own minimax fits of the relative error, since one
 * coefficient less than Cephes has suffices.
 */

import { type BinaryName, type ComparisonName, power, type UnaryName } from "../../kernels/expression.ts";
import type { Reduction } from "../../kernels/kernel.ts";
import { COS, EXP, LN2_HIGH, LN2_LOW, LOG, SIN } from "../coefficients.ts";
import { type Body, F64, type Local, type ModuleBuilder, range, V128 } from "./assembler.ts";
import { vectorOpcodes } from "./instructions.ts";

/** What a module with vector math imports from the host, under "env". */
export const mathImports = { sin: Math.sin, cos: Math.cos, pow: power };

/** The function indices of `mathImports`. All take and give f64, for which engines know `Math.sin` and call it directly. */
export type MathImports = Record<keyof typeof mathImports, number>;

/** Declares the imports. Like all imports, before any function. */
export function importMath(module: ModuleBuilder): MathImports {
  const imports = Object.entries(mathImports).map(([name, { length }]) => [name, module.importFunction(name, range(length).map(() => F64), [F64])]);
  return Object.fromEntries(imports) as MathImports;
}

// -- coefficients, highest power first ----------------------------------------------------------

/** log₂((1 + s) / (1 − s)) / s as a function of s², for |s| ≤ 3 − 2√2: its Taylor series. */
const LOG2 = [6, 5, 4, 3, 2, 1, 0].map((i) => 2 / Math.LN2 / (2 * i + 1));
/** 2ᶠ for |f| ≤ ½: its Taylor series. */
const EXP2 = [1];
for (let i = 1; i <= 8; i++) EXP2.unshift((EXP2[0] * Math.LN2) / i);

/** π/2 in two parts of float64 (musl). Products of the first with integers below 2²⁸ are exact. */
const HALF_PI_HIGH = 1.5707963109016418;
const HALF_PI_LOW = 1.5893254773528197e-8;
/** Up to here two parts suffice. */
const LARGE_ANGLE = 2 ** 28;

/** Adding these rounds to an integer and leaves it in the low bits. */
const ROUND = 1.5 * 2 ** 23;
const ROUND_F64 = 1.5 * 2 ** 52;

const SIGN = 1 << 31;
const ONE_BITS = 0x3f800000;
const SQRT_HALF_BITS = 0x3f3504f3;
const SQRT_HALF_BITS_F64 = 0x3fe6a09e667f3bcdn;
const MIN_NORMAL = 2 ** -126;

// -- instructions that only this file uses ------------------------------------------------------

const V128_NOT = 0x4d;
const I64X2_SHR_U = 0xcd;
/** pmin(a, b) = b < a ? b : a, and likewise pmax: one machine instruction each, and NaN in `a` stays. */
const F32X4_PMIN = 0xea;
const F32X4_PMAX = 0xeb;
const F64X2_ABS = 0xec;
const F64X2_PMIN = 0xf6;
const F64X2_PMAX = 0xf7;
const F64X2_RELAXED_MADD = 0x107;

// -- functions that are one instruction ---------------------------------------------------------

/** Where they hold all bits are set. */
const comparisons: Readonly<Record<ComparisonName, number>> = {
  equal: vectorOpcodes.f32x4Eq, less: vectorOpcodes.f32x4Lt, lessEqual: vectorOpcodes.f32x4Le,
};
const instructions: Partial<Record<UnaryName | BinaryName, number>> = {
  neg: vectorOpcodes.f32x4Neg, abs: vectorOpcodes.f32x4Abs, floor: vectorOpcodes.f32x4Floor, sqrt: vectorOpcodes.f32x4Sqrt,
  add: vectorOpcodes.f32x4Add, sub: vectorOpcodes.f32x4Sub, mul: vectorOpcodes.f32x4Mul, div: vectorOpcodes.f32x4Div,
  maximum: vectorOpcodes.f32x4Max, minimum: vectorOpcodes.f32x4Min, ...comparisons,
};
/** How a reduction takes one vector more. */
export const reducing: Readonly<Record<Reduction, number>> = {
  sum: vectorOpcodes.f32x4Add, maximum: vectorOpcodes.f32x4Max, minimum: vectorOpcodes.f32x4Min,
};

/** Emits functions of vectors into a body. Results are left on the stack; arguments are never changed. */
export class VectorMath {
  /** Vector locals for intermediate results; the first `used` are in use. */
  private readonly pool: Local[] = [];
  private used = 0;

  /** @param fused Use relaxed SIMD's multiply-add, which rounds once where the machine can. */
  constructor(private readonly body: Body, private readonly fused: boolean, private readonly imports: MathImports) {}

  /** The function of `a`, or of `a` and `b`, within 4 units in the last place (of float32, denormals included). Comparisons are 1 where they hold. */
  apply(name: UnaryName | BinaryName, a: Local, b?: Local): void {
    const opcode = instructions[name];
    if (opcode === undefined) {
      this[name as "pow"](a, b as Local);
      return;
    }
    this.body.get(a);
    if (b !== undefined) this.body.get(b);
    this.body.simd(opcode);
    if (name in comparisons) this.body.f32x4(1).v128And();
  }

  /** The bits of `a` where the condition is not 0 (NaN is not), else those of `b`. */
  select(condition: Local, a: Local, b: Local): void {
    this.body.get(a).get(b).get(condition).f32x4(0).f32x4Ne().v128Bitselect();
  }

  /** The bits of `a` where x and y compare so, else those of `b`. */
  selectWhere(comparison: ComparisonName, [x, y]: readonly Local[], a: Local, b: Local): void {
    this.body.get(a).get(b).get(x).get(y).simd(comparisons[comparison]).v128Bitselect();
  }

  relu(x: Local): void { this.body.get(x).f32x4(0).simd(F32X4_PMAX); }
  /** ±1 where |x| > 0, else x, which is 0 or NaN. */
  sign(x: Local): void {
    this.body.f32x4(1);
    this.signLike(x).get(x).get(x).f32x4Abs().f32x4(0).f32x4Gt().v128Bitselect();
  }
  sin(x: Local): void { this.circular("sin", x); }
  cos(x: Local): void { this.circular("cos", x); }

  // -- building blocks --------------------------------------------------------------------------

  /** Lends as many vector locals as `use` has parameters. */
  private temporaries(use: (...locals: Local[]) => void): void {
    const first = this.used;
    this.used += use.length;
    while (this.pool.length < this.used) this.pool.push(this.body.local(V128));
    use(...this.pool.slice(first, this.used));
    this.used = first;
  }

  /** a, b -> a · b + addend: a variable, or what leaves it. */
  private madd(addend: Local | (() => void)): Body {
    return this.body.f32x4Madd(this.fused, typeof addend === "number" ? () => this.body.get(addend) : addend);
  }

  /** A polynomial of `x`. */
  private horner(x: Local, [first, ...rest]: readonly number[]): Body {
    this.body.f32x4(first);
    for (const coefficient of rest) {
      this.body.get(x);
      this.madd(() => this.body.f32x4(coefficient));
    }
    return this.body;
  }

  private hornerF64(x: Local, [first, ...rest]: readonly number[]): Body {
    const { body } = this;
    body.f64x2(first);
    for (const coefficient of rest) {
      if (this.fused) body.get(x).f64x2(coefficient).simd(F64X2_RELAXED_MADD);
      else body.get(x).f64x2Mul().f64x2(coefficient).f64x2Add();
    }
    return body;
  }

  /** y -> y with the sign of x, for y ≥ 0 or of the same sign. */
  private signLike(x: Local): Body {
    return this.body.get(x).i32x4(SIGN).v128And().v128Or();
  }

  /** A mask -> `result`, but where the mask is set a host function of the arguments; what is in a lane depends on no other. */
  private unlessSpecial(result: Local, name: keyof MathImports, ...args: readonly Local[]): void {
    const { body } = this;
    this.temporaries((isSpecial, found) => {
      body.tee(isSpecial).v128AnyTrue().if(() => {
        for (let lane = 0; lane < 4; lane++) {
          body.get(found);
          for (const x of args) body.get(x).f32x4ExtractLane(lane).f64PromoteF32();
          body.call(this.imports[name]).f32DemoteF64().f32x4ReplaceLane(lane).set(found);
        }
        body.get(found).get(result).get(isSpecial).v128Bitselect().set(result);
      });
      body.get(result);
    });
  }

  // -- exponentials -----------------------------------------------------------------------------
  // x = n ln 2 + r with an integer n and |r| ≤ ln 2 / 2, so that eˣ = 2ⁿ eʳ.

  /** x on the stack -> n in the low bits of `n`, r in `r`. */
  private reduce(n: Local, r: Local): void {
    const { body } = this;
    body.set(r);
    body.get(r).f32x4(Math.LOG2E);
    this.madd(() => body.f32x4(ROUND)).tee(n).f32x4(ROUND).f32x4Sub();
    this.temporaries((whole) => {
      body.tee(whole).f32x4(-LN2_HIGH);
      this.madd(r).set(r);
      body.get(whole).f32x4(-LN2_LOW);
      this.madd(r).set(r);
    });
  }

  /** eʳ − 1 */
  private expm1Reduced(r: Local): Body {
    this.horner(r, EXP).get(r).get(r).f32x4Mul();
    return this.madd(r);
  }

  /** An integer n on the stack (its low 9 bits count) -> 2ⁿ */
  private powerOfTwo(): Body {
    return this.body.i32(23).i32x4Shl().i32x4(ONE_BITS).i32x4Add();
  }

  /**
   * x, but not below `least`, as r + n ln 2: leaves eʳ − 1, and 2ⁿ in two factors, since 2ⁿ itself may be too large or too small where eˣ is not.
   * Beyond `least` and 89 the result is known, and n would leave its range.
   */
  private exponential(x: Local, least: number, use: (power: Local, otherPower: Local) => void): void {
    const { body } = this;
    this.temporaries((n, r, power, otherPower) => {
      body.get(x).f32x4(89).simd(F32X4_PMIN).f32x4(least).simd(F32X4_PMAX);
      this.reduce(n, r);
      this.temporaries((half) => {
        body.get(n).i32(1).i32x4ShrS().tee(half); // n's high bits, those of ROUND, are gone after the next shift
        this.powerOfTwo().set(power);
        body.get(n).get(half).i32x4Sub();
        this.powerOfTwo().set(otherPower);
      });
      this.expm1Reduced(r);
      use(power, otherPower);
    });
  }

  exp(x: Local): void {
    this.exponential(x, -104, (power, otherPower) => {
      this.body.f32x4(1).f32x4Add().get(power).f32x4Mul();
      // Where the result is 0 (masked scores), that power is 0: to underflow would take the machine ten times as long.
      this.body.get(otherPower).get(x).f32x4(-104).f32x4Ge().v128And().f32x4Mul();
    });
  }

  expm1(x: Local): void {
    this.exponential(x, -20, (power, otherPower) => {
      // 2ⁿ (eʳ − 1) + (2ⁿ − 1), divided and multiplied by the other power; its inverse has the negative exponent.
      this.body.get(power);
      this.madd(() => this.body.get(power).i32x4(2 * ONE_BITS).get(otherPower).i32x4Sub().f32x4Sub()).get(otherPower).f32x4Mul();
      this.signLike(x);
    });
  }

  /** (e²ˣ − 1) / (e²ˣ + 1), of |x| */
  tanh(x: Local): void {
    const { body } = this;
    this.temporaries((n, r, power) => {
      body.get(x).f32x4Abs().tee(r).get(r).f32x4Add().f32x4(20).simd(F32X4_PMIN); // tanh(10) rounds to 1
      this.reduce(n, r);
      body.get(n);
      this.powerOfTwo().set(power);
      this.expm1Reduced(r).get(power);
      this.madd(() => body.get(power).f32x4(1).f32x4Sub());
      body.tee(r).get(r).f32x4(2).f32x4Add().f32x4Div();
      this.signLike(x);
    });
  }

  /** With e = exp(−|x|), which cannot overflow: 1 / (1 + e) for x ≥ 0, e / (1 + e) for x < 0. */
  sigmoid(x: Local): void {
    const { body } = this;
    this.temporaries((e) => {
      body.get(x).f32x4Abs().f32x4Neg().set(e);
      this.exp(e);
      body.set(e);
      body.get(e).f32x4(1).get(x).f32x4(0).f32x4Lt().v128Bitselect();
      body.get(e).f32x4(1).f32x4Add().f32x4Div();
    });
  }

  // -- logarithms -------------------------------------------------------------------------------

  /** ln(1 + x) = ln(u) + c / u, where u is 1 + x rounded and c what rounding took away (fdlibm). */
  log1p(x: Local): void {
    const { body } = this;
    this.temporaries((u, c) => {
      body.get(x).f32x4(1).f32x4Add().set(u);
      // Exact, since what is subtracted from u is the larger of 1 and x.
      body.get(x).f32x4(1).simd(F32X4_PMIN);
      body.get(u).get(x).f32x4(1).simd(F32X4_PMAX).f32x4Sub().f32x4Sub();
      body.get(u).f32x4Div().set(c);
      this.log(u, c);
      this.signLike(x);
    });
  }

  /** ln(x), plus a small correction. x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2. */
  log(x: Local, correction?: Local): void {
    const { body } = this;
    this.temporaries((bits, k, f, square) => {
      body.get(x).i32x4(SQRT_HALF_BITS).i32x4Sub().tee(bits).i32(23).i32x4ShrS().set(k);
      if (correction === undefined) {
        // Denormals are scaled by 2²³ before they are taken apart; with a correction there are none.
        const denormal = square;
        body.get(x).f32x4(2 ** 23).f32x4Mul().i32x4(SQRT_HALF_BITS).i32x4Sub().get(bits);
        body.get(x).f32x4(MIN_NORMAL).f32x4Lt().tee(denormal).v128Bitselect().tee(bits);
        body.i32(23).i32x4ShrS().get(denormal).i32x4(-23).v128And().i32x4Add().set(k);
      }
      body.get(k).f32x4ConvertI32x4S().set(k);
      body.get(bits).i32x4(0x7fffff).v128And().i32x4(SQRT_HALF_BITS).i32x4Add().f32x4(1).f32x4Sub().tee(f);
      body.get(f).f32x4Mul().set(square);
      // Smallest parts first: f³ P(f), k ln 2's low part, −f²/2, f, k ln 2's high part.
      this.horner(f, LOG).get(f).f32x4Mul().get(square).f32x4Mul();
      if (correction !== undefined) body.get(correction).f32x4Add();
      const sum = bits;
      body.set(sum).get(k).f32x4(LN2_LOW);
      this.madd(sum).set(sum);
      body.get(square).f32x4(-0.5);
      this.madd(sum).get(f).f32x4Add().set(sum);
      body.get(k).f32x4(LN2_HIGH);
      this.madd(sum);
      // ∞ and NaN as they are; NaN (all bits set) below 0; −∞ at 0.
      body.get(x).get(x).f32x4(Infinity).f32x4Lt().v128Bitselect();
      body.get(x).f32x4(0).f32x4Lt().v128Or().set(sum);
      body.f32x4(-Infinity).get(sum).get(x).f32x4(0).f32x4Eq().v128Bitselect();
    });
  }

  // -- sine and cosine --------------------------------------------------------------------------

  /** |x| = n π/2 + r with |r| ≤ π/4; n mod 4 says whether it is ±sin(r) or ±cos(r). */
  private circular(name: "sin" | "cos", x: Local): void {
    const { body } = this;
    this.temporaries((n, r, square, result) => {
      // The reduction needs float64: r may be tiny next to |x|.
      const split = (isHigh: boolean, t: Local, rest: Local): void => {
        body.promote(x, isHigh).simd(F64X2_ABS).tee(rest).f64x2(2 / Math.PI).f64x2Mul().f64x2(ROUND_F64).f64x2Add().tee(t);
        body.f64x2(ROUND_F64).f64x2Sub().set(square);
        body.get(rest).get(square).f64x2(HALF_PI_HIGH).f64x2Mul().f64x2Sub();
        body.get(square).f64x2(HALF_PI_LOW).f64x2Mul().f64x2Sub().f32x4DemoteF64x2Zero().set(rest);
      };
      split(false, n, r);
      this.temporaries((highN, highR) => {
        split(true, highN, highR);
        body.get(n).get(highN).shuffle32(0, 2, 4, 6).set(n);
        body.get(r).get(highR).shuffle32(0, 1, 4, 5).set(r);
      });
      if (name === "cos") body.get(n).i32x4(1).i32x4Add().set(n); // cos(x) = sin(x + π/2)

      body.get(r).get(r).f32x4Mul().set(square);
      this.horner(square, COS);
      this.horner(square, SIN).get(r).get(square).f32x4Mul();
      this.madd(r);
      body.get(n).i32(31).i32x4Shl().i32(31).i32x4ShrS().v128Bitselect(); // n odd?
      body.get(n).i32(30).i32x4Shl();
      if (name === "sin") body.get(x).v128Xor();
      body.i32x4(SIGN).v128And().v128Xor().set(result);

      body.get(x).f32x4Abs().f32x4(LARGE_ANGLE).f32x4Gt();
      this.unlessSpecial(result, name, x);
    });
  }

  // -- powers -----------------------------------------------------------------------------------

  /** 2 to the b log₂(a), in float64, since an error of the logarithm counts b times. All special cases are the host's. */
  pow(a: Local, b: Local): void {
    const { body } = this;
    this.temporaries((result, high) => {
      this.powHalf(a, b, false);
      body.set(result);
      this.powHalf(a, b, true);
      body.set(high).get(result).get(high).shuffle32(0, 1, 4, 5).set(result);

      body.get(a).f32x4(0).f32x4Gt().get(a).f32x4(Infinity).f32x4Lt().v128And();
      body.get(b).f32x4Abs().f32x4(Infinity).f32x4Lt().v128And().simd(V128_NOT);
      this.unlessSpecial(result, "pow", a, b);
    });
  }

  /** Powers of two of the lanes, for 0 < a < ∞ and finite b. As float64 even denormal a are normal. */
  private powHalf(a: Local, b: Local, isHigh: boolean): void {
    const { body } = this;
    this.temporaries((bits, s, square) => {
      // a = 2ᵏ m with √½ ≤ m < √2, from the exponent 1024 + k and the mantissa of `bits`.
      body.promote(a, isHigh).i64x2((1024n << 52n) - SQRT_HALF_BITS_F64).i64x2Add().tee(bits);
      body.i64x2((1n << 52n) - 1n).v128And().i64x2(SQRT_HALF_BITS_F64).i64x2Add().tee(s);
      // log₂(a) = k + log₂(m), by the series in s = (m − 1) / (m + 1).
      body.f64x2(1).f64x2Sub().get(s).f64x2(1).f64x2Add().f64x2Div().tee(s).get(s).f64x2Mul().set(square);
      this.hornerF64(square, LOG2).get(s).f64x2Mul();
      // The bits of 2⁵² with those of an integer below it are the float64 of their sum.
      body.get(bits).i32(52).simd(I64X2_SHR_U).f64x2(2 ** 52).v128Or().f64x2(2 ** 52 + 1024).f64x2Sub().f64x2Add();
      // Beyond ±200 the result is infinite or 0 in float32 anyway.
      body.promote(b, isHigh).f64x2Mul().f64x2(200).simd(F64X2_PMIN).f64x2(-200).simd(F64X2_PMAX).tee(s);
      // 2ⁿ⁺ᶠ; float64 holds 2ⁿ, and the last step rounds to denormals.
      body.f64x2(ROUND_F64).f64x2Add().set(bits);
      body.get(s).get(bits).f64x2(ROUND_F64).f64x2Sub().f64x2Sub().set(s);
      this.hornerF64(s, EXP2).get(bits).i32(52).i64x2Shl().f64x2(1).i64x2Add().f64x2Mul().f32x4DemoteF64x2Zero();
    });
  }
}
