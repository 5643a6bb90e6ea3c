/** The epochs of a training, also as columns of numbers: so that a checkpoint can take them over as they are, however many there are. */

import type { EpochRecord } from "./history.ts";

/** Numbers by epoch. */
class Column {
  private values = new Float64Array(64);
  /** Where there is one. */
  private known = new Uint8Array(64);
  private count = 0;

  put(i: number, value: number): void {
    this.grow(i + 1);
    this.values[i] = value;
    this.known[i] = 1;
    this.count++;
  }

  private grow(epochs: number): void {
    if (epochs <= this.values.length) return;
    const [{ values, known }, size] = [this, Math.max(2 * this.values.length, epochs)];
    this.values = new Float64Array(size);
    this.values.set(values);
    this.known = new Uint8Array(size);
    this.known.set(known);
  }

  first(epochs: number): ColumnState {
    this.grow(epochs); // the last ones may have none
    return [this.values.subarray(0, epochs), this.count === epochs ? null : this.known.subarray(0, epochs)];
  }
}

/** Numbers, and where there are some if that is not everywhere. */
type ColumnState = readonly [values: Float64Array, known: Uint8Array | null];

/** What is kept of records: `validation/loss` and `metrics/accuracy` are names of columns. */
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
    for (const name of own) if (record[name] !== null) this.put(name, i, record[name]);
    for (const [name, value] of Object.entries(record.metrics)) this.put(`metrics/${name}`, i, value);
    for (const [name, value] of Object.entries(record.validation ?? {})) this.put(`validation/${name}`, i, value);
  }

  private put(name: string, i: number, value: number): void {
    const column = this.columns.get(name) ?? new Column();
    this.columns.set(name, column);
    column.put(i, value);
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
    if (!(values instanceof Float64Array) || values.length !== count || (known !== null && (!(known instanceof Uint8Array) || known.length !== count))) {
      throw new TypeError(`The column ${name} is not whole.`);
    }
    return [name, (i: number): number | null => (known === null || known[i] === 1 ? values[i] : null)] as const;
  }));
  const at = (name: string, i: number): number | null => byName.get(name)?.(i) ?? null;
  const number = (name: string, i: number): number => at(name, i) ?? NaN;
  const group = (prefix: string): ((i: number) => Record<string, number> | null) => {
    const members = [...byName].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value] as const);
    return (i) => {
      const found = members.map(([name, value]) => [name, value(i)] as const).filter(([, value]) => value !== null);
      return found.length === 0 ? null : (Object.fromEntries(found) as Record<string, number>);
    };
  };
  const [metrics, validation] = [group("metrics/"), group("validation/")];
  return Array.from({ length: count }, (_, i) => ({
    epoch: i + 1, step: number("step", i), steps: number("step", i) - (i === 0 ? 0 : number("step", i - 1)), samples: at("samples", i), loss: number("loss", i),
    metrics: metrics(i) ?? {}, validation: validation(i), learningRate: number("learningRate", i), seconds: number("seconds", i),
  }));
}
