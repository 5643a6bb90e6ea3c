/** Row kernels: reductions over each row, then its outputs. */

import { argumentsOf, type Expr, parts } from "../../kernels/expression.ts";
import { identities, passesOf, type Reduction, type RowKernel, rowParameters, varies } from "../../kernels/kernel.ts";
import { type Body, type Local, V128 } from "./assembler.ts";
import { expressionEmitter } from "./emit-expression.ts";
import { loadWord, word, words } from "./layout.ts";
import { reducing, type VectorMath } from "./vector-math.ts";

/** So many additions in float32 make a block, whose sum moves on to float64: rounding does not grow with the row. */
const SUM_BLOCK = 16;
/**
 * Small expressions are computed for several vectors at once, and these combined in pairs, and the pairs again, before the accumulator takes
 * them: it is waited for once, it rounds once, and a loop has less to count.
 */
const UNROLL = 4;
const SMALL = 12;
/** More than a few rows, of so many elements at most, are computed four at a time, one in each lane: so one logarithm serves four rows. */
const SHORT = 12;
const FEW = 2;

/** accumulator = accumulator ∘ result */
function take(f: Body, accumulator: Local, result: Local, reduce: Reduction): void {
  f.get(accumulator).get(result).simd(reducing[reduce]).set(accumulator);
}

/** Leaves what all lanes of an accumulator give, or both of a sum, in each lane. */
function joinLanes(f: Body, reduce: Reduction, accumulator: Local, total: Local): Body {
  if (reduce === "sum") return f.get(total).f64x2ExtractLane(0).get(total).f64x2ExtractLane(1).f64Add().f32DemoteF64().f32x4Splat();
  for (const far of [2, 1]) {
    f.get(accumulator).get(accumulator).get(accumulator).shuffle32(far, 1 ^ far, 2 ^ far, 3 ^ far).simd(reducing[reduce]).set(accumulator);
  }
  return f.get(accumulator);
}

const usesIndex = (roots: readonly Expr[]): boolean => parts(...roots).some((e) => e.kind === "index");

/** For how many vectors at once expressions are worth computing: half as many where each is much code, as functions of one number such as exp are. */
function unrollingOf(kernel: RowKernel, roots: readonly Expr[]): number {
  const mine = parts(...roots).filter((e) => varies(kernel, e));
  if (mine.length > SMALL || usesIndex(roots)) return 1;
  return roots.length > 2 || mine.some((e) => e.inputs.length === 1) ? UNROLL / 2 : UNROLL;
}

/**
 * Writes the body of a row kernel, a function of the address of its launch. It is one function of small ones, as these share the sixteen variables
 * of the loops that they write.
 */
export function writeRow(f: Body, math: VectorMath, kernel: RowKernel): void {
  const inputs = kernel.inputs.length;
  const outputs = kernel.outputs.length;
  const roots = [...kernel.stages.map((stage) => stage.value), ...kernel.outputs.map((output) => output.value)];
  const used = new Set(argumentsOf(...roots));
  const elements = kernel.inputs.flatMap((per, k) => (per === "element" && used.has(k) ? [k] : []));

  const parametersAt = outputs + inputs;
  const rows = word(f, parametersAt + rowParameters.rows);
  const n = word(f, parametersAt + rowParameters.n);
  const row = words(f, outputs, inputs);
  const out = words(f, 0, outputs);
  const [rest, whole, count, to] = f.locals(4);
  const pointer = f.locals(inputs);
  const value = f.locals(inputs, V128);
  const results = f.locals(kernel.stages.length, V128);
  const accumulators = f.locals(kernel.stages.length, V128);
  const partial = kernel.stages.map(() => f.locals(UNROLL, V128));
  const totals = f.locals(kernel.stages.length, V128);
  const [index, mask] = [f.local(V128), f.local(V128)];
  const emitted = expressionEmitter(f, math, roots);
  const given = [...value, ...results];
  /** What is the same for the whole row, and has been computed for the current one. */
  const known = new Map<Expr, Local>();
  const emit = (...roots: readonly Expr[]): Local[] =>
    emitted(roots, (e) => (e.kind === "argument" ? given[e.value] : e.kind === "index" ? index : known.get(e)));

  f.get(n).i32(SHORT).i32LeU().get(rows).i32(FEW).i32GtU().i32And().if(() => eachRow(4), () => eachRow(1));

  /** One row at a time, or four, each in a lane. Where fewer are left the last one is in several lanes, with the same result. */
  function eachRow(lanes: 1 | 4): void {
    const operands = [...row, ...out];
    /** How far the rows in the other lanes are from the one in the first. */
    const far = operands.map(() => f.locals(lanes - 1));
    /** Leaves the bytes between rows. */
    const apart = (operand: number): Body => {
      if (operand < inputs) loadWord(f, parametersAt + rowParameters.strides + operand);
      else if (kernel.outputs[operand - inputs].per === "row") f.i32(1);
      else f.get(n);
      return f.i32(2).i32Shl();
    };
    const load = (pointer: Local, k: number): void => {
      for (const distance of far[k]) f.get(pointer).get(distance).i32Add();
      f.get(pointer).v128Load32Splat();
      far[k].forEach((_, i) => { f.v128Load32Lane(i + 1); });
      f.set(value[k]);
    };
    const store = (result: Local, o: number): void => {
      f.get(to).get(result).v128Store32Lane(0);
      far[inputs + o].forEach((distance, i) => { f.get(to).get(distance).i32Add().get(result).v128Store32Lane(lanes - 1 - i); });
    };
    const eachElement = (roots: readonly Expr[], visit: (results: readonly Local[]) => void): void => {
      start(roots);
      f.f32x4(0).set(index);
      f.times(rest, () => {
        for (const k of elementsOf(roots)) {
          load(pointer[k], k);
          f.increment(pointer[k], 4);
        }
        visit(emit(...roots));
        advanceIndex(roots, 1);
      });
    };

    f.while(() => f.get(rows).i32(0).i32GtS(), () => {
      far.forEach((distances, operand) => {
        distances.forEach((distance, i) => {
          apart(operand).get(rows).i32(1).i32Sub().i32(lanes - 1 - i).get(rows).i32(lanes - i).i32LtU().select().i32Mul().set(distance);
        });
      });
      kernel.inputs.forEach((per, k) => { if (per === "row" && used.has(k)) load(row[k], k); });
      known.clear();
      for (const pass of passesOf(kernel)) {
        const values = pass.map((s) => kernel.stages[s].value);
        hoist(values);
        if (lanes === 1) {
          reduceRow(pass, values);
          continue;
        }
        for (const s of pass) f.f32x4(identities[kernel.stages[s].reduce]).set(results[s]);
        eachElement(values, (found) => { pass.forEach((s, i) => { take(f, results[s], found[i], kernel.stages[s].reduce); }); });
      }
      kernel.outputs.forEach((output, o) => {
        const values = [output.value];
        f.get(out[o]).set(to);
        hoist(values);
        if (output.per === "row") store(emit(output.value)[0], o);
        else if (lanes === 1) writeElements(values);
        else {
          eachElement(values, ([result]) => {
            store(result, o);
            f.increment(to, 4);
          });
        }
      });
      operands.forEach((at, operand) => { apart(operand).i32(lanes).i32Mul().get(at).i32Add().set(at); });
      f.increment(rows, -lanes);
    });
  }

  /** Computes those parts of expressions, before the elements are visited, that are the same for all of them. */
  function hoist(roots: readonly Expr[]): void {
    for (const e of parts(...roots)) if (e.inputs.length > 0 && !known.has(e) && !varies(kernel, e)) known.set(e, emit(e)[0]);
  }

  /** Pointers and positions at the row's beginning. */
  function start(roots: readonly Expr[]): void {
    for (const k of elementsOf(roots)) f.get(row[k]).set(pointer[k]);
    if (usesIndex(roots)) f.f32x4(0, 1, 2, 3).set(index);
    f.get(n).set(rest);
  }

  /** The values of expressions at the next four elements, or at four after them. */
  function next(roots: readonly Expr[], vector = 0): Local[] {
    for (const k of elementsOf(roots)) f.get(pointer[k]).v128Load(16 * vector).set(value[k]);
    return emit(...roots);
  }

  function advance(roots: readonly Expr[], vectors = 1): void {
    for (const k of elementsOf(roots)) f.increment(pointer[k], 16 * vectors);
  }

  function elementsOf(roots: readonly Expr[]): number[] {
    const mine = argumentsOf(...roots);
    return elements.filter((k) => mine.includes(k));
  }

  function advanceIndex(roots: readonly Expr[], by = 4): void {
    if (usesIndex(roots)) f.get(index).f32x4(by).f32x4Add().set(index);
  }

  /** Computes some stages of a row, in one pass. */
  function reduceRow(pass: readonly number[], roots: readonly Expr[]): void {
    const unrolling = unrollingOf(kernel, roots);
    const reduces = pass.map((s) => kernel.stages[s].reduce);
    const isSum = reduces.includes("sum");
    const identity = (i: number): Body => f.f32x4(identities[reduces[i]]);
    start(roots);
    pass.forEach((_, i) => {
      if (reduces[i] === "sum") f.f64x2(0).set(totals[i]);
      identity(i).set(accumulators[i]);
    });
    f.while(() => f.get(rest), () => {
      // One block of vectors, the last of which may be partial.
      f.i32(isSum ? SUM_BLOCK : 2 ** 29).set(count);
      if (unrolling > 1) {
        f.get(rest).i32(4 * unrolling).i32DivU().tee(whole).get(count).get(whole).get(count).i32LtU().select().tee(count).if(() => {
          f.get(rest).get(count).i32(4 * unrolling).i32Mul().i32Sub().set(rest);
          f.repeat(count, () => {
            for (let j = 0; j < unrolling; j++) {
              next(roots, j).forEach((result, i) => {
                f.get(result).set(partial[i][j]);
                for (let step = 1; (j & step) !== 0; step *= 2) take(f, partial[i][j - 2 * step + 1], partial[i][j - step + 1], reduces[i]);
              });
            }
            pass.forEach((_, i) => { take(f, accumulators[i], partial[i][0], reduces[i]); });
            advance(roots, unrolling);
          });
        });
        // The rest, if nothing but that is left.
        f.get(rest).i32(4 * unrolling).i32LtU().i32(unrolling).i32Mul().set(count);
      }
      f.while(() => f.get(rest).i32(0).i32Ne().get(count).i32(0).i32GtS().i32And(), () => {
        const found = next(roots);
        f.get(rest).i32(4).i32LtU().if(
          () => {
            f.i32x4(0, 1, 2, 3).get(rest).i32x4Splat().i32x4LtS().set(mask);
            found.forEach((result, i) => {
              f.get(accumulators[i]).get(result);
              identity(i).get(mask).v128Bitselect().simd(reducing[reduces[i]]).set(accumulators[i]);
            });
            f.i32(0).set(rest);
          },
          () => {
            found.forEach((result, i) => { take(f, accumulators[i], result, reduces[i]); });
            f.increment(rest, -4);
          },
        );
        advance(roots);
        advanceIndex(roots);
        f.increment(count, -1);
      });
      pass.forEach((_, i) => {
        if (reduces[i] !== "sum") return;
        f.promote(accumulators[i], false).promote(accumulators[i], true);
        f.f64x2Add().get(totals[i]).f64x2Add().set(totals[i]);
        f.f32x4(0).set(accumulators[i]);
      });
    });
    pass.forEach((s, i) => {
      joinLanes(f, reduces[i], accumulators[i], totals[i]).set(results[s]);
    });
  }

  function writeElements(roots: readonly Expr[]): void {
    const unrolling = unrollingOf(kernel, roots);
    start(roots);
    if (unrolling > 1) {
      f.while(() => f.get(rest).i32(4 * unrolling).i32GeU(), () => {
        for (let j = 0; j < unrolling; j++) {
          const [result] = next(roots, j);
          f.get(to).get(result).v128Store(16 * j);
        }
        advance(roots, unrolling);
        f.increment(to, 16 * unrolling).increment(rest, -4 * unrolling);
      });
    }
    f.while(() => f.get(rest), () => {
      const [result] = next(roots);
      f.get(rest).i32(4).i32LtU().if(
        () => {
          f.storeFirst(to, result, rest);
          f.i32(0).set(rest);
        },
        () => {
          f.get(to).get(result).v128Store();
          f.increment(to, 16).increment(rest, -4);
        },
      );
      advance(roots);
      advanceIndex(roots);
    });
  }
}
