import { gather, input, Random, ShapeError, ValueError, Variable } from "../index.ts";
import { formatShape, sizeOf } from "../support/shape.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { isList, type TypedArray } from "../support/arrays.ts";
import { checkInstance, checkInteger, refusal } from "../support/check.ts";
import { type AsyncSource, isAsyncIterable, isIterable, type Source, type Stage, staged } from "./source.ts";
import { StreamError } from "./stream-error.ts";

/** How samples of a stream become batches. */
export interface BatchOptions {
  /** Leave out a last batch that is not full. */
  readonly dropLast?: boolean | undefined;
  /** How many samples a pass has: one that ends before is an error. */
  readonly count?: number | undefined;
}

/** How samples of a table become batches. */
export interface TableBatchOptions {
  /** Leave out a last batch that is not full. */
  readonly dropLast?: boolean | undefined;
  /** Another random order at each pass, from the default generator (true) or from one of your own. */
  readonly shuffle?: boolean | Random | undefined;
}

/** One part of each sample: an array, or a Variable whose first axis is the samples. */
export type Column = Variable | TypedArray | readonly unknown[];
/** Some samples of a table. */
export type Rows<C> = { -readonly [K in keyof C]: C[K] extends readonly (infer T)[] ? T[] : C[K] };

/**
 * Samples in batches of `size`; the last one has what is left. Each `for` over the result is a pass.
 *
 * From an iterable, or a function that makes one for each pass, the batches are arrays of samples. From an async one they
 * are too, and only one batch is in memory: `for await (const batch of minibatches(stream, 32))`. From a table of columns
 * of equal length they are tables of the same columns: Variables [size, …] and arrays. Columns that are on a device that answers later stay there.
 *
 * @throws ValueError for a size that is not an integer of at least 1, or what is no source; ShapeError for columns of
 *   different lengths; StreamError, in a pass, for a source that fails, gives nothing, or ends before `count` samples
 * @example
 * const table = { x: randn([5, 2]), y: [0, 1, 0, 1, 1] };
 * for (const { x, y } of minibatches(table, 2, { shuffle: true })) console.log(x.shape, y.length);
 * [...minibatches(table, 2)].map(({ x }) => x.shape); // [[2, 2], [2, 2], [1, 2]]
 * [...minibatches(["a", "b", "c"], 2)]; // [["a", "b"], ["c"]]
 */
export function minibatches<T>(source: Source<T>, size: number, options?: BatchOptions): Iterable<T[]>;
export function minibatches<T>(source: AsyncSource<T>, size: number, options?: BatchOptions): AsyncIterable<T[]>;
export function minibatches<C extends Readonly<Record<keyof C, Column>>>(table: C, size: number, options?: TableBatchOptions): Iterable<Rows<C>>;
export function minibatches(
  source: Source<unknown> | AsyncSource<unknown> | Readonly<Record<string, Column>>, size: number, options: BatchOptions & TableBatchOptions = {},
): Iterable<unknown> | AsyncIterable<unknown> {
  checkArguments("minibatches", arguments, 3);
  checkOptions("minibatches", options, ["dropLast", "count", "shuffle"]);
  checkInteger("minibatches", "size", size, 1);
  if (typeof source === "object" && source !== null && !isIterable(source) && !isAsyncIterable(source) && !(source instanceof Variable)) {
    return tableBatches(source as Readonly<Record<string, Column>>, size, options);
  }
  if (options.shuffle !== undefined) throw new ValueError("minibatches shuffles tables only. Give it shuffled(samples) instead of the option.");
  const count = options.count === undefined ? 1 : checkInteger("minibatches", "count", options.count, 0);
  return staged("minibatches", source as Source<unknown>, () => batching(size, options.dropLast ?? false, count));
}

/** What batches say themselves would be a guess: a table of steps, as one sequence has them, looks the same. */
const counts = new WeakMap<object, number>();

function counted<T extends object>(batch: T, samples: number): T {
  counts.set(batch, samples);
  return batch;
}

/**
 * How many samples a batch has that `minibatches` made; null of anything else.
 * @example
 * const [batch] = minibatches({ x: randn([5, 2]) }, 3);
 * sampleCount(batch); // 3
 * sampleCount({ x: randn([3, 2]) }); // null
 */
export function sampleCount(batch: unknown): number | null {
  checkArguments("sampleCount", arguments, 1);
  return counts.get(batch as object) ?? null;
}

function batching<T>(size: number, dropLast: boolean, count: number): Stage<T, T[]> {
  let batch: T[] = [];
  let samples = 0;
  return {
    take(sample) {
      samples++;
      batch.push(sample);
      if (batch.length < size) return [];
      const full = batch;
      batch = [];
      return [counted(full, full.length)];
    },
    end() {
      if (samples === 0 && count > 0) {
        throw new StreamError("The stream gave no samples. A generator can be gone through only once: give a function that makes a new one for each pass.", 0);
      }
      if (samples < count) throw new StreamError(`The stream ended after ${samples} of ${count} samples.`, samples);
      return batch.length > 0 && !dropLast ? [counted(batch, batch.length)] : [];
    },
  };
}

/** A column that can be read. */
interface Readable {
  readonly length: number;
  /** Reads the column once for a pass. */
  open(): (rows: Int32Array) => unknown;
}

function columnOf(name: string, column: unknown): Readable {
  if (column instanceof Variable) {
    if (column.shape.length === 0) throw new ShapeError(`minibatches got a scalar as column ${name}: the first axis of a column is the samples.`);
    const rest = column.shape.slice(1);
    const width = sizeOf(rest);
    return {
      length: column.shape[0],
      open: () => {
        const own = column.isKnown ? column : input(column);
        if (!own.isKnown) return (rows) => gather(own, rows);
        const { data } = own;
        return (rows) => {
          const values = data.slice(0, rows.length * width);
          rows.forEach((row, i) => { values.set(data.subarray(row * width, (row + 1) * width), i * width); });
          return input(values, [rows.length, ...rest]);
        };
      },
    };
  }
  if (Array.isArray(column)) return { length: column.length, open: () => (rows) => Array.from(rows, (row) => column[row] as unknown) };
  if (isList(column)) {
    const array = column as Int32Array;
    return { length: array.length, open: () => (rows) => array.slice(0, rows.length).map((_, i) => array[rows[i]]) };
  }
  throw refusal("minibatches", `a Variable, an array or a typed array as column ${name}`, column);
}

function tableBatches(
  table: Readonly<Record<string, Column>>, size: number, { dropLast = false, shuffle = false, ...others }: BatchOptions & TableBatchOptions
): Iterable<unknown> {
  if (others.count !== undefined) throw new ValueError("minibatches takes count for a stream only: a table has as many samples as it has.");
  const generator = shuffle === true ? Random.default : shuffle;
  const random = generator === false ? null : checkInstance("minibatches", "a generator made by new Random(seed)", generator, Random);
  const columns = Object.entries(table).map(([name, column]) => [name, columnOf(name, column)] as const);
  if (columns.length === 0) throw new ValueError("minibatches got a table without columns.");
  const [[first, { length }]] = columns;
  const other = columns.find(([, column]) => column.length !== length);
  if (other !== undefined) throw new ShapeError(`minibatches got columns of different lengths: ${length} in ${first}, ${other[1].length} in ${other[0]}.`);
  if (length === 0) throw new ShapeError(`minibatches got a table without samples: ${columns.map(([name]) => `${name} ${shapeOf(table[name])}`).join(", ")}.`);
  return {
    *[Symbol.iterator]() {
      const order = Int32Array.from({ length }, (_, i) => i);
      random?.shuffle(order);
      const readers = columns.map(([name, column]) => [name, column.open()] as const);
      for (let start = 0; start < length; start += size) {
        if (dropLast && start + size > length) return;
        const rows = order.subarray(start, start + size);
        yield counted(Object.fromEntries(readers.map(([name, read]) => [name, read(rows)])), rows.length);
      }
    },
  };
}

const shapeOf = (column: Column): string => formatShape(column instanceof Variable ? column.shape : [column.length]);
