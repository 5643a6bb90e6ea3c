/**
 * The product of larger matrices: blocks of A and B are packed into panels so that the innermost loop reads memory in
 * order, from the caches (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
 * Strides are in bytes here; M, N, K count elements.
 */

import { type Body, type Local, type ModuleBuilder, range, V128 } from "./assembler.ts";

/** A tile of C is this wide, and high: its sums, a row of B, a number of A and a product share fifteen registers. */
const tileColumns = 8;
const tileRows = (fused: boolean): number => fused ? 6 : 4;
/** Of the rows that do not fill such tiles, one or two tiles of this height are made: 32 rows are four of six and two of four. */
const lowTileRows = 4;

/** A panel of B (8 KiB) stays in L1 and the block of A (192 KiB) in L2 while they are used. */
const blockM = 192;
const blockN = 512;
const blockK = 256;

const blockABytes = blockM * blockK * 4;
export const packedScratchBytes = blockABytes + blockN * blockK * 4;

// -- what all the product kernels are made of ---------------------------------------------------

export function push(f: Body, ...values: Local[]): Body {
  for (const value of values) f.get(value);
  return f;
}

/** local += factor · constant. */
export function advanceTimes(f: Body, local: Local, factor: Local, constant: number): void {
  f.get(factor).i32(constant).i32Mul().get(local).i32Add().set(local);
}

/** The distance between rows of what is added to C: as in C, or none between those of the one row of bias. */
export function emitStepFrom(f: Body, mode: Local, stepC: Local, stepFrom: Local): void {
  f.get(stepC).i32(0).get(mode).i32(1).i32Eq().select().set(stepFrom);
}

/** Sums of products, vectors by rows: part of C before it is stored. */
export type Sums = readonly (readonly Local[])[];

export function clear(f: Body, sums: Sums): void {
  for (const sum of sums.flat()) f.f32x4(0).set(sum);
}

/** sums += column of A × row of B. `loadA` leaves the i-th number of the column in all lanes. */
export function addOuterProduct(
  f: Body, fused: boolean, sums: Sums, rowB: readonly Local[], spare: Local, loadA: (i: number) => void,
): void {
  sums.forEach((row, i) => {
    loadA(i);
    f.set(spare);
    row.forEach((sum, v) => { f.get(spare).get(rowB[v]).f32x4Madd(fused, () => f.get(sum)).set(sum); });
  });
}

/** Stores the first one to three lanes, `columns` mod 4. */
export function storeLanes(f: Body, pointer: Local, vector: Local, columns: Local, offset = 0): void {
  f.get(columns).i32(2).i32And().if(
    () => {
      f.get(pointer).get(vector).v128Store64Lane(0, offset);
      f.get(columns).i32(1).i32And().if(() => { f.get(pointer).get(vector).v128Store32Lane(2, offset + 8); });
    },
    () => { f.get(pointer).get(vector).v128Store32Lane(0, offset); },
  );
}

/** Where a tile of sums goes. */
export interface Place {
  readonly c: Local;
  readonly stepC: Local;
  /** How many columns there are from here to the end; only the last vector of a tile may reach beyond them. */
  readonly columns: Local;
  /** How many rows there are, if that may be fewer than the tile has. */
  readonly rows?: Local;
  /** What to add, unless the mode is 0: the old C or the bias row. */
  readonly mode: Local;
  readonly from: Local;
  readonly stepFrom: Local;
  /** A variable for use as a pointer. */
  readonly spare: Local;
}

export function storeTile(f: Body, sums: Sums, place: Place): void {
  const { columns, rows, spare } = place;
  const last = sums[0].length - 1;
  const eachRow = (first: Local, step: Local, visit: (row: readonly Local[]) => void): void => {
    f.get(first).set(spare);
    f.block((done) => {
      sums.forEach((row, i) => {
        if (i > 0) {
          if (rows !== undefined) f.get(rows).i32(i).i32LeS().branchIf(done);
          f.advance(spare, step);
        }
        visit(row);
      });
    });
  };
  const store = (sum: Local, v: number): void => { f.get(spare).get(sum).v128Store(16 * v); };

  f.get(place.mode).if(() => {
    eachRow(place.from, place.stepFrom, (row) => {
      row.forEach((sum, v) => { f.get(sum).get(spare).v128Load(16 * v).f32x4Add().set(sum); });
    });
  });
  f.get(columns).i32(4 * last + 4).i32GeU().if(
    () => eachRow(place.c, place.stepC, (row) => row.forEach(store)),
    () => eachRow(place.c, place.stepC, (row) => {
      row.slice(0, last).forEach(store);
      storeLanes(f, spare, row[last], columns, 16 * last);
    }),
  );
}

// -- packing ------------------------------------------------------------------------------------

/**
 * Packs streams of `length` numbers, the streams `across` and their numbers `along` bytes apart, into panels in which
 * `width` streams are interleaved: (from, across, along, streams, length, to).
 * In place of the streams that the last panel lacks it repeats the last one; what comes of them is not stored.
 */
function emitPack(module: ModuleBuilder, width: number): number {
  return module.function(null, 6, (f, from, across, along, streams, length, to) => {
    const [counter, rest, panelBytes, toPanel, toRow] = f.locals(5);
    const pointers = f.locals(width);
    const vectors = f.locals(8, V128);

    /** Neighbouring streams, the whole panels of them: row after row, four rows at a time to write in longer runs. */
    const copyPanels = (depth: number): void => {
      f.get(from).set(pointers[0]);
      range(depth).slice(1).forEach((l) => { f.get(pointers[l - 1]).get(along).i32Add().set(pointers[l]); });
      f.get(to).set(toPanel).get(streams).set(rest);
      f.while(() => f.get(rest).i32(width).i32GeU(), () => {
        for (const l of range(depth)) {
          for (let i = 0; i < width; i += 4) {
            f.get(toPanel).get(pointers[l]);
            if (width - i >= 4) f.v128Load(4 * i).v128Store(4 * (width * l + i));
            else f.i64Load(4 * i).i64Store(4 * (width * l + i));
          }
          f.increment(pointers[l], 4 * width);
        }
        f.advance(toPanel, panelBytes);
        f.increment(rest, -width);
      });
      f.increment(to, 4 * width * depth);
      advanceTimes(f, from, along, depth);
    };

    /** Four numbers of each of up to four streams become four rows of them. */
    const transpose = (first: number): void => {
      const count = Math.min(4, width - first);
      const [a, b, c, d, low, high, lowOfNext, highOfNext] = vectors;
      [a, b, c, d].slice(0, count).forEach((vector, i) => {
        f.get(pointers[first + i]).v128Load().set(vector);
        f.increment(pointers[first + i], 16);
      });
      const interleave = (x: Local, y: Local, lowPair: Local, highPair: Local): void => {
        f.get(x).get(y).shuffle32(0, 4, 1, 5).set(lowPair);
        f.get(x).get(y).shuffle32(2, 6, 3, 7).set(highPair);
      };
      const at = (row: number): number => 4 * (width * row + first);
      interleave(a, b, low, high);
      if (count === 2) {
        for (const row of range(4)) f.get(toRow).get(row < 2 ? low : high).v128Store64Lane(row % 2, at(row));
        return;
      }
      interleave(c, d, lowOfNext, highOfNext);
      f.get(toRow).get(low).get(lowOfNext).shuffle32(0, 1, 4, 5).v128Store(at(0));
      f.get(toRow).get(low).get(lowOfNext).shuffle32(2, 3, 6, 7).v128Store(at(1));
      f.get(toRow).get(high).get(highOfNext).shuffle32(0, 1, 4, 5).v128Store(at(2));
      f.get(toRow).get(high).get(highOfNext).shuffle32(2, 3, 6, 7).v128Store(at(3));
    };

    const packPanel = (): void => {
      pointers.forEach((pointer, i) => {
        if (i === 0) f.get(from).set(pointer);
        else f.get(pointers[i - 1]).get(across).i32(0).get(streams).i32(i).i32GtS().select().i32Add().set(pointer);
      });
      f.get(to).set(toRow).get(length).set(rest);
      f.get(along).i32(4).i32Eq().if(() => {
        f.get(length).i32(2).i32ShrU().tee(counter).if(() => {
          f.repeat(counter, () => {
            for (let first = 0; first < width; first += 4) transpose(first);
            f.increment(toRow, 16 * width);
          });
        });
        f.get(length).i32(3).i32And().set(rest);
      });
      f.get(rest).if(() => {
        f.repeat(rest, () => {
          pointers.forEach((pointer, i) => {
            f.get(toRow).get(pointer).i32Load().i32Store(4 * i);
            f.advance(pointer, along);
          });
          f.increment(toRow, 4 * width);
        });
      });
    };

    f.get(length).i32(4 * width).i32Mul().set(panelBytes);
    f.get(across).i32(4).i32Eq().get(streams).i32(width).i32GeU().i32And().if(() => {
      const [from0, to0] = f.locals(2);
      f.get(from).set(from0).get(to).set(to0);
      f.get(length).set(counter);
      f.while(() => f.get(counter).i32(4).i32GeU(), () => {
        copyPanels(4);
        f.increment(counter, -4);
      });
      f.while(() => f.get(counter), () => {
        copyPanels(1);
        f.increment(counter, -1);
      });
      // What follows packs the last panel.
      f.get(streams).i32(width).i32DivU().set(counter);
      f.get(counter).i32(4 * width).i32Mul().get(from0).i32Add().set(from);
      f.get(counter).get(panelBytes).i32Mul().get(to0).i32Add().set(to);
      f.get(streams).i32(width).i32RemU().set(streams);
    });
    f.while(() => f.get(streams).i32(0).i32GtS(), () => {
      packPanel();
      advanceTimes(f, from, across, width);
      f.advance(to, panelBytes);
      f.increment(streams, -width);
    });
  });
}

// -- multiplying --------------------------------------------------------------------------------

/** A packed block of A times a panel of B: (a, b, stepB, k, c, stepC, rows, columns, mode, from, stepFrom). */
function emitPanel(module: ModuleBuilder, fused: boolean, height: number): number {
  return module.function(null, 11, (f, a, b, stepB, k, c, stepC, rows, columns, mode, from, stepFrom) => {
    const [pointerB, counter, spare] = f.locals(3);
    const sums = range(height).map(() => f.locals(tileColumns / 4, V128));
    const rowB = f.locals(tileColumns / 4, V128);
    const numberA = f.local(V128);
    const place = { c, stepC, columns, rows, mode, from, stepFrom, spare };

    f.loop((again) => {
      clear(f, sums);
      f.get(b).set(pointerB).get(k).set(counter);
      f.repeat(counter, () => {
        rowB.forEach((vector, v) => { f.get(pointerB).v128Load(16 * v).set(vector); });
        f.advance(pointerB, stepB);
        addOuterProduct(f, fused, sums, rowB, numberA, (i) => f.get(a).v128Load32Splat(4 * i));
        f.increment(a, 4 * height);
      });
      f.get(columns).i32(4).i32GtU().if(
        () => storeTile(f, sums, place),
        () => storeTile(f, sums.map((row) => row.slice(0, 1)), place),
      );
      advanceTimes(f, c, stepC, height);
      advanceTimes(f, from, stepFrom, height);
      f.get(rows).i32(height).i32Sub().tee(rows).i32(0).i32GtS().branchIf(again);
    });
  });
}

/**
 * (a, rowA, columnA, b, rowB, columnB, c, stepC, M, N, K, mode, from, direct); M, N, K are at least 1.
 * With `direct` panels of B are used where they lie: columnB is 4. It is one function of small ones, a step of the blocked product each, as the steps
 * share where they are in A, B and C.
 */
export function emitPacked(module: ModuleBuilder, options: { fused: boolean; scratch: number }): number {
  const { fused, scratch } = options;
  const packedA = scratch;
  const packedB = scratch + blockABytes;
  const height = tileRows(fused);
  const packA = emitPack(module, height);
  const panel = emitPanel(module, fused, height);
  const packB = emitPack(module, tileColumns);
  const hasLow = height !== lowTileRows;
  const packLowA = hasLow ? emitPack(module, lowTileRows) : packA;
  const lowPanel = hasLow ? emitPanel(module, fused, lowTileRows) : panel;

  return module.function(null, 14, (f, a, rowA, columnA, b, rowB, columnB, c, stepC, m, n, k, mode, from, direct) => {
    const [stepFrom, parts, depth] = f.locals(3);
    const [i, rows, j, columns, l, length] = f.locals(6);
    const [pointer, panelJ, packedFrom, panelB, stepB, left, panelC, panelFrom] = f.locals(8);
    const [mode0, from0, stepFrom0] = f.locals(3);
    const [highRows, lowRows, lowA] = f.locals(3);

    /** for (index = 0; index < total; index += step) with part = min(step, total − index) */
    const blocks = (index: Local, total: Local, step: () => void, part: Local, inner: () => void): void => {
      f.i32(0).set(index);
      f.loop((again) => {
        f.get(total).get(index).i32Sub().set(part);
        step();
        f.get(part);
        step();
        f.get(part).i32LtU().select().set(part);
        inner();
        f.get(index).get(part).i32Add().tee(index).get(total).i32LtU().branchIf(again);
      });
    };
    /** Leaves base + x · stepX + y · stepY. */
    const address = (base: Local, x: Local, stepX: Local, y: Local, stepY: Local): void => {
      f.get(base).get(x).get(stepX).i32Mul().i32Add().get(y).get(stepY).i32Mul().i32Add();
    };
    /** Leaves the address of a column of the packed block of B, the first of a panel. */
    const inPackedB = (column: Local): void => {
      f.get(column).get(length).i32Mul().i32(2).i32Shl().scratch(packedB).i32Add();
    };

    const packBlockB = (): void => {
      f.i32(0).get(columns).i32(-tileColumns).i32And().get(direct).i32Eqz().select().set(packedFrom);
      f.get(packedFrom).get(columns).i32LtU().if(() => {
        address(b, l, rowB, j, columnB);
        f.get(packedFrom).get(columnB).i32Mul().i32Add();
        push(f, columnB, rowB).get(columns).get(packedFrom).i32Sub().get(length);
        inPackedB(packedFrom);
        f.call(packB);
      });
    };
    const multiply = (): void => {
      f.get(j).get(panelJ).i32Add().set(pointer);
      f.get(panelJ).get(packedFrom).i32LtU().if(
        () => {
          address(b, l, rowB, pointer, columnB);
          f.set(panelB).get(rowB).set(stepB);
        },
        () => {
          inPackedB(panelJ);
          f.set(panelB).i32(4 * tileColumns).set(stepB);
        },
      );
      f.get(pointer).i32(2).i32Shl().set(pointer);
      f.get(i).get(stepC).i32Mul().get(pointer).i32Add().get(c).i32Add().set(panelC);
      f.get(i).get(stepFrom).i32Mul().get(pointer).i32Add().get(from).i32Add().set(panelFrom);
      f.get(highRows).if(() => {
        f.scratch(packedA);
        push(f, panelB, stepB, length, panelC, stepC, highRows, left, mode, panelFrom, stepFrom).call(panel);
      });
      if (!hasLow) return;
      f.get(lowRows).if(() => {
        push(f, lowA, panelB, stepB, length);
        f.get(highRows).get(stepC).i32Mul().get(panelC).i32Add();
        push(f, stepC, lowRows, left, mode);
        f.get(highRows).get(stepFrom).i32Mul().get(panelFrom).i32Add();
        f.get(stepFrom).call(lowPanel);
      });
    };
    /** Divides the rows of a block into those of high tiles and those of low ones, and packs both. */
    const packBlockA = (): void => {
      f.get(rows).set(highRows);
      if (hasLow) {
        // So many tiles, of which so many may be two rows lower.
        f.get(rows).i32(height - 1).i32Add().i32(height).i32DivU().set(highRows);
        f.get(highRows).i32(height).i32Mul().get(rows).i32Sub().i32(1).i32ShrU().set(lowRows);
        f.get(highRows).get(lowRows).i32Sub().i32(height).i32Mul().set(highRows);
        f.get(highRows).i32(0).get(highRows).i32(0).i32GtS().select().set(highRows);
        f.get(highRows).get(rows).get(highRows).get(rows).i32LtU().select().set(highRows);
        f.get(rows).get(highRows).i32Sub().set(lowRows);
      }
      address(a, i, rowA, l, columnA);
      f.set(pointer);
      push(f, pointer, rowA, columnA, highRows, length).scratch(packedA).call(packA);
      if (!hasLow) return;
      f.get(highRows).get(length).i32Mul().i32(2).i32Shl().scratch(packedA).i32Add().set(lowA);
      f.get(highRows).get(rowA).i32Mul().get(pointer).i32Add();
      push(f, rowA, columnA, lowRows, length, lowA).call(packLowA);
    };

    emitStepFrom(f, mode, stepC, stepFrom);
    f.get(mode).set(mode0).get(from).set(from0).get(stepFrom).set(stepFrom0);
    // Equal parts of K, so that no short one is left.
    f.get(k).i32(blockK - 1).i32Add().i32(blockK).i32DivU().set(parts);
    f.get(k).get(parts).i32Add().i32(1).i32Sub().get(parts).i32DivU().set(depth);

    blocks(j, n, () => f.i32(blockN), columns, () => {
      f.get(mode0).set(mode).get(from0).set(from).get(stepFrom0).set(stepFrom);
      blocks(l, k, () => f.get(depth), length, () => {
        packBlockB();
        blocks(i, m, () => f.i32(blockM), rows, () => {
          packBlockA();
          f.i32(0).set(panelJ).get(columns).set(left);
          f.loop((again) => {
            multiply();
            f.increment(panelJ, tileColumns);
            f.get(left).i32(tileColumns).i32Sub().tee(left).i32(0).i32GtS().branchIf(again);
          });
        });
        // The other parts of K add to what is there.
        f.i32(1).set(mode).get(c).set(from).get(stepC).set(stepFrom);
      });
    });
  });
}
