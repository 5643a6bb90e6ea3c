/** Scans: running sums, products and maxima along an axis, in float64, several columns at once. */

import { beginnings, type ScanKernel } from "../../kernels/kernel.ts";
import { type Body, type Local, V128 } from "./assembler.ts";
import { partOfColumns } from "./emit-move.ts";
import { parameters, toBytes, words } from "./layout.ts";

/** Columns are scanned in strips of four vectors, a cache line a row. */
const TILE = 4;

export function writeScan(f: Body, kernel: ScanKernel): void {
  const operands = kernel.operands.length;
  const { outer, n, inner, rowBytes } = parameters(f, operands, partOfColumns);
  const bases = words(f, 0, operands);
  const [first, step, columns, rest] = f.locals(4);
  const strips = f.locals(bases.length);
  const pointers = f.locals(bases.length);
  const [values, factors, factor] = f.locals(3, V128);
  const totals = f.locals(2 * TILE, V128);
  const combine = (): Body => kernel.scan === "sum" ? f.f64x2Add() : kernel.scan === "product" ? f.f64x2Mul() : f.f64x2Max();

  /** Scans some vectors of columns, or, for none, a single one. */
  const strip = (vectors: number): void => {
    const sums = totals.slice(0, Math.max(1, 2 * vectors));
    const load = (k: number, at: number, into: Local): void => {
      f.get(pointers[k]);
      (vectors === 0 ? f.v128Load32Splat() : f.v128Load(at)).set(into);
    };
    const vector = (v: number): void => {
      const own = sums.slice(2 * v, 2 * v + 2);
      const multiply = (): void => own.forEach((total, i) => {
        f.promote(factors, i === 1).set(factor);
        f.get(total).get(factor).f64x2Mul().get(factor).f64x2(0).f64x2Eq().v128AndNot().set(total);
      });
      load(1, 16 * v, values);
      if (kernel.hasFactors) load(2, 16 * v, factors);
      if (kernel.hasFactors && !kernel.isBackwards) multiply();
      own.forEach((total, i) => {
        f.get(total);
        f.promote(values, i === 1);
        combine().set(total);
      });
      f.get(pointers[0]).get(own[0]).f32x4DemoteF64x2Zero();
      if (vectors === 0) f.v128Store32Lane(0);
      else f.get(own[1]).f32x4DemoteF64x2Zero().shuffle32(0, 1, 4, 5).v128Store(16 * v);
      if (kernel.hasFactors && kernel.isBackwards) multiply();
    };
    for (const total of sums) f.f64x2(beginnings[kernel.scan]).set(total);
    pointers.forEach((pointer, k) => { f.get(strips[k]).get(first).i32Add().set(pointer); });
    f.get(n).set(rest);
    f.repeat(rest, () => {
      for (let v = 0; v < Math.max(1, vectors); v++) vector(v);
      for (const pointer of pointers) f.advance(pointer, step);
    });
  };

  toBytes(f, rowBytes).tee(rowBytes).set(step);
  if (kernel.isBackwards) {
    f.get(n).i32(1).i32Sub().get(rowBytes).i32Mul().set(first);
    f.i32(0).get(rowBytes).i32Sub().set(step);
  }
  f.times(outer, () => {
    f.get(inner).set(columns);
    strips.forEach((at, k) => { f.get(bases[k]).set(at); });
    for (const vectors of [TILE, 1, 0]) {
      const width = Math.max(1, 4 * vectors);
      f.while(() => f.get(columns).i32(width).i32GeU(), () => {
        strip(vectors);
        for (const at of strips) f.increment(at, 4 * width);
        f.increment(columns, -width);
      });
    }
    for (const base of bases) f.advance(base, n, rowBytes);
  });
}
