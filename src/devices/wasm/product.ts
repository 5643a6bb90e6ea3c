/**
 * The matrix product, by whichever of four ways suits the shape and the strides of a launch:
 * tiles, dot products (product-direct.ts) and streams (product-stream.ts) read A and B where they lie, larger products are packed (product-packed.ts).
 * Pointers and strides are in bytes here; M, N, K count elements.
 * Reads may reach up to 12 bytes beyond an operand: the last vector of a row is loaded whole.
 */

import { layoutSize, ProductMode, productParameters, readParameters } from "../../kernels/kernel.ts";
import type { Body, Local, ModuleBuilder } from "./assembler.ts";
import { HEADER } from "./layout.ts";
import { emitDots, emitTiles } from "./product-direct.ts";
import { advanceTimes, emitPacked, packedScratchBytes, push } from "./product-packed.ts";
import { blockK, emitStreamInBlocks, streamDepth } from "./product-stream.ts";

export const productScratchBytes: number = packedScratchBytes;

/** A dot product is made of the sums of four lanes. */
const blockDots = 4 * blockK;

// The choice among the ways, measured on one machine (x86-64, 48 KiB of L1 and 2 MiB of L2) and not sharp: at the limits the ways differ by a tenth.

/** Packing pays from here on where rows of B are contiguous … */
const packedRows = 16;
const packedColumns = 24;
const packedSides = 72;
const packedDepth = 4;
/** … and where dot products are the alternative: always, or if K is not much more than the sides of C. */
const dotsAlways = 48;
const dotsLeast = 8;
const dotsMoreDepth = 8;
/** B of more elements (1 MiB) should be packed, or read in order; half of that where many rows repay the packing. */
const largeB = 1 << 18;
const largeForManyRows = 1 << 17;
const manyRows = 96;
const streamLeastColumns = 32;
const streamLeastDepth = 32;

/**
 * Adds the function (address of a launch record), and those it calls; returns its index.
 * The record: two words for others, the addresses of C, A, B and addend, the parameters of a `ProductKernel`, and the
 * distance between rows of C, of which the launch may be told to compute some columns only (two or more).
 * productScratchBytes from `scratch` on in the thread's scratch memory are for its own use. It is one function of small ones, as each reads and changes
 * what the others know of the launch: its words, which are variables.
 */
export function emitProduct(module: ModuleBuilder, name: string | null, options: { fused: boolean; scratch: number }): number {
  const { fused } = options;
  const tiles: number[] = [];
  const dots: number[] = [];
  for (const height of [1, 2, 3, 4]) tiles[height] = emitTiles(module, fused, height, tiles);
  for (const height of [1, 2]) dots[height] = emitDots(module, fused, height, dots);
  const stream = emitStreamInBlocks(module, options);
  const packed = emitPacked(module, options);

  return module.function(name, 1, (f, record) => {
    const words = f.locals(4 + layoutSize(productParameters) + 1);
    const [c, a, b, addend] = words;
    const { m, n, k, rowA, columnA, rowB, columnB, mode, count0, batchA0, batchB0, count1, batchA1, batchB1 } = readParameters(productParameters, words, 4);
    const stepC = words[words.length - 1];
    const strides = [rowA, columnA, rowB, columnB, batchA0, batchB0, batchA1, batchB1, stepC];
    const [innerCount, innerA, innerB, from, bytesC, smallB, spare] = f.locals(7);
    const [rest, partA, partB, partK, partMode] = f.locals(5);

    const atLeast = (local: Local, limit: number): Body => f.get(local).i32(limit).i32GeU();
    const equals = (local: Local, value: number): Body => f.get(local).i32(value).i32Eq();
    const isContiguous = (stride: Local): Body => equals(stride, 4);

    const readRecord = (): void => {
      words.forEach((word, i) => { f.get(record).i32Load(HEADER + 4 * i).set(word); });
      for (const stride of strides) f.get(stride).i32(2).i32Shl().set(stride);
    };
    /** A batch that shares B and continues A is one product of more rows. */
    const mergeBatch = (count: Local, batchA: Local, batchB: Local): void => {
      f.get(count).i32(1).i32GtU().get(batchB).i32Eqz().i32And().if(() => {
        equals(m, 1).if(() => { f.get(batchA).set(rowA); });
        f.get(m).get(rowA).i32Mul().get(batchA).i32Eq().if(() => {
          f.get(m).get(count).i32Mul().set(m).i32(1).set(count);
        });
      });
    };
    /** A single column C is also a single row, B transposed times A transposed; the bias is then a number. */
    const transpose = (): void => {
      equals(mode, ProductMode.row).if(() => {
        f.get(m).get(count0).i32Mul().get(count1).i32Mul().set(innerCount).get(c).set(spare);
        f.repeat(innerCount, () => { f.get(spare).get(addend).f32Load().f32Store().increment(spare, 4); });
        f.i32(ProductMode.matrix).set(mode).get(c).set(addend);
      });
      f.get(m).tee(n).i32(2).i32Shl().set(stepC).i32(1).set(m);
      f.get(rowB).get(columnA).get(rowA).set(columnB).set(rowB).set(columnA);
      for (const [x, y] of [[a, b], [batchA0, batchB0], [batchA1, batchB1]]) f.get(x).get(y).set(x).set(y);
    };
    const chooseFreeStrides = (): void => {
      f.get(k).i32(1).i32LeU().if(() => { f.i32(4).set(columnA).i32(4).set(rowB); });
      equals(n, 1).if(() => {
        atLeast(m, 2);
        isContiguous(columnA);
        isContiguous(rowB).i32And();
        isContiguous(rowA).i32Or().i32And();
        f.if(transpose, () => { f.i32(4).set(columnB); });
      });
      f.get(k).i32Eqz().if(() => { f.i32(4).set(columnB); });
    };

    const callPacked = (direct: () => void): void => {
      push(f, innerA, rowA, columnA, innerB, rowB, columnB, c, stepC, m, n, k, mode, from);
      direct();
      f.call(packed);
    };
    const callStream = (): void => {
      // Up to eight rows of B make the first C, so that a multiple of eight is left.
      const first = spare;
      f.get(k).i32(1).i32Sub().i32(streamDepth - 1).i32And().i32(1).i32Add().set(first);
      push(f, innerA, rowA, columnA, innerB, rowB, c, stepC, m, n, first, mode, from).call(tiles[4]);
      f.get(innerA).get(first).get(columnA).i32Mul().i32Add().get(rowA).get(columnA);
      f.get(innerB).get(first).get(rowB).i32Mul().i32Add().get(rowB);
      push(f, c, stepC, m, n).get(k).get(first).i32Sub().call(stream);
    };
    /** Adds the products of one block after another to C. */
    const inBlocks = (block: number, multiply: () => void): void => {
      f.get(k).set(rest).get(innerA).set(partA).get(innerB).set(partB).get(mode).set(partMode);
      f.loop((again) => {
        f.get(rest).i32(block).get(rest).i32(block).i32LtU().select().set(partK);
        multiply();
        advanceTimes(f, partA, columnA, block);
        advanceTimes(f, partB, rowB, block);
        f.i32(ProductMode.matrix).set(partMode).get(c).set(from);
        f.get(rest).i32(block).i32Sub().tee(rest).i32(0).i32GtS().branchIf(again);
      });
    };
    const chooseTiles = (push: () => void): void => {
      const call = (height: number) => (): void => {
        push();
        f.call(tiles[height]);
      };
      // Two by sixteen is a little faster than four by eight where the columns are many and fill it.
      equals(m, 1).if(call(1), () => {
        atLeast(n, 16).get(n).i32(8).i32And().i32Eqz().i32And().if(call(2), call(4));
      });
    };
    const chooseDots = (push: () => void): void => {
      const call = (height: number) => (): void => {
        push();
        f.call(dots[height]);
      };
      equals(m, 1).if(call(1), call(2));
    };
    const multiplyByRows = (): void => {
      f.get(n).get(k).i32Mul().i32(largeB).i32(largeForManyRows).get(m).i32(manyRows).i32LtU().select();
      f.i32LeU().set(smallB);
      atLeast(m, packedRows);
      atLeast(n, packedColumns).i32And().get(m).get(n).i32Add().i32(packedSides).i32GeU().i32And();
      atLeast(k, packedDepth).i32And();
      f.if(() => callPacked(() => f.get(smallB)), () => {
        atLeast(n, streamLeastColumns);
        atLeast(k, streamLeastDepth).i32And();
        equals(m, 1).get(smallB).i32Eqz().i32Or().i32And();
        f.if(callStream, () => inBlocks(blockK, () => {
          chooseTiles(() => push(f, partA, rowA, columnA, partB, rowB, c, stepC, m, n, partK, partMode, from));
        }));
      });
    };
    const multiplyByColumns = (): void => {
      const side = spare;
      f.get(m).get(n).get(m).get(n).i32LtU().select().set(side);
      atLeast(side, dotsAlways);
      atLeast(side, dotsLeast).get(k).get(side).i32(dotsMoreDepth).i32Add().i32LeU().i32And().i32Or();
      f.if(() => callPacked(() => f.i32(0)), () => {
        inBlocks(blockDots, () => {
          chooseDots(() => push(f, partA, rowA, partB, columnB, c, stepC, m, n, partK, partMode, from));
        });
      });
    };

    /** Few columns in one batch and one block need none of the choices below: what has to be known is read from the record, and no more. */
    const multiplyFewColumns = (): void => {
      const word = (local: Local): Body => f.get(record).i32Load(HEADER + 4 * words.indexOf(local));
      const isOne = (local: Local): Body => word(local).i32(1).i32Eq();
      const pushWords = (...parameters: Local[]): void => {
        for (const local of parameters) {
          word(local);
          if (strides.includes(local)) f.i32(2).i32Shl();
        }
      };
      for (const local of [m, n, k]) word(local).set(local);
      isOne(count0);
      isOne(count1).i32And().get(k).i32(2).i32Sub().i32(blockK - 1).i32LtU().i32And();
      f.get(n).i32(2).i32Sub().i32(packedColumns - 2).i32LtU().i32And();
      f.if(() => {
        isOne(columnB).if(() => {
          chooseTiles(() => pushWords(a, rowA, columnA, b, rowB, c, stepC, m, n, k, mode, addend));
          f.return();
        });
        f.get(m).i32(dotsLeast).i32LtU().get(n).i32(dotsLeast).i32LtU().i32Or();
        isOne(columnA).i32And();
        isOne(rowB).i32And().if(() => {
          chooseDots(() => pushWords(a, rowA, b, columnB, c, stepC, m, n, k, mode, addend));
          f.return();
        });
      });
    };

    multiplyFewColumns();
    readRecord();
    for (const size of [m, n, count0, count1]) f.get(size).i32Eqz().if(() => f.return());
    mergeBatch(count1, batchA1, batchB1);
    equals(count1, 1).if(() => mergeBatch(count0, batchA0, batchB0));
    chooseFreeStrides();

    f.get(m).get(stepC).i32Mul().set(bytesC);
    f.repeat(count0, () => {
      f.get(count1).set(innerCount).get(a).set(innerA).get(b).set(innerB);
      f.repeat(innerCount, () => {
        f.get(addend).set(from);
        isContiguous(columnB).if(multiplyByRows, () => {
          isContiguous(columnA);
          isContiguous(rowB).i32And();
          f.if(multiplyByColumns, () => callPacked(() => f.i32(0)));
        });
        f.advance(c, bytesC).advance(innerA, batchA1).advance(innerB, batchB1);
        equals(mode, ProductMode.matrix).if(() => { f.advance(addend, bytesC); });
      });
      f.advance(a, batchA0).advance(b, batchB0);
    });
  });
}
