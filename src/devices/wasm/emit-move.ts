/** Kernels that move or add whole rows: copy, gather, scatter-add, and reduction over a middle axis. */

import {
  type ColumnsKernel, type CopyKernel, columnsParameters, copyAxisAt, copyRankAt, type GatherKernel, gatherParameters, identities, layoutSize,
  scatterAddParameters, scatterBlock,
} from "../../kernels/kernel.ts";
import { type Body, F32, type Local, V128 } from "./assembler.ts";
import { eachPlace, loadWord, parameters, toBytes, words } from "./layout.ts";
import { reducing } from "./vector-math.ts";

/** Copies a number, or adds it to what is there. */
function moveNumber(f: Body, adds: boolean, to: Local, from: Local): void {
  f.get(to);
  if (adds) f.get(to).f32Load().get(from).f32Load().f32Add().f32Store();
  else f.get(from).f32Load().f32Store();
}

/** A row of `count` neighbours, copied to others or added to them. Advances both pointers; `rest` is 0 then. */
function moveNeighbours(f: Body, adds: boolean, count: Local, rest: Local, to: Local, from: Local): void {
  const vectors = (number: number): void => {
    for (let at = 0; at < 16 * number; at += 16) {
      f.get(to);
      if (adds) f.get(to).v128Load(at).get(from).v128Load(at).f32x4Add().v128Store(at);
      else f.get(from).v128Load(at).v128Store(at);
    }
    f.increment(to, 16 * number).increment(from, 16 * number);
  };
  f.get(count).i32(3).i32ShrU().set(rest).times(rest, () => vectors(2));
  f.get(count).i32(4).i32And().if(() => vectors(1));
  f.get(count).i32(3).i32And().set(rest).times(rest, () => {
    moveNumber(f, adds, to, from);
    f.increment(to, 4).increment(from, 4);
  });
}

/** A row of `count` elements, some steps in bytes apart: by vectors where they are neighbours, or where a copy's are on one side. */
function moveRow(f: Body, adds: boolean, count: Local, rest: Local, to: Local, stepOut: Local, from: Local, stepIn: Local, spare: Local): void {
  const isStep = (step: Local, bytes: number): Body => f.get(step).i32(bytes).i32Eq();
  /** Four elements at a time. */
  const fours = (move: () => void) => (): void => {
    if (adds) return;
    f.while(() => f.get(rest).i32(4).i32GeU(), () => {
      move();
      f.increment(rest, -4);
    });
  };
  const everyOther = fours(() => {
    // Elements 0 to 3 and 3 to 6: no element beyond the last is read.
    f.get(to).get(from).v128Load().get(from).v128Load(12).shuffle32(0, 2, 5, 7).v128Store();
    f.increment(to, 16).increment(from, 32);
  });
  const toLanes = fours(() => {
    f.get(from).v128Load().set(spare);
    for (let lane = 0; lane < 4; lane++) {
      f.get(to).get(spare).v128Store32Lane(lane);
      f.advance(to, stepOut);
    }
    f.increment(from, 16);
  });
  f.get(count).set(rest);
  isStep(stepOut, 4).if(
    () => isStep(stepIn, 4).if(
      () => moveNeighbours(f, adds, count, rest, to, from),
      () => isStep(stepIn, 8).if(everyOther),
    ),
    () => isStep(stepIn, 4).if(toLanes),
  );
  f.times(rest, () => {
    moveNumber(f, adds, to, from);
    f.advance(to, stepOut).advance(from, stepIn);
  });
}

/** The two innermost axes are loops. */
export function writeCopy(f: Body, { adds }: CopyKernel): void {
  const bases = words(f, 0, 2);
  const [rank] = words(f, 2 + copyRankAt, 1);
  const [n, stepOut, stepIn] = words(f, 2 + copyAxisAt(0), 3);
  const second = f.locals(3);
  const [rows, rowOut, rowIn] = second;
  const [row, rest, to, from] = f.locals(4);
  const plane = f.locals(2);
  const spare = f.local(V128);
  f.i32(1).set(rows);
  f.get(rank).i32(1).i32GtU().if(() => {
    second.forEach((local, i) => { loadWord(f, 2 + copyAxisAt(1) + i).set(local); });
  });
  for (const step of [stepOut, stepIn, rowOut, rowIn]) toBytes(f, step).set(step);
  f.increment(rank, -2);
  eachPlace(f, rank, 2 + copyAxisAt(2), [0, 1], bases, plane, () => {
    f.get(rows).set(row).times(row, () => {
      f.get(plane[0]).set(to).get(plane[1]).set(from);
      moveRow(f, adds, n, rest, to, stepOut, from, stepIn, spare);
      f.advance(plane[0], rowOut).advance(plane[1], rowIn);
    });
  });
}

/**
 * What visits rows that indices name: `each` leaves the row of an index in a local. One that is not an integer in range ends the kernel with a
 * call of `fault` (launch, index, limit), which is outside of all loops: a call in a loop keeps its variables out of registers.
 */
function withRows(f: Body, size: Local, fault: number, inner: (each: (index: Local) => void, row: Local, value: Local) => void): void {
  const [row, value] = [f.local(), f.local(F32)];
  f.block((wrong) => {
    inner((index) => {
      // The last bits of the mantissa of 2⁵² + an integer are that integer. Of what else there is they are something else.
      f.get(index).f32Load().tee(value).f64PromoteF32().f64(2 ** 52).f64Add().i64ReinterpretF64().i32WrapI64().tee(row);
      f.get(size).i32GeU().get(row).f32ConvertI32S().get(value).f32Ne().i32Or().branchIf(wrong);
    }, row, value);
    f.return();
  });
  f.get(0).get(value).get(size).call(fault);
}

export function writeGather(f: Body, { puts }: GatherKernel, fault: number): void {
  const { outer, count, inner, size } = parameters(f, 3, gatherParameters);
  const [written, read, indices] = words(f, 0, 3);
  const [table, list] = puts ? [written, read] : [read, written];
  const [j, rest, entry, index, rowBytes] = f.locals(5);
  const [to, from] = puts ? [entry, list] : [list, entry];
  toBytes(f, inner).set(rowBytes);
  withRows(f, size, fault, (find, row) => {
    f.times(outer, () => {
      f.get(indices).set(index).get(count).set(j).times(j, () => {
        find(index);
        f.get(row).get(rowBytes).i32Mul().get(table).i32Add().set(entry);
        moveNeighbours(f, false, inner, rest, to, from);
        f.increment(index, 4);
      });
      f.advance(table, size, rowBytes);
    });
  });
}

/**
 * Where there are more updates than a block has, those of each row are counted. A row that has its block goes to a log, with its index, and
 * begins again at 0. What is in the log are the updates of another pass, with a log of its own.
 */
export function writeScatterAdd(f: Body, fault: number): void {
  const { outer, count, inner, size } = parameters(f, 4, scatterAddParameters);
  const [out, indices, updates, room] = words(f, 0, 4);
  const [j, rest, to, from, index, rowBytes] = f.locals(6);
  const [entryBytes, indexStep, gap, counter, seen, log, nextLog, entry] = f.locals(8);
  toBytes(f, inner).set(rowBytes);
  f.get(rowBytes).i32(4).i32Add().set(entryBytes);
  f.get(out).i32(0).get(outer).get(size).i32Mul().get(rowBytes).i32Mul().memoryFill();

  withRows(f, size, fault, (find, row, value) => {
    const rowOfOut = (): Body => f.get(row).get(rowBytes).i32Mul().get(out).i32Add().tee(to);
    const addNumber = (): void => {
      find(index);
      toBytes(f, row).get(out).i32Add().set(to);
      moveNumber(f, true, to, from);
      f.increment(from, 4);
    };
    const addRow = (): void => {
      find(index);
      rowOfOut().drop();
      moveNeighbours(f, true, inner, rest, to, from);
    };
    const addAll = (add: () => void) => (): void => {
      f.times(j, () => {
        add();
        f.increment(index, 4);
      });
    };

    /** Adds what is left of the updates of a pass, up to the one that makes a block. */
    const addBlock = (add: () => void) => (): void => {
      f.block((full) => {
        f.while(() => f.get(j), () => {
          add();
          f.advance(index, indexStep).advance(from, gap).increment(j, -1);
          f.get(room).get(row).i32Add().tee(counter).get(counter).i32Load8().i32(1).i32Add().tee(seen).i32Store8();
          f.get(seen).i32(scatterBlock).i32Eq().branchIf(full);
        });
        f.i32(0).set(seen);
      });
    };
    const moveToLog = (): void => {
      f.get(entry).get(value).f32Store().get(entry).i32(4).i32Add();
      rowOfOut().get(rowBytes).memoryCopy();
      f.get(to).i32(0).get(rowBytes).memoryFill();
      f.advance(entry, entryBytes);
    };
    const addInBlocks = (): void => {
      f.i32(4).set(indexStep).i32(0).set(gap);
      f.get(size).i32(3).i32Add().i32(-4).i32And().get(room).i32Add().set(log);
      f.get(count).i32(scatterBlock).i32DivU().get(entryBytes).i32Mul().get(log).i32Add().set(nextLog);
      f.loop((nextPass) => {
        f.get(log).set(entry);
        f.loop((nextBlock) => {
          isOne().if(addBlock(addNumber), addBlock(addRow));
          f.get(seen).if(() => {
            moveToLog();
            f.branch(nextBlock);
          });
        });
        f.get(entry).get(log).i32Sub().get(entryBytes).i32DivU().set(j);
        f.get(log).set(index).get(log).i32(4).tee(gap).i32Add().set(from).get(entryBytes).set(indexStep);
        f.get(nextLog).get(log).set(nextLog).set(log);
        f.get(j).get(outer).i32(1).i32GtU().i32Or().if(() => { f.get(room).i32(0).get(size).memoryFill(); });
        f.get(j).branchIf(nextPass);
      });
    };
    const isOne = (): Body => f.get(inner).i32(1).i32Eq();

    f.times(outer, () => {
      f.get(count).set(j).get(indices).set(index).get(updates).set(from);
      f.get(count).i32(scatterBlock).i32GtU().if(addInBlocks, () => { isOne().if(addAll(addNumber), addAll(addRow)); });
      f.advance(out, size, rowBytes).advance(updates, count, rowBytes);
    });
  });
}

/** So many pairs of rows are added up in float32 before their sum moves on to float64: rounding does not grow with the rows. */
const BLOCK_PAIRS = 32;
/** Columns are reduced in tiles of four vectors, a cache line a row. */
const TILE = 4;

/** The parameters of a part, which has some of the columns: the distance between rows is that of the whole. */
export const partOfColumns = { ...columnsParameters, rowBytes: layoutSize(columnsParameters) };

export function writeColumns(f: Body, kernel: ColumnsKernel): void {
  const isSum = kernel.reduce === "sum";
  const combine = reducing[kernel.reduce];
  const { outer, n, inner, rowBytes } = parameters(f, 2, partOfColumns);
  const [out, input] = words(f, 0, 2);
  const [columns, column, from, next, pairs, blocks] = f.locals(6);
  const results = f.locals(TILE, V128);
  const total = f.local(V128);
  toBytes(f, rowBytes).set(rowBytes);

  const tile = (width: number): void => {
    const sums = results.slice(0, width);
    /** Totals are of two columns each. They wait in scratch memory, so that the loop over rows has the registers. */
    const eachTotal = (visit: (at: number, sum: Local, isSecond: boolean) => void): void => {
      for (let i = 0; i < 2 * width; i++) visit(16 * i, sums[i >> 1], i % 2 === 1);
    };
    const addPairs = (): void => {
      f.times(pairs, () => {
        f.get(from).get(rowBytes).i32Add().set(next);
        sums.forEach((sum, v) => {
          f.get(from).v128Load(16 * v).get(next).v128Load(16 * v).simd(combine).get(sum).simd(combine).set(sum);
        });
        f.get(next).get(rowBytes).i32Add().set(from);
      });
    };
    const addBlocks = (): void => {
      // What fills no block comes first.
      f.get(pairs).i32(BLOCK_PAIRS).i32DivU().set(blocks);
      f.get(pairs).i32(BLOCK_PAIRS).i32RemU().set(pairs);
      eachTotal((at) => { f.scratch(0).f64x2(0).v128Store(at); });
      f.loop((again) => {
        addPairs();
        eachTotal((at, sum, isSecond) => {
          f.promote(sum, isSecond).scratch(0).v128Load(at).f64x2Add().set(total);
          f.scratch(0).get(total).v128Store(at);
          if (isSecond) f.f32x4(0).set(sum);
        });
        f.i32(BLOCK_PAIRS).set(pairs);
        f.get(blocks).i32(1).i32Sub().tee(blocks).i32(0).i32GeS().branchIf(again);
      });
      eachTotal((at, sum, isSecond) => {
        f.scratch(0).v128Load(at).f32x4DemoteF64x2Zero();
        if (isSecond) f.shuffle32(0, 1, 4, 5).set(sum);
      });
    };

    f.get(column).set(from);
    f.get(n).i32(1).i32And().if(
      () => {
        sums.forEach((sum, v) => { f.get(from).v128Load(16 * v).set(sum); });
        f.advance(from, rowBytes);
      },
      () => { for (const sum of sums) f.f32x4(identities[kernel.reduce]).set(sum); },
    );
    f.get(n).i32(1).i32ShrU().set(pairs);
    if (isSum) f.get(pairs).i32(BLOCK_PAIRS).i32GtU().if(addBlocks, addPairs);
    else addPairs();
  };

  f.times(outer, () => {
    f.get(inner).set(columns).get(input).set(column);
    for (const width of [TILE, 1]) {
      f.while(() => f.get(columns).i32(4 * width).i32GeU(), () => {
        tile(width);
        for (let v = 0; v < width; v++) f.get(out).get(results[v]).v128Store(16 * v);
        f.increment(out, 16 * width).increment(column, 16 * width).increment(columns, -4 * width);
      });
    }
    f.get(columns).if(() => {
      tile(1); // reads up to three elements of the next row, and keeps none of them
      f.storeFirst(out, results[0], columns);
      f.get(out).get(columns).i32(2).i32Shl().i32Add().set(out);
    });
    f.advance(input, n, rowBytes);
  });
}
