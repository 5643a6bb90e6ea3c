/** Kernels that move or add whole rows: copy, gather, scatter-add, and reduction over a middle axis. */

import {
  type ColumnsKernel, type CopyKernel, columnsParameters, copyAxisAt, copyRankAt, gatherParameters, identities, layoutSize, scatterAddParameters, scatterBlock,
} from "../../kernels/kernel.ts";
import { type Body, F32, type Local, V128 } from "./assembler.ts";
import { HEADER, parameters, toBytes, word } from "./layout.ts";
import { reducing } from "./vector-math.ts";

/** For each vector of a row of `count` elements, some bytes after the pointers, then for each single element that remains. Advances the pointers. */
function alongRow(f: Body, count: Local, rest: Local, pointers: readonly Local[], vector: (offset: number) => void, single: () => void): void {
  const vectors = (number: number): void => {
    for (let v = 0; v < number; v++) vector(16 * v);
    for (const pointer of pointers) f.increment(pointer, 16 * number);
  };
  f.get(count).i32(3).i32ShrU().tee(rest).if(() => { f.repeat(rest, () => vectors(2)); });
  f.get(count).i32(4).i32And().if(() => vectors(1));
  f.get(count).i32(3).i32And().tee(rest).if(() => {
    f.repeat(rest, () => {
      single();
      for (const pointer of pointers) f.increment(pointer, 4);
    });
  });
}

/** A row of `count` neighbours added to others. Advances both pointers. */
function addNeighbours(f: Body, count: Local, rest: Local, to: Local, from: Local): void {
  alongRow(f, count, rest, [to, from],
    (at) => f.get(to).get(to).v128Load(at).get(from).v128Load(at).f32x4Add().v128Store(at),
    () => f.get(to).get(to).f32Load().get(from).f32Load().f32Add().f32Store());
}

/** A row of `count` elements added to what is there, some steps in bytes apart, by vectors where they are neighbours. */
function addRow(f: Body, count: Local, rest: Local, to: Local, stepOut: Local, from: Local, stepIn: Local): void {
  f.get(stepOut).i32(4).i32Eq().get(stepIn).i32(4).i32Eq().i32And().if(
    () => addNeighbours(f, count, rest, to, from),
    () => {
      f.get(count).set(rest);
      f.while(() => f.get(rest), () => {
        f.get(to).get(to).f32Load().get(from).f32Load().f32Add().f32Store();
        f.advance(to, stepOut).advance(from, stepIn).increment(rest, -1);
      });
    },
  );
}

/** A row of `count` elements, some steps in bytes apart, by vectors where they are neighbours, or every other one of the input. */
function copyRow(f: Body, count: Local, rest: Local, to: Local, stepOut: Local, from: Local, stepIn: Local, spare: Local): void {
  const singles = (): void => {
    f.while(() => f.get(rest), () => {
      f.get(to).get(from).f32Load().f32Store();
      f.advance(to, stepOut).advance(from, stepIn).increment(rest, -1);
    });
  };
  f.get(stepOut).i32(4).i32Eq().if(
    () => {
      f.get(stepIn).i32(4).i32Eq().if(
        () => {
          alongRow(f, count, rest, [to, from],
            (at) => f.get(to).get(from).v128Load(at).v128Store(at),
            () => f.get(to).get(from).f32Load().f32Store());
        },
        () => {
          f.get(count).set(rest);
          f.get(stepIn).i32(8).i32Eq().if(() => {
            f.while(() => f.get(rest).i32(4).i32GeU(), () => {
              // Elements 0 to 3 and 3 to 6: no element beyond the last is read.
              f.get(to).get(from).v128Load().get(from).v128Load(12).shuffle32(0, 2, 5, 7).v128Store();
              f.increment(to, 16).increment(from, 32).increment(rest, -4);
            });
          });
          singles();
        },
      );
    },
    () => {
      f.get(count).set(rest);
      f.get(stepIn).i32(4).i32Eq().if(() => {
        f.while(() => f.get(rest).i32(4).i32GeU(), () => {
          f.get(from).v128Load().set(spare);
          for (let lane = 0; lane < 4; lane++) {
            f.get(to).get(spare).v128Store32Lane(lane);
            f.advance(to, stepOut);
          }
          f.increment(from, 16).increment(rest, -4);
        });
      });
      singles();
    },
  );
}

/**
 * The two innermost axes are loops; the outer ones are found by taking the number of the plane apart, as in a map kernel.
 */
export function writeCopy(f: Body, { adds }: CopyKernel): void {
  const firstAxis = 2 + copyAxisAt(0);
  const axesAt = HEADER + 4 * firstAxis;
  const axisBytes = 4 * (copyAxisAt(1) - copyAxisAt(0));
  const [rank, n, stepOut, stepIn] = [2 + copyRankAt, firstAxis, firstAxis + 1, firstAxis + 2].map((k) => word(f, k));
  const [out, into] = [word(f, 0), word(f, 1)];
  const [planes, plane, rows, row, rest, axis, axisEnd, position] = f.locals(8);
  const [rowOut, rowIn, planeTo, planeFrom, to, from] = f.locals(6);

  const spare = f.local(V128);
  toBytes(f, stepOut).set(stepOut);
  toBytes(f, stepIn).set(stepIn);
  f.i32(1).set(rows).i32(1).set(planes);
  f.get(rank).i32(1).i32GtU().if(() => {
    f.get(0).i32Load(axesAt + axisBytes).set(rows);
    f.get(0).i32Load(axesAt + axisBytes + 4).i32(2).i32Shl().set(rowOut);
    f.get(0).i32Load(axesAt + axisBytes + 8).i32(2).i32Shl().set(rowIn);
  });
  f.get(0).get(rank).i32(axisBytes).i32Mul().i32Add().set(axisEnd);
  const outerAxes = (visit: () => void): void => {
    f.get(0).i32(2 * axisBytes).i32Add().set(axis);
    f.while(() => f.get(axis).get(axisEnd).i32LtU(), () => {
      visit();
      f.increment(axis, axisBytes);
    });
  };
  outerAxes(() => f.get(planes).get(axis).i32Load(axesAt).i32Mul().set(planes));
  f.while(() => f.get(plane).get(planes).i32LtU(), () => {
    f.get(out).set(planeTo).get(into).set(planeFrom).get(plane).set(rest);
    outerAxes(() => {
      f.get(rest).get(axis).i32Load(axesAt).i32RemU().i32(2).i32Shl().set(position);
      f.get(rest).get(axis).i32Load(axesAt).i32DivU().set(rest);
      f.get(planeTo).get(axis).i32Load(axesAt + 4).get(position).i32Mul().i32Add().set(planeTo);
      f.get(planeFrom).get(axis).i32Load(axesAt + 8).get(position).i32Mul().i32Add().set(planeFrom);
    });
    f.get(rows).set(row);
    f.while(() => f.get(row), () => {
      f.get(planeTo).set(to).get(planeFrom).set(from);
      if (adds) addRow(f, n, rest, to, stepOut, from, stepIn);
      else copyRow(f, n, rest, to, stepOut, from, stepIn, spare);
      f.advance(planeTo, rowOut).advance(planeFrom, rowIn).increment(row, -1);
    });
    f.increment(plane, 1);
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

export function writeGather(f: Body, fault: number): void {
  const { outer, count, inner, size } = parameters(f, 3, gatherParameters);
  const [out, table, indices] = [word(f, 0), word(f, 1), word(f, 2)];
  const [j, rest, from, index, rowBytes] = f.locals(5);
  toBytes(f, inner).set(rowBytes);
  withRows(f, size, fault, (find, row) => {
    f.while(() => f.get(outer), () => {
      f.get(count).set(j).get(indices).set(index);
      f.while(() => f.get(j), () => {
        find(index);
        f.get(row).get(rowBytes).i32Mul().get(table).i32Add().set(from);
        alongRow(f, inner, rest, [out, from],
          (at) => f.get(out).get(from).v128Load(at).v128Store(at),
          () => f.get(out).get(from).f32Load().f32Store());
        f.increment(index, 4).increment(j, -1);
      });
      f.get(table).get(size).get(rowBytes).i32Mul().i32Add().set(table);
      f.increment(outer, -1);
    });
  });
}

/**
 * Where there are more updates than a block has, those of each row are counted. A row that has its block goes to a log, with its index, and
 * begins again at 0. What is in the log are the updates of another pass, with a log of its own.
 */
export function writeScatterAdd(f: Body, fault: number): void {
  const { outer, count, inner, size } = parameters(f, 4, scatterAddParameters);
  const [out, indices, updates, room] = [word(f, 0), word(f, 1), word(f, 2), word(f, 3)];
  const [j, rest, to, from, index, rowBytes] = f.locals(6);
  const [entryBytes, indexStep, gap, counter, seen, log, nextLog, entry] = f.locals(8);
  toBytes(f, inner).set(rowBytes);
  f.get(rowBytes).i32(4).i32Add().set(entryBytes);
  f.get(out).i32(0).get(outer).get(size).i32Mul().get(rowBytes).i32Mul().memoryFill();

  withRows(f, size, fault, (find, row, value) => {
    const rowOfOut = (): Body => f.get(row).get(rowBytes).i32Mul().get(out).i32Add().tee(to);
    const addNumber = (): void => {
      find(index);
      f.get(row).i32(2).i32Shl().get(out).i32Add().tee(to).get(to).f32Load().get(from).f32Load().f32Add().f32Store();
      f.increment(from, 4);
    };
    const addRow = (): void => {
      find(index);
      rowOfOut().drop();
      addNeighbours(f, inner, rest, to, from);
    };
    const addAll = (add: () => void) => (): void => {
      f.while(() => f.get(j), () => {
        add();
        f.increment(index, 4).increment(j, -1);
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

    f.while(() => f.get(outer), () => {
      f.get(count).set(j).get(indices).set(index).get(updates).set(from);
      f.get(count).i32(scatterBlock).i32GtU().if(addInBlocks, () => { isOne().if(addAll(addNumber), addAll(addRow)); });
      f.get(out).get(size).get(rowBytes).i32Mul().i32Add().set(out);
      f.get(updates).get(count).get(rowBytes).i32Mul().i32Add().set(updates);
      f.increment(outer, -1);
    });
  });
}

/** So many pairs of rows are added up in float32 before their sum moves on to float64: rounding does not grow with the rows. */
const BLOCK_PAIRS = 32;
/** Columns are reduced in tiles of four vectors, a cache line a row. */
const TILE = 4;

/** Its launches have one more parameter: the distance between rows of the input. */
export function writeColumns(f: Body, kernel: ColumnsKernel): void {
  const isSum = kernel.reduce === "sum";
  const combine = (): Body => reducing[kernel.reduce](f);
  const { outer, n, inner } = parameters(f, 2, columnsParameters);
  const rowBytes = word(f, 2 + layoutSize(columnsParameters));
  const [out, input] = [word(f, 0), word(f, 1)];
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
      f.get(pairs).if(() => {
        f.repeat(pairs, () => {
          f.get(from).get(rowBytes).i32Add().set(next);
          sums.forEach((sum, v) => {
            f.get(from).v128Load(16 * v).get(next).v128Load(16 * v);
            combine().get(sum);
            combine().set(sum);
          });
          f.get(next).get(rowBytes).i32Add().set(from);
        });
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

  f.while(() => f.get(outer), () => {
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
    f.get(input).get(n).get(rowBytes).i32Mul().i32Add().set(input);
    f.increment(outer, -1);
  });
}
