/**
 * The matrix product, by whichever of four ways suits the shape and the strides of a launch:
 * tiles, dot products and streams read A and B where they lie, larger products are packed (product-packed.ts).
 * Pointers and strides are in bytes here; M, N, K count elements.
 * Reads may reach up to 12 bytes beyond an operand: the last vector of a row is loaded whole.
 */

import { productParameters } from "../../kernels/kernel.ts";
import { type Body, I32, type Local, type ModuleBuilder, V128 } from "./assembler.ts";
import { HEADER } from "./layout.ts";
import {
  addOuterProduct, advanceTimes, clear, emitPacked, emitStepFrom, locals, packedScratchBytes, push, range, storeLanes,
  storeTile, type Sums,
} from "./product-packed.ts";

export const productScratchBytes: number = packedScratchBytes;

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
function emitTiles(module: ModuleBuilder, fused: boolean, height: number, lower: readonly number[]): number {
  const widths = height > 2 ? [2, 1] : [4, 2, 1];
  return module.function(null, range(12).map(() => I32), [], (f) => {
    const [a, rowA, columnA, b, rowB, c, stepC, m, n, k, mode, from] = range(12);
    const [stepFrom, columns, counter, pointerB, spare, tileB, tileC, tileFrom] = locals(f, 8);
    const rows = locals(f, height);
    const pointers = locals(f, height);
    const allSums = range(height).map(() => locals(f, widths[0], V128));
    const vectorsB = locals(f, widths[0], V128);
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
function emitDots(module: ModuleBuilder, fused: boolean, height: number, lower: readonly number[]): number {
  /** So many rows of A are used again for every four columns of B. */
  const blockRows = 32;
  return module.function(null, range(11).map(() => I32), [], (f) => {
    const [a, rowA, b, columnB, c, stepC, m, n, k, mode, from] = range(11);
    const [stepFrom, rows, row, columns, counter, spare] = locals(f, 6);
    const [tileA, tileC, tileFrom, offset] = locals(f, 4);
    const pointersA = locals(f, height);
    const columnsB = locals(f, 4);
    const pointersB = locals(f, 4);
    const newSums = (): Local[][] => range(height).map(() => locals(f, 4, V128));
    const sums = newSums();
    // Eight additions can be under way at once.
    const otherSums = height > 1 ? sums : newSums();
    const vectorsA = locals(f, height, V128);
    const [vectorB, mask] = locals(f, 2, V128);

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

/**
 * So many products are added up before their sum is added to C: rounding grows with the blocks, not with K. (A packed product has blocks of its
 * own.) A dot product is made of the sums of four lanes.
 */
const blockK = 256;
const blockDots = 4 * blockK;

/** How many rows of B a stream reads side by side. */
const streamDepth = 8;
/** The sums of so many columns have room in the scratch memory: streams are no higher than 39 rows (`limits`). */
const streamColumns = 4096;

/**
 * C += A·B for few rows of A and contiguous rows of B, which are read in order, once, eight at a time.
 * (a, rowA, columnA, b, rowB, c, stepC, M, N, K); K is a multiple of eight.
 */
function emitStream(module: ModuleBuilder, fused: boolean): number {
  return module.function(null, range(10).map(() => I32), [], (f) => {
    const [a, rowA, columnA, b, rowB, c, stepC, m, n, k] = range(10);
    const [row, columns, numbers, rowC, pointerC] = locals(f, 5);
    const pointers = locals(f, streamDepth);
    const factors = locals(f, streamDepth, V128);
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
function emitStreamInBlocks(module: ModuleBuilder, { fused, scratch }: { fused: boolean; scratch: number }): number {
  const stream = emitStream(module, fused);
  return module.function(null, range(10).map(() => I32), [], (f) => {
    const [a, rowA, columnA, b, rowB, c, stepC, m, n, k] = range(10);
    const [column, columns, step, row, rest, rowC, to, from] = locals(f, 8);
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

/**
 * The choice among the ways, measured on one machine (x86-64, 48 KiB of L1 and 2 MiB of L2) and not sharp:
 * at the limits the ways differ by a tenth.
 */
const limits = {
  /** Packing pays from here on where rows of B are contiguous … */
  packed: { rows: 16, columns: 24, rowsAndColumns: 72, depth: 4 },
  /** … and where dot products are the alternative: always, or if K is not much more than the sides of C. */
  packedForDots: { always: 48, least: 8, moreDepth: 8 },
  /** B of more elements (1 MiB) should be packed, or read in order; half of that where many rows repay the packing. */
  elementsB: { fewRows: 1 << 18, manyRows: 1 << 17, rows: 96 },
  stream: { columns: 32, depth: 32 },
};

/**
 * Adds the function (address of a launch record), and those it calls; returns its index.
 * The record: two words for others, the addresses of C, A, B and addend, the parameters of a `ProductKernel`, and the
 * distance between rows of C, of which the launch may be told to compute some columns only (two or more).
 * productScratchBytes from `scratch` on in the thread's scratch memory are for its own use.
 */
export function emitProduct(module: ModuleBuilder, name: string | null, options: { fused: boolean; scratch: number }): number {
  const { fused } = options;
  const tiles: number[] = [];
  const dots: number[] = [];
  for (const height of [1, 2, 3, 4]) tiles[height] = emitTiles(module, fused, height, tiles);
  for (const height of [1, 2]) dots[height] = emitDots(module, fused, height, dots);
  const stream = emitStreamInBlocks(module, options);
  const packed = emitPacked(module, options);

  return module.function(name, [I32], [], (f) => {
    const record = 0;
    const words = locals(f, 4 + productParameters.names.length + 1);
    const [c, a, b, addend] = words;
    const { m, n, k, rowA, columnA, rowB, columnB, mode, count0, batchA0, batchB0, count1, batchA1, batchB1 } = productParameters.read(words, 4);
    const stepC = words[words.length - 1];
    const strides = [rowA, columnA, rowB, columnB, batchA0, batchB0, batchA1, batchB1, stepC];
    const [innerCount, innerA, innerB, from, bytesC, smallB, spare] = locals(f, 7);
    const [rest, partA, partB, partK, partMode] = locals(f, 5);

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
      equals(mode, 2).if(() => {
        f.get(m).get(count0).i32Mul().get(count1).i32Mul().set(innerCount).get(c).set(spare);
        f.repeat(innerCount, () => { f.get(spare).get(addend).f32Load().f32Store().increment(spare, 4); });
        f.i32(1).set(mode).get(c).set(addend);
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
        f.i32(1).set(partMode).get(c).set(from);
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
      const { packed: { rows, columns, rowsAndColumns, depth }, elementsB } = limits;
      f.get(n).get(k).i32Mul().i32(elementsB.fewRows).i32(elementsB.manyRows).get(m).i32(elementsB.rows).i32LtU().select();
      f.i32LeU().set(smallB);
      atLeast(m, rows);
      atLeast(n, columns).i32And().get(m).get(n).i32Add().i32(rowsAndColumns).i32GeU().i32And();
      atLeast(k, depth).i32And();
      f.if(() => callPacked(() => f.get(smallB)), () => {
        atLeast(n, limits.stream.columns);
        atLeast(k, limits.stream.depth).i32And();
        equals(m, 1).get(smallB).i32Eqz().i32Or().i32And();
        f.if(callStream, () => inBlocks(blockK, () => {
          chooseTiles(() => push(f, partA, rowA, columnA, partB, rowB, c, stepC, m, n, partK, partMode, from));
        }));
      });
    };
    const multiplyByColumns = (): void => {
      const { always, least, moreDepth } = limits.packedForDots;
      const side = spare;
      f.get(m).get(n).get(m).get(n).i32LtU().select().set(side);
      atLeast(side, always);
      atLeast(side, least).get(k).get(side).i32(moreDepth).i32Add().i32LeU().i32And().i32Or();
      f.if(() => callPacked(() => f.i32(0)), () => {
        inBlocks(blockDots, () => {
          chooseDots(() => push(f, partA, rowA, partB, columnB, c, stepC, m, n, partK, partMode, from));
        });
      });
    };

    /** Few columns in one batch and one block need none of the choices below: what has to be known is read from the record, and no more. */
    const multiplyFewColumns = (): void => {
      const { packed: { columns }, packedForDots: { least } } = limits;
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
      f.get(n).i32(2).i32Sub().i32(columns - 2).i32LtU().i32And();
      f.if(() => {
        isOne(columnB).if(() => {
          chooseTiles(() => pushWords(a, rowA, columnA, b, rowB, c, stepC, m, n, k, mode, addend));
          f.return();
        });
        f.get(m).i32(least).i32LtU().get(n).i32(least).i32LtU().i32Or();
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
        equals(mode, 1).if(() => { f.advance(addend, bytesC); });
      });
      f.advance(a, batchA0).advance(b, batchB0);
    });
  });
}
