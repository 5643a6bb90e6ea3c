/** Products of A and B where they lie: tiles of C from contiguous rows of B, and dot products. Strides are in bytes; M, N, K count elements. */

import { type Body, type Local, type ModuleBuilder, range, V128 } from "./assembler.ts";
import { addOuterProduct, advanceTimes, clear, emitStepFrom, push, storeTile, type Sums } from "./product-packed.ts";

/** Calls the function for the m (fewer than `height`) rows left, which has the same parameters. */
function callForRest(f: Body, parameters: number, m: Local, functions: readonly number[], height: number): void {
  for (let rest = 1; rest < height; rest++) {
    f.get(m).i32(rest).i32Eq().if(() => { push(f, ...range(parameters)).call(functions[rest]); });
  }
}

/**
 * Where rows of B are contiguous: tiles of `height` rows of C, from numbers of A and vectors of B.
 * (a, rowA, columnA, b, rowB, c, stepC, M, N, K, mode, from). `lower[h]` is this function for h rows.
 */
export function emitTiles(module: ModuleBuilder, fused: boolean, height: number, lower: readonly number[]): number {
  const widths = height > 2 ? [2, 1] : [4, 2, 1];
  return module.function(null, 12, (f, a, rowA, columnA, b, rowB, c, stepC, m, n, k, mode, from) => {
    const [stepFrom, columns, counter, pointerB, spare, tileB, tileC, tileFrom] = f.locals(8);
    const rows = f.locals(height);
    const pointers = f.locals(height);
    const allSums = range(height).map(() => f.locals(widths[0], V128));
    const vectorsB = f.locals(widths[0], V128);
    const numberA = f.local(V128);

    const tile = (width: number): void => {
      const sums = allSums.map((row) => row.slice(0, width));
      const rowOfB = vectorsB.slice(0, width);
      clear(f, sums);
      f.get(k).tee(counter).if(() => {
        f.get(tileB).set(pointerB);
        pointers.forEach((pointer, i) => { f.get(rows[i]).set(pointer); });
        f.repeat(counter, () => {
          rowOfB.forEach((vector, v) => { f.get(pointerB).v128Load(16 * v).set(vector); });
          f.advance(pointerB, rowB);
          addOuterProduct(f, fused, sums, rowOfB, numberA, (i) => {
            f.get(pointers[i]).v128Load32Splat().advance(pointers[i], columnA);
          });
        });
      });
      storeTile(f, sums, { c: tileC, stepC, columns, mode, from: tileFrom, stepFrom, spare });
      for (const moved of [tileB, tileC, tileFrom]) f.increment(moved, 16 * width);
      f.increment(columns, -4 * width);
    };

    emitStepFrom(f, mode, stepC, stepFrom);
    f.while(() => f.get(m).i32(height).i32GeU(), () => {
      f.get(b).set(tileB).get(c).set(tileC).get(from).set(tileFrom).get(n).set(columns);
      for (const row of rows) {
        f.get(a).set(row);
        f.advance(a, rowA).advance(c, stepC).advance(from, stepFrom);
      }
      for (const width of widths) f.while(() => f.get(columns).i32(4 * (width - 1)).i32GtS(), () => tile(width));
      f.increment(m, -height);
    });
    callForRest(f, 12, m, lower, height);
  });
}

/**
 * Where A and B are both contiguous along K: dot products, of `height` rows of A with four columns of B at once.
 * (a, rowA, b, columnB, c, stepC, M, N, K, mode, from). `lower[h]` is this function for h rows.
 */
export function emitDots(module: ModuleBuilder, fused: boolean, height: number, lower: readonly number[]): number {
  /** So many rows of A are used again for every four columns of B. */
  const blockRows = 32;
  return module.function(null, 11, (f, a, rowA, b, columnB, c, stepC, m, n, k, mode, from) => {
    const [stepFrom, rows, row, columns, counter, spare] = f.locals(6);
    const [tileA, tileC, tileFrom, offset] = f.locals(4);
    const pointersA = f.locals(height);
    const columnsB = f.locals(4);
    const pointersB = f.locals(4);
    const newSums = (): Local[][] => range(height).map(() => f.locals(4, V128));
    const sums = newSums();
    // Eight additions can be under way at once.
    const otherSums = height > 1 ? sums : newSums();
    const vectorsA = f.locals(height, V128);
    const [vectorB, mask] = f.locals(2, V128);

    const load = (pointer: Local, offset: number, masked: boolean): void => {
      f.get(pointer).v128Load(offset);
      if (masked) f.get(mask).v128And();
    };
    const step = (into: Sums, offset: number, masked = false): void => {
      vectorsA.forEach((vector, i) => {
        load(pointersA[i], offset, masked);
        f.set(vector);
      });
      pointersB.forEach((pointer, j) => {
        load(pointer, offset, masked);
        f.set(vectorB);
        into.forEach((sumsOfRow, i) => {
          f.get(vectorsA[i]).get(vectorB).f32x4Madd(fused, () => f.get(sumsOfRow[j])).set(sumsOfRow[j]);
        });
      });
    };
    const move = (bytes: number): void => { for (const p of [...pointersA, ...pointersB]) f.increment(p, bytes); };
    /** Leaves the sums of two lanes each, of x and y in turn. */
    const halve = (x: Local, y: Local): Body =>
      f.get(x).get(y).shuffle32(0, 4, 1, 5).get(x).get(y).shuffle32(2, 6, 3, 7).f32x4Add();

    const tile = (): void => {
      pointersA.forEach((pointer, i) => {
        if (i === 0) f.get(tileA).set(pointer);
        else f.get(pointersA[i - 1]).get(rowA).i32Add().set(pointer);
      });
      pointersB.forEach((pointer, j) => { f.get(columnsB[j]).set(pointer); });
      clear(f, sums);
      if (otherSums !== sums) clear(f, otherSums);
      f.get(k).i32(3).i32ShrU().tee(counter).if(() => {
        f.repeat(counter, () => {
          step(sums, 0);
          step(otherSums, 16);
          move(32);
        });
      });
      f.get(k).i32(4).i32And().if(() => {
        step(sums, 0);
        move(16);
      });
      f.get(k).i32(3).i32And().if(() => step(otherSums, 0, true));
      sums.forEach((row, i) => {
        if (otherSums !== sums) row.forEach((sum, j) => { f.get(sum).get(otherSums[i][j]).f32x4Add().set(sum); });
        const [p, q, r, s] = row;
        halve(p, q).set(p);
        halve(r, s).set(r);
        f.get(p).get(r).shuffle32(0, 1, 4, 5).get(p).get(r).shuffle32(2, 3, 6, 7).f32x4Add().set(p);
      });
      storeTile(f, sums.map((row) => row.slice(0, 1)), { c: tileC, stepC, columns, mode, from: tileFrom, stepFrom, spare });
    };

    emitStepFrom(f, mode, stepC, stepFrom);
    f.get(k).i32(3).i32And().i32x4Splat().i32x4(0, 1, 2, 3).i32x4GtS().set(mask);
    f.while(() => f.get(m).i32(height).i32GeU(), () => {
      f.get(m).i32(-height).i32And().i32(blockRows).get(m).i32(blockRows).i32LtU().select().set(rows);
      f.get(n).set(columns).get(b).set(columnsB[0]).i32(0).set(offset);
      f.while(() => f.get(columns).i32(0).i32GtS(), () => {
        // Columns beyond the last repeat it.
        columnsB.slice(1).forEach((column, j) => {
          f.get(columnsB[j]).get(columnB).i32(0).get(columns).i32(j + 1).i32GtU().select().i32Add().set(column);
        });
        f.get(a).set(tileA).get(rows).set(row);
        f.get(c).get(offset).i32Add().set(tileC).get(from).get(offset).i32Add().set(tileFrom);
        f.loop((again) => {
          tile();
          advanceTimes(f, tileA, rowA, height);
          advanceTimes(f, tileC, stepC, height);
          advanceTimes(f, tileFrom, stepFrom, height);
          f.get(row).i32(height).i32Sub().tee(row).branchIf(again);
        });
        advanceTimes(f, columnsB[0], columnB, 4);
        f.increment(offset, 16).increment(columns, -4);
      });
      for (const [pointer, step] of [[a, rowA], [c, stepC], [from, stepFrom]]) {
        f.get(rows).get(step).i32Mul().get(pointer).i32Add().set(pointer);
      }
      f.get(m).get(rows).i32Sub().set(m);
    });
    callForRest(f, 11, m, lower, height);
  });
}
