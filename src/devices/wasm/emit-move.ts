/** Kernels that move or add whole rows: copy, gather, scatter-add, and reduction over a middle axis. */

import type { ColumnsKernel, CopyKernel } from "../../kernels/kernel.ts";
import { type Body, I32, type Local, V128 } from "./assembler.ts";
import { HEADER } from "./layout.ts";

/** Loads the parameters of a launch with so many operands into locals. */
function parameters(f: Body, operands: number, count: number): Local[] {
  return Array.from({ length: count }, (_, i) => {
    const local = f.local(I32);
    f.get(0).i32Load(HEADER + 4 * (operands + i)).set(local);
    return local;
  });
}

function operand(f: Body, k: number): Local {
  const local = f.local(I32);
  f.get(0).i32Load(HEADER + 4 * k).set(local);
  return local;
}

/** bytes(local) = 4 · elements. */
const toBytes = (f: Body, elements: Local): Body => f.get(elements).i32(2).i32Shl();

/** For each vector of a row of `count` elements, then for each single element that remains. Both advance the pointers. */
function alongRow(f: Body, count: Local, rest: Local, pointers: readonly Local[], vector: () => void, single: () => void): void {
  f.get(count).set(rest);
  f.while(() => f.get(rest).i32(4).i32GeU(), () => {
    vector();
    for (const pointer of pointers) f.increment(pointer, 16);
    f.increment(rest, -4);
  });
  f.while(() => f.get(rest), () => {
    single();
    for (const pointer of pointers) f.increment(pointer, 4);
    f.increment(rest, -1);
  });
}

/** A row of `count` elements added to what is there, some steps in bytes apart, by vectors where they are neighbours. */
function addRow(f: Body, count: Local, rest: Local, to: Local, stepOut: Local, from: Local, stepIn: Local): void {
  const single = (): Body => f.get(to).get(to).f32Load().get(from).f32Load().f32Add().f32Store();
  f.get(stepOut).i32(4).i32Eq().get(stepIn).i32(4).i32Eq().i32And().if(
    () => {
      alongRow(f, count, rest, [to, from],
        () => f.get(to).get(to).v128Load().get(from).v128Load().f32x4Add().v128Store(),
        single);
    },
    () => {
      f.get(count).set(rest);
      f.while(() => f.get(rest), () => {
        single();
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
            () => f.get(to).get(from).v128Load().v128Store(),
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
  const axesAt = HEADER + 8 + 4;
  const [rank, n, stepOut, stepIn] = parameters(f, 2, 4);
  const [out, into] = [operand(f, 0), operand(f, 1)];
  const [planes, plane, rows, row, rest, axis, axisEnd, position] = Array.from({ length: 8 }, () => f.local(I32));
  const [rowOut, rowIn, planeTo, planeFrom, to, from] = Array.from({ length: 6 }, () => f.local(I32));

  const spare = f.local(V128);
  toBytes(f, stepOut).set(stepOut);
  toBytes(f, stepIn).set(stepIn);
  f.i32(1).set(rows).i32(1).set(planes);
  f.get(rank).i32(1).i32GtU().if(() => {
    f.get(0).i32Load(axesAt + 12).set(rows);
    f.get(0).i32Load(axesAt + 16).i32(2).i32Shl().set(rowOut);
    f.get(0).i32Load(axesAt + 20).i32(2).i32Shl().set(rowIn);
  });
  f.get(0).get(rank).i32(12).i32Mul().i32Add().set(axisEnd);
  const outerAxes = (visit: () => void): void => {
    f.get(0).i32(24).i32Add().set(axis);
    f.while(() => f.get(axis).get(axisEnd).i32LtU(), () => {
      visit();
      f.increment(axis, 12);
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

/** The address of the row that an index names; calls `fault` (launch, index, limit) for one that is not an integer in range. */
function indexedRow(f: Body, index: Local, size: Local, rowBytes: Local, base: Local, row: Local, fault: number): void {
  f.get(index).f32Load().i32TruncF32S().set(row);
  f.get(row).get(size).i32GeU()
    .get(row).f32ConvertI32S().get(index).f32Load().f32Ne()
    .i32Or()
    .if(() => { f.get(0).get(index).f32Load().get(size).call(fault); });
  f.get(row).get(rowBytes).i32Mul().get(base).i32Add().set(row);
}

export function writeGather(f: Body, fault: number): void {
  const [outer, count, inner, size] = parameters(f, 3, 4);
  const [out, table, indices] = [operand(f, 0), operand(f, 1), operand(f, 2)];
  const [j, rest, from, index, rowBytes] = Array.from({ length: 5 }, () => f.local(I32));
  toBytes(f, inner).set(rowBytes);
  f.while(() => f.get(outer), () => {
    f.get(count).set(j).get(indices).set(index);
    f.while(() => f.get(j), () => {
      indexedRow(f, index, size, rowBytes, table, from, fault);
      alongRow(f, inner, rest, [out, from],
        () => f.get(out).get(from).v128Load().v128Store(),
        () => f.get(out).get(from).f32Load().f32Store());
      f.increment(index, 4).increment(j, -1);
    });
    f.get(table).get(size).get(rowBytes).i32Mul().i32Add().set(table);
    f.increment(outer, -1);
  });
}

export function writeScatterAdd(f: Body, fault: number): void {
  const [outer, count, inner, size] = parameters(f, 3, 4);
  const [out, indices, updates] = [operand(f, 0), operand(f, 1), operand(f, 2)];
  const [j, rest, to, index, rowBytes] = Array.from({ length: 5 }, () => f.local(I32));
  toBytes(f, inner).set(rowBytes);
  f.get(out).i32(0).get(outer).get(size).i32Mul().get(rowBytes).i32Mul().memoryFill();
  f.while(() => f.get(outer), () => {
    f.get(count).set(j).get(indices).set(index);
    f.while(() => f.get(j), () => {
      indexedRow(f, index, size, rowBytes, out, to, fault);
      alongRow(f, inner, rest, [to, updates],
        () => f.get(to).get(to).v128Load().get(updates).v128Load().f32x4Add().v128Store(),
        () => f.get(to).get(to).f32Load().get(updates).f32Load().f32Add().f32Store());
      f.increment(index, 4).increment(j, -1);
    });
    f.get(out).get(size).get(rowBytes).i32Mul().i32Add().set(out);
    f.increment(outer, -1);
  });
}

/** So many rows are added up before their sum moves on: rounding grows with the blocks, not with the rows. */
const BLOCK_ROWS = 256;
/** Columns are reduced in tiles of four vectors, a cache line a row. */
const TILE = 4;

/** Its launches have one more parameter: the distance between rows of the input. */
export function writeColumns(f: Body, kernel: ColumnsKernel): void {
  const identity = { sum: 0, maximum: -Infinity, minimum: Infinity }[kernel.reduce];
  const combine = (): Body => kernel.reduce === "sum" ? f.f32x4Add() : kernel.reduce === "maximum" ? f.f32x4Max() : f.f32x4Min();
  const [outer, n, inner, rowBytes] = parameters(f, 2, 4);
  const [out, input] = [operand(f, 0), operand(f, 1)];
  const [columns, column, from, rest, block] = Array.from({ length: 5 }, () => f.local(I32));
  const sums = Array.from({ length: TILE }, () => f.local(V128));
  const totals = Array.from({ length: TILE }, () => f.local(V128));
  toBytes(f, rowBytes).set(rowBytes);

  const tile = (width: number): void => {
    for (let v = 0; v < width; v++) f.f32x4(identity).set(totals[v]);
    f.get(column).set(from).get(n).set(rest);
    f.while(() => f.get(rest), () => {
      for (let v = 0; v < width; v++) f.f32x4(identity).set(sums[v]);
      f.i32(BLOCK_ROWS).get(rest).get(rest).i32(BLOCK_ROWS).i32GtU().select().set(block);
      f.get(rest).get(block).i32Sub().set(rest);
      f.while(() => f.get(block), () => {
        for (let v = 0; v < width; v++) {
          f.get(sums[v]).get(from).v128Load(16 * v);
          combine().set(sums[v]);
        }
        f.advance(from, rowBytes).increment(block, -1);
      });
      for (let v = 0; v < width; v++) {
        f.get(totals[v]).get(sums[v]);
        combine().set(totals[v]);
      }
    });
  };

  f.while(() => f.get(outer), () => {
    f.get(inner).set(columns).get(input).set(column);
    for (const width of [TILE, 1]) {
      f.while(() => f.get(columns).i32(4 * width).i32GeU(), () => {
        tile(width);
        for (let v = 0; v < width; v++) f.get(out).get(totals[v]).v128Store(16 * v);
        f.increment(out, 16 * width).increment(column, 16 * width).increment(columns, -4 * width);
      });
    }
    f.get(columns).if(() => {
      tile(1); // reads up to three elements of the next row, and keeps none of them
      for (let lane = 0; lane < 3; lane++) {
        f.get(columns).i32(lane).i32GtU().if(() => { f.get(out).get(totals[0]).v128Store32Lane(lane, 4 * lane); });
      }
      f.get(out).get(columns).i32(2).i32Shl().i32Add().set(out);
    });
    f.get(input).get(n).get(rowBytes).i32Mul().i32Add().set(input);
    f.increment(outer, -1);
  });
}
