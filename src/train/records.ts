/** The epochs of a training, also as columns of numbers: so that a checkpoint can take them over as they are, however many there are. */

import type { EpochRecord } from "./history.ts";
import { square } from "./metric-results.ts";

/** Numbers by epoch: one, or as many as a matrix has. */
class Column {
  private values: Float64Array;
  /** Where there is one. */
  private known = new Uint8Array(64);
  private count = 0;

  constructor(private readonly width: number) { this.values = new Float64Array(64 * width); }

  put(i: number, values: ArrayLike<number>): void {
    this.grow(i + 1);
    this.values.set(values, i * this.width);
    this.known[i] = 1;
    this.count++;
  }

  private grow(epochs: number): void {
    if (epochs <= this.known.length) return;
    const [{ values, known }, size] = [this, Math.max(2 * this.known.length, epochs)];
    this.values = new Float64Array(size * this.width);
    this.values.set(values);
    this.known = new Uint8Array(size);
    this.known.set(known);
  }

  first(epochs: number): ColumnState {
    this.grow(epochs); // the last ones may have none
    return [this.values.subarray(0, epochs * this.width), this.count === epochs ? null : this.known.subarray(0, epochs)];
  }
}

/** Numbers, and where there are some if that is not everywhere. */
type ColumnState = readonly [values: Float64Array, known: Uint8Array | null];

/** What is kept of records: `validation/loss`, `metrics/accuracy` and `matrices/10/confusions`, with the number of rows, are names of columns. */
export interface RecordsState {
  readonly count: number;
  readonly columns: readonly (readonly [name: string, ...state: ColumnState])[];
}

const own = ["step", "samples", "loss", "learningRate", "seconds"] as const;

export class Records {
  readonly list: EpochRecord[] = [];
  private readonly columns = new Map<string, Column>();

  push(record: EpochRecord): void {
    const i = this.list.push(record) - 1;
    for (const name of own) if (record[name] !== null) this.put(name, i, [record[name]]);
    for (const [name, value] of Object.entries(record.metrics)) this.put(`metrics/${name}`, i, [value]);
    for (const [name, value] of Object.entries(record.validation ?? {})) this.put(`validation/${name}`, i, [value]);
    for (const [name, matrix] of Object.entries(record.matrices)) this.put(`matrices/${matrix.length}/${name}`, i, matrix.flat());
  }

  private put(name: string, i: number, values: ArrayLike<number>): void {
    const column = this.columns.get(name) ?? new Column(values.length);
    this.columns.set(name, column);
    column.put(i, values);
  }

  /** Views, to be written before another epoch comes. */
  get state(): RecordsState {
    const count = this.list.length;
    return { count, columns: [...this.columns].map(([name, column]) => [name, ...column.first(count)] as const) };
  }
}

/** The records of a state. @throws TypeError for one that is not whole */
export function recordsIn({ count, columns }: RecordsState): EpochRecord[] {
  const byName = new Map(columns.map(([name, values, known]) => {
    const width = widthOf(name);
    const isWhole = values instanceof Float64Array && values.length === count * width;
    if (!isWhole || (known !== null && !(known instanceof Uint8Array && known.length === count))) throw new TypeError(`The column ${name} is not whole.`);
    return [name, (i: number): Float64Array | null => (known === null || known[i] === 1 ? values.subarray(i * width, (i + 1) * width) : null)] as const;
  }));
  const at = (name: string, i: number): number | null => byName.get(name)?.(i)?.[0] ?? null;
  const number = (name: string, i: number): number => at(name, i) ?? NaN;
  const group = <T>(prefix: RegExp, read: (values: Float64Array) => T): ((i: number) => Record<string, T> | null) => {
    const members = [...byName].filter(([name]) => prefix.test(name)).map(([name, values]) => [name.replace(prefix, ""), values] as const);
    return (i) => {
      const found = members.flatMap(([name, of]) => { const values = of(i); return values === null ? [] : [[name, read(values)] as const]; });
      return found.length === 0 ? null : Object.fromEntries(found);
    };
  };
  const [metrics, validation] = [/^metrics\//, /^validation\//].map((prefix) => group(prefix, ([value]) => value));
  const matrices = group(/^matrices\/\d+\//, square);
  return Array.from({ length: count }, (_, i) => ({
    epoch: i + 1, step: number("step", i), steps: number("step", i) - (i === 0 ? 0 : number("step", i - 1)), samples: at("samples", i), loss: number("loss", i),
    metrics: metrics(i) ?? {}, validation: validation(i), matrices: matrices(i) ?? {}, learningRate: number("learningRate", i), seconds: number("seconds", i),
  }));
}

/** How many numbers a column has for each epoch. */
const widthOf = (name: string): number => Number(/^matrices\/(\d+)\//.exec(name)?.[1] ?? 1) ** 2;
