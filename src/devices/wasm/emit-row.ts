/** Row kernels: reductions over each row, then its outputs. */

import { argumentsOf, type Expr, parts } from "../../kernels/expression.ts";
import { type RowKernel, type RowStage, varies } from "../../kernels/kernel.ts";
import { type Body, F64, I32, type Local, V128 } from "./assembler.ts";
import { ExpressionEmitter } from "./emit-expression.ts";
import { HEADER } from "./layout.ts";
import type { VectorMath } from "./vector-math.ts";

/** So many vectors are summed in float32 before the sum moves on to float64: rounding does not grow with the row. */
const SUM_BLOCK = 256;
/** Small expressions are computed for so many vectors at once, or each sum would wait for the one before. */
const UNROLL = 4;
const SMALL = 8;
/** More than a few rows, of so many elements at most, are computed four at a time, one in each lane: so one logarithm serves four rows. */
const SHORT = 12;
const FEW = 2;

const identities: Record<RowStage["reduce"], number> = { sum: 0, maximum: -Infinity, minimum: Infinity };

function combine(f: Body, reduce: RowStage["reduce"]): void {
  if (reduce === "sum") f.f32x4Add();
  else if (reduce === "maximum") f.f32x4Max();
  else f.f32x4Min();
}

/** Writes the body of a row kernel, a function of the address of its launch. */
export function writeRow(f: Body, math: VectorMath, kernel: RowKernel): void {
  const pc = 0;
  const inputs = kernel.inputs.length;
  const outputs = kernel.outputs.length;
  const parametersAt = HEADER + 4 * (outputs + inputs);
  const roots = [...kernel.stages.map((stage) => stage.value), ...kernel.outputs.map((output) => output.value)];
  const used = new Set(argumentsOf(...roots));
  const elements = kernel.inputs.flatMap((per, k) => (per === "element" && used.has(k) ? [k] : []));

  const [rows, n, rest, count, to] = Array.from({ length: 5 }, () => f.local(I32));
  const row = kernel.inputs.map(() => f.local(I32));
  const pointer = kernel.inputs.map(() => f.local(I32));
  const out = kernel.outputs.map(() => f.local(I32));
  const value = kernel.inputs.map(() => f.local(V128));
  const results = kernel.stages.map(() => f.local(V128));
  const index = f.local(V128);
  const [accumulator, mask] = [f.local(V128), f.local(V128)];
  const more = Array.from({ length: UNROLL - 1 }, () => f.local(V128));
  const total = f.local(F64);
  const emitter = new ExpressionEmitter(f, math, roots);
  const argument = (k: number): Local => (k < inputs ? value[k] : results[k - inputs]);
  /** What is the same for the whole row, and has been computed for the current one. */
  const known = new Map<Expr, Local>();
  const emit = (root: Expr): Local => emitter.emit([root], argument, index, known)[0];

  f.get(pc).i32Load(parametersAt).set(rows);
  f.get(pc).i32Load(parametersAt + 4).set(n);
  row.forEach((at, k) => { f.get(pc).i32Load(HEADER + 4 * (outputs + k)).set(at); });
  out.forEach((at, k) => { f.get(pc).i32Load(HEADER + 4 * k).set(at); });

  f.get(n).i32(SHORT).i32LeU().get(rows).i32(FEW).i32GtU().i32And().if(() => eachRow(4), () => eachRow(1));

  /** One row at a time, or four, each in a lane. Where fewer are left the last one is in several lanes, with the same result. */
  function eachRow(lanes: 1 | 4): void {
    const operands = [...row, ...out];
    /** How far the rows in the other lanes are from the one in the first. */
    const far = operands.map(() => Array.from({ length: lanes - 1 }, () => f.local(I32)));
    /** Leaves the bytes between rows. */
    const apart = (operand: number): Body => {
      if (operand < inputs) f.get(pc).i32Load(parametersAt + 8 + 4 * operand);
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
    const eachElement = (root: Expr, visit: (result: Local) => void): void => {
      start(root);
      f.f32x4(0).set(index);
      f.while(() => f.get(rest), () => {
        for (const k of elementsOf(root)) {
          load(pointer[k], k);
          f.increment(pointer[k], 4);
        }
        visit(emit(root));
        advanceIndex(root, 1);
        f.increment(rest, -1);
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
      kernel.stages.forEach((stage, s) => {
        settle(stage.value);
        if (lanes === 1) return reduceRow(stage, s);
        f.f32x4(identities[stage.reduce]).set(results[s]);
        eachElement(stage.value, (result) => {
          f.get(results[s]).get(result);
          combine(f, stage.reduce);
          f.set(results[s]);
        });
      });
      kernel.outputs.forEach((output, o) => {
        f.get(out[o]).set(to);
        settle(output.value);
        if (output.per === "row") store(emit(output.value), o);
        else if (lanes === 1) writeElements(output.value);
        else {
          eachElement(output.value, (result) => {
            store(result, o);
            f.increment(to, 4);
          });
        }
      });
      operands.forEach((at, operand) => { apart(operand).i32(lanes).i32Mul().get(at).i32Add().set(at); });
      f.increment(rows, -lanes);
    });
  }

  /** Computes those parts of an expression, before its elements are visited, that are the same for all of them. */
  function settle(root: Expr): void {
    for (const e of parts(root)) if (e.inputs.length > 0 && !known.has(e) && !varies(kernel, e)) known.set(e, emit(e));
  }

  /** Pointers and positions at the row's beginning. */
  function start(root: Expr): void {
    for (const k of elements) f.get(row[k]).set(pointer[k]);
    if (usesIndex(root)) f.f32x4Index().set(index);
    f.get(n).set(rest);
  }

  /** The value of an expression at the next four elements. */
  function next(root: Expr): Local {
    for (const k of elementsOf(root)) {
      f.get(pointer[k]).v128Load().set(value[k]);
      f.increment(pointer[k], 16);
    }
    return emit(root);
  }

  function elementsOf(root: Expr): number[] {
    const mine = argumentsOf(root);
    return elements.filter((k) => mine.includes(k));
  }

  function advanceIndex(root: Expr, by = 4): void {
    if (usesIndex(root)) f.get(index).f32x4(by).f32x4Add().set(index);
  }

  function reduceRow(stage: RowStage, s: number): void {
    const { reduce, value: root } = stage;
    start(root);
    if (reduce === "sum") f.f64(0).set(total);
    f.f32x4(identities[reduce]).set(accumulator);
    const unrolled = parts(root).length <= SMALL && !usesIndex(root);
    const block = reduce === "sum" ? SUM_BLOCK : 2 ** 29;
    f.while(() => f.get(rest), () => {
      // One block of vectors, the last of which may be partial.
      f.i32(block).set(count);
      if (unrolled) {
        for (const local of more) f.f32x4(identities[reduce]).set(local);
        f.while(() => f.get(rest).i32(4 * UNROLL).i32GeU().get(count).i32(0).i32GtS().i32And(), () => {
          for (const local of [accumulator, ...more]) {
            f.get(local).get(next(root));
            combine(f, reduce);
            f.set(local);
          }
          f.increment(rest, -4 * UNROLL);
          f.increment(count, -1);
        });
        for (const local of more) {
          f.get(accumulator).get(local);
          combine(f, reduce);
          f.set(accumulator);
        }
      }
      f.while(() => f.get(rest).i32(0).i32Ne().get(count).i32(0).i32GtS().i32And(), () => {
        const result = next(root);
        f.get(rest).i32(4).i32LtU().if(
          () => {
            f.i32x4(0, 1, 2, 3).get(rest).i32x4Splat().i32x4LtS().set(mask);
            f.get(accumulator).get(result).f32x4(identities[reduce]).get(mask).v128Bitselect();
            combine(f, reduce);
            f.set(accumulator);
            f.i32(0).set(rest);
          },
          () => {
            f.get(accumulator).get(result);
            combine(f, reduce);
            f.set(accumulator);
            f.increment(rest, -4);
          },
        );
        advanceIndex(root);
        f.increment(count, -1);
      });
      if (reduce === "sum") {
        f.get(total);
        for (let lane = 0; lane < 4; lane++) f.get(accumulator).f32x4ExtractLane(lane).f64PromoteF32().f64Add();
        f.set(total);
        f.f32x4(0).set(accumulator);
      }
    });
    if (reduce === "sum") f.get(total).f32DemoteF64();
    else {
      f.get(accumulator).f32x4ExtractLane(0);
      for (let lane = 1; lane < 4; lane++) {
        f.get(accumulator).f32x4ExtractLane(lane);
        if (reduce === "maximum") f.f32Max();
        else f.f32Min();
      }
    }
    f.f32x4Splat().set(results[s]);
  }

  function writeElements(root: Expr): void {
    start(root);
    f.while(() => f.get(rest), () => {
      const result = next(root);
      f.get(rest).i32(4).i32LtU().if(
        () => {
          for (let lane = 0; lane < 3; lane++) {
            f.get(rest).i32(lane).i32GtU().if(() => { f.get(to).get(result).v128Store32Lane(lane, 4 * lane); });
          }
          f.i32(0).set(rest);
        },
        () => {
          f.get(to).get(result).v128Store();
          f.increment(to, 16).increment(rest, -4);
        },
      );
      advanceIndex(root);
    });
  }
}

const usesIndex = (root: Expr): boolean => parts(root).some((e) => e.kind === "index");
