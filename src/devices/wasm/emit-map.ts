/** Map kernels: one loop over vectors serves every shape. */

import { argumentsOf } from "../../kernels/expression.ts";
import { type MapKernel, mapSizeAt, mapStepsAt } from "../../kernels/kernel.ts";
import { type Body, type Local, V128 } from "./assembler.ts";
import { ExpressionEmitter } from "./emit-expression.ts";
import { HEADER } from "./layout.ts";
import type { VectorMath } from "./vector-math.ts";

/**
 * Writes the body of a map kernel, a function of the address of its launch.
 *
 * Every operand is read by vectors at a pointer that moves by 16 bytes or not at all; a number that is repeated is
 * first spread over a vector in the scratch memory. What remains at the end of a row, fewer than four elements, passes through
 * scratch vectors too, so that nothing beyond the row is written. The scratch memory holds a vector for each operand. It is one function of small
 * ones, as these share the variables of the loop.
 */
export function writeMap(f: Body, math: VectorMath, kernel: MapKernel): void {
  const pc = 0;
  const outputs = kernel.outputs.length;
  const { inputs } = kernel;
  const operandAt = (k: number): number => HEADER + 4 * k;
  const parametersAt = operandAt(outputs + inputs);
  const nAt = parametersAt + 4 * mapSizeAt;
  const stepsAt = parametersAt + 4 * mapStepsAt;
  const rankAt = parametersAt + 4 * kernel.rankAt;
  const axesAt = parametersAt + 4 * kernel.axisAt(0);
  const axisBytes = 4 * (kernel.axisAt(1) - kernel.axisAt(0));
  const scratchOf = (operand: number): Body => f.scratch(16 * operand);
  const used = argumentsOf(...kernel.outputs);

  const n = f.local();
  const rest = f.local();
  const vectors = f.local();
  const isTail = f.local();
  const rows = f.local();
  const rowNumber = f.local();
  const axis = f.local();
  const axisEnd = f.local();
  const position = f.local();
  const spare = f.local();
  const out = f.locals(kernel.outputs.length);
  const outRow = f.locals(kernel.outputs.length);
  const pointer = new Map<number, Local>(used.map((k) => [k, f.local()]));
  const row = new Map<number, Local>(used.map((k) => [k, f.local()]));
  const step = new Map<number, Local>(used.map((k) => [k, f.local()]));
  const value = new Map<number, Local>(used.map((k) => [k, f.local(V128)]));
  const local = (map: Map<number, Local>, k: number): Local => map.get(k) as Local;
  const emitter = new ExpressionEmitter(f, math, kernel.outputs);

  const countRows = (): void => {
    f.i32(1).set(rows);
    f.get(pc).i32Load(rankAt).i32(axisBytes).i32Mul().get(pc).i32Add().set(axisEnd);
    f.get(pc).set(axis);
    f.while(() => f.get(axis).get(axisEnd).i32LtU(), () => {
      f.get(rows).get(axis).i32Load(axesAt).i32Mul().set(rows);
      f.increment(axis, axisBytes);
    });
  };
  /** Where the row begins in each input: the row's number taken apart by the sizes of the outer axes. */
  const findRow = (): void => {
    for (const k of used) f.get(pc).i32Load(operandAt(outputs + k)).set(local(row, k));
    f.get(rowNumber).set(rest);
    f.get(pc).set(axis);
    f.while(() => f.get(axis).get(axisEnd).i32LtU(), () => {
      f.get(rest).get(axis).i32Load(axesAt).i32RemU().i32(2).i32Shl().set(position);
      f.get(rest).get(axis).i32Load(axesAt).i32DivU().set(rest);
      for (const k of used) {
        f.get(local(row, k)).get(axis).i32Load(axesAt + 4 * (1 + k)).get(position).i32Mul().i32Add().set(local(row, k));
      }
      f.increment(axis, axisBytes);
    });
  };
  /** Pointers to where the row begins, or to a vector of the number that is repeated. */
  const beginRow = (): void => {
    out.forEach((at, k) => { f.get(outRow[k]).set(at); });
    for (const k of used) {
      f.get(local(row, k)).set(local(pointer, k));
      f.get(local(step, k)).i32Eqz().if(() => {
        scratchOf(outputs + k).get(local(pointer, k)).v128Load32Splat().v128Store();
        scratchOf(outputs + k).set(local(pointer, k));
      });
    }
  };
  /** What is left is moved to scratch vectors, and its results will be there. */
  const beginTail = (): void => {
    f.i32(1).set(vectors).i32(1).set(isTail);
    for (const k of used) {
      f.get(local(step, k)).if(() => {
        scratchOf(outputs + k).get(local(pointer, k)).v128Load().v128Store();
        scratchOf(outputs + k).set(local(pointer, k));
      });
    }
    out.forEach((at, k) => { scratchOf(k).set(at); });
  };
  const computeVector = (): void => {
    for (const k of used) {
      f.get(local(pointer, k)).v128Load().set(local(value, k));
      f.advance(local(pointer, k), local(step, k));
    }
    const results = emitter.emit(kernel.outputs, (k) => local(value, k), -1);
    results.forEach((result, k) => {
      f.get(out[k]).get(result).v128Store();
      f.increment(out[k], 16);
    });
  };
  /** The row's end, from scratch. */
  const storeTail = (): void => kernel.outputs.forEach((_, k) => {
    f.get(n).i32(-4).i32And().i32(2).i32Shl().get(outRow[k]).i32Add().set(out[k]);
    f.get(n).i32(3).i32And().set(spare);
    for (let lane = 0; lane < 3; lane++) {
      f.get(spare).i32(lane).i32GtU().if(() => {
        f.get(out[k]);
        scratchOf(k).f32Load(4 * lane).f32Store(4 * lane);
      });
    }
  });

  f.get(pc).i32Load(nAt).set(n);
  outRow.forEach((at, k) => { f.get(pc).i32Load(operandAt(k)).set(at); });
  for (const k of used) f.get(pc).i32Load(stepsAt + 4 * k).i32(4).i32Shl().set(local(step, k));
  countRows();
  f.while(() => f.get(rowNumber).get(rows).i32LtU(), () => {
    findRow();
    beginRow();
    f.get(n).set(rest);
    f.i32(0).set(isTail);
    f.block((done) => {
      f.loop((again) => {
        f.get(rest).i32Eqz().branchIf(done);
        f.get(rest).i32(2).i32ShrU().tee(vectors).i32Eqz().if(beginTail);
        f.get(rest).i32(3).i32And().set(rest);
        f.repeat(vectors, computeVector);
        f.get(isTail).i32Eqz().branchIf(again);
      });
    });
    f.get(isTail).if(storeTail);
    for (const at of outRow) f.get(at).get(n).i32(2).i32Shl().i32Add().set(at);
    f.increment(rowNumber, 1);
  });
}
