/** Products of few rows with a large B, which is read in order, once. Strides are in bytes; M, N, K count elements. */

import { type Body, type ModuleBuilder, V128 } from "./assembler.ts";
import { advanceTimes, push, storeLanes } from "./product-packed.ts";

/** So many products are added up before their sum is added to C: rounding grows with the blocks, not with K. (A packed product has blocks of its own.) */
export const blockK = 256;
/** How many rows of B a stream reads side by side. */
export const streamDepth = 8;
/** The sums of so many columns have room in the scratch memory: streams are no higher than 39 rows (product.ts). */
const streamColumns = 4096;

/**
 * C += A·B for few rows of A and contiguous rows of B, which are read in order, once, eight at a time.
 * (a, rowA, columnA, b, rowB, c, stepC, M, N, K); K is a multiple of eight.
 */
function emitStream(module: ModuleBuilder, fused: boolean): number {
  return module.function(null, 10, (f, a, rowA, columnA, b, rowB, c, stepC, m, n, k) => {
    const [row, columns, numbers, rowC, pointerC] = f.locals(5);
    const pointers = f.locals(streamDepth);
    const factors = f.locals(streamDepth, V128);
    const sum = f.local(V128);

    const vector = (v: number): void => {
      f.get(pointerC).v128Load(16 * v).set(sum);
      factors.forEach((factor, l) => {
        f.get(factor).get(pointers[l]).v128Load(16 * v).f32x4Madd(fused, () => f.get(sum)).set(sum);
      });
    };
    const move = (vectors: number): void => {
      for (const pointer of [...pointers, pointerC]) f.increment(pointer, 16 * vectors);
      f.increment(columns, -4 * vectors);
    };

    f.while(() => f.get(k).i32(0).i32GtS(), () => {
      f.get(m).set(row).get(a).set(numbers).get(c).set(rowC);
      f.repeat(row, () => {
        f.get(numbers).set(pointerC);
        factors.forEach((factor, l) => {
          f.get(pointerC).v128Load32Splat().set(factor).advance(pointerC, columnA);
          if (l === 0) f.get(b).set(pointers[0]);
          else f.get(pointers[l - 1]).get(rowB).i32Add().set(pointers[l]);
        });
        f.get(rowC).set(pointerC).get(n).set(columns);
        f.while(() => f.get(columns).i32(8).i32GeS(), () => {
          for (const v of [0, 1]) {
            vector(v);
            f.get(pointerC).get(sum).v128Store(16 * v);
          }
          move(2);
        });
        f.while(() => f.get(columns).i32(0).i32GtS(), () => {
          vector(0);
          f.get(columns).i32(4).i32GeU().if(
            () => { f.get(pointerC).get(sum).v128Store(); },
            () => storeLanes(f, pointerC, sum, columns),
          );
          move(1);
        });
        f.advance(numbers, rowA).advance(rowC, stepC);
      });
      advanceTimes(f, a, columnA, streamDepth);
      advanceTimes(f, b, rowB, streamDepth);
      f.increment(k, -streamDepth);
    });
  });
}

/** The same for any K: what makes the second block and each after it is added up in scratch memory first. */
export function emitStreamInBlocks(module: ModuleBuilder, { fused, scratch }: { fused: boolean; scratch: number }): number {
  const stream = emitStream(module, fused);
  return module.function(null, 10, (f, a, rowA, columnA, b, rowB, c, stepC, m, n, k) => {
    const [column, columns, step, row, rest, rowC, to, from] = f.locals(8);
    const sum = f.local(V128);
    const pushBlock = (): Body => f.i32(blockK).get(k).get(k).i32(blockK).i32GtU().select();

    const addSums = (): void => {
      f.get(m).set(row).scratch(scratch).set(from);
      f.repeat(row, () => {
        f.get(columns).set(rest).get(rowC).set(to);
        f.while(() => f.get(rest).i32(0).i32GtS(), () => {
          f.get(to).v128Load().get(from).v128Load().f32x4Add().set(sum);
          f.get(rest).i32(4).i32GeU().if(
            () => { f.get(to).get(sum).v128Store(); },
            () => storeLanes(f, to, sum, rest),
          );
          f.increment(to, 16).increment(from, 16).increment(rest, -4);
        });
        f.advance(rowC, stepC);
      });
    };

    push(f, a, rowA, columnA, b, rowB, c, stepC, m, n);
    pushBlock().call(stream);
    f.while(() => f.get(k).i32(blockK).i32GtU(), () => {
      advanceTimes(f, a, columnA, blockK);
      advanceTimes(f, b, rowB, blockK);
      f.increment(k, -blockK).i32(0).set(column);
      f.while(() => f.get(column).get(n).i32LtU(), () => {
        f.get(n).get(column).i32Sub().tee(columns).i32(streamColumns).get(columns).i32(streamColumns).i32LtU().select().tee(columns);
        f.i32(3).i32Add().i32(-4).i32And().i32(2).i32Shl().set(step);
        f.scratch(scratch).i32(0).get(m).get(step).i32Mul().memoryFill();
        f.get(column).i32(2).i32Shl().tee(rest).get(c).i32Add().set(rowC);
        push(f, a, rowA, columnA).get(b).get(rest).i32Add().get(rowB).scratch(scratch);
        push(f, step, m, columns);
        pushBlock().call(stream);
        addSums();
        f.increment(column, streamColumns);
      });
    });
  });
}
