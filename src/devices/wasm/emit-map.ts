/** Map kernels: one loop over vectors serves every shape. */

import { argumentsOf } from "../../kernels/expression.ts";
import { type MapKernel, mapSizeAt, mapStepsAt } from "../../kernels/kernel.ts";
import { type Body, V128 } from "./assembler.ts";
import { expressionEmitter } from "./emit-expression.ts";
import { eachPlace, toBytes, word, words } from "./layout.ts";
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
  const outputs = kernel.outputs.length;
  const { inputs } = kernel;
  const parametersAt = outputs + inputs;
  const used = argumentsOf(...kernel.outputs);
  const outRow = words(f, 0, outputs);
  const bases = words(f, outputs, inputs);
  const n = word(f, parametersAt + mapSizeAt);
  const step = words(f, parametersAt + mapStepsAt, inputs);
  const rank = word(f, parametersAt + kernel.rankAt);

  const [rest, vectors] = f.locals(2);
  const out = f.locals(outputs);
  const row = f.locals(inputs);
  const pointer = f.locals(inputs);
  const value = f.locals(inputs, V128);
  const last = f.local(V128);
  const emit = expressionEmitter(f, math, kernel.outputs);

  const scratchOf = (operand: number): Body => f.scratch(16 * operand);
  /** Reads what is in scratch memory now. */
  const readScratch = (k: number): Body => scratchOf(outputs + k).set(pointer[k]);
  /** Pointers to where the row begins, or to a vector of the number that is repeated. */
  const beginRow = (): void => {
    out.forEach((at, k) => { f.get(outRow[k]).set(at); });
    for (const k of used) {
      f.get(row[k]).set(pointer[k]);
      f.get(step[k]).i32Eqz().if(() => {
        scratchOf(outputs + k).get(pointer[k]).v128Load32Splat().v128Store();
        readScratch(k);
      });
    }
  };
  /** What is left is moved to scratch vectors, and its results will be there. */
  const beginTail = (): void => {
    f.i32(1).set(vectors).i32(0).set(rest);
    for (const k of used) {
      f.get(step[k]).if(() => {
        scratchOf(outputs + k).get(pointer[k]).v128Load().v128Store();
        readScratch(k);
      });
    }
    out.forEach((at, k) => { scratchOf(k).set(at); });
  };
  const computeVector = (): void => {
    for (const k of used) {
      f.get(pointer[k]).v128Load().set(value[k]);
      f.advance(pointer[k], step[k]);
    }
    emit(kernel.outputs, (e) => (e.kind === "argument" ? value[e.value] : undefined)).forEach((result, k) => {
      f.get(out[k]).get(result).v128Store();
      f.increment(out[k], 16);
    });
  };
  /** The row's end, from scratch; `rest` elements. */
  const storeTail = (): void => out.forEach((at, k) => {
    f.get(n).i32(-4).i32And().i32(2).i32Shl().get(outRow[k]).i32Add().set(at);
    scratchOf(k).v128Load().set(last);
    f.storeFirst(at, last, rest);
  });

  for (const bytes of step) f.get(bytes).i32(4).i32Shl().set(bytes);
  eachPlace(f, rank, parametersAt + kernel.axisAt(0), used, bases, row, () => {
    beginRow();
    f.get(n).set(rest);
    f.while(() => f.get(rest), () => {
      f.get(rest).i32(2).i32ShrU().tee(vectors).i32Eqz().if(beginTail);
      f.get(rest).i32(3).i32And().set(rest);
      f.repeat(vectors, computeVector);
    });
    f.get(n).i32(3).i32And().tee(rest).if(storeTail);
    for (const at of outRow) toBytes(f, n).get(at).i32Add().set(at);
  });
}
