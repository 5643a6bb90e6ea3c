/** What has to be known of a training to go on with it, and its form in the metadata of a checkpoint. */

import type { PlateauState, RandomState } from "../index.ts";
import type { Metadata } from "../io/index.ts";
import type { AverageState } from "./averaging.ts";
import type { CurveState, EpochRecord, History } from "./history.ts";
import type { MeansState } from "./means.ts";
import { type RecordsState, recordsIn } from "./records.ts";

/** By which number the best epoch is told. */
export interface Monitor {
  readonly name: string;
  readonly maximize: boolean;
  /** Whether it is one of validation. */
  readonly validation: boolean;
}

/** All that has to be known to go on, besides the parameters and the optimizer. */
export interface TrainingState {
  readonly epoch: number;
  readonly batch: number;
  readonly step: number;
  readonly start: readonly RandomState[] | null;
  readonly jumps: readonly Jump[];
  readonly now: readonly RandomState[];
  readonly means: MeansState;
  readonly samples: number | null;
  readonly learningRate: number;
  readonly records: RecordsState;
  readonly curve: CurveState;
  readonly batches: number | null;
  /** What the lines of its metrics have as `run`; undefined if there are none. */
  readonly run: number | null | undefined;
  readonly monitor: Monitor;
  readonly best: History["best"];
  readonly bestIsKept: boolean;
  readonly patience: PatienceState;
  /** What these have seen; undefined where there are none. */
  readonly plateau: PlateauState | undefined;
  readonly average: AverageState | undefined;
  readonly seconds: number;
  readonly epochSeconds: number;
}

/** The same as it is read, with the records in one form. */
export type SavedState = Omit<TrainingState, "records"> & { readonly records: readonly EpochRecord[] };

export type Jump = readonly [batch: number, states: readonly RandomState[]];

interface PatienceState {
  readonly epoch: number;
  readonly frustration: number;
  readonly best: number | null;
  readonly bestEpoch: number;
}

/** What grows with the training is kept as arrays of numbers. */
export function encodeState({ run, plateau, average, curve, jumps, ...state }: TrainingState): Metadata {
  return {
    version: 2, ...state, ...(run !== undefined && { run }), ...(plateau !== undefined && { plateau }), ...(average !== undefined && { average }),
    curve: { ...curve, step: Float64Array.from(curve.step), loss: Float64Array.from(curve.loss) },
    jumps: Float64Array.from(jumps.flatMap(([batch, states]) => [batch, ...states.flatMap(({ seed, counter }) => [seed, counter])])),
  } as unknown as Metadata;
}

/** As it was written before: with lists, and every batch with the same weight. */
interface FirstState extends Omit<SavedState, "means" | "run" | "monitor"> {
  readonly means: Readonly<Record<string, readonly [sum: number, count: number]>>;
}

/** The state in what a file has, null if there is none that is whole. */
export function decodeState(kept: unknown): SavedState | null {
  const state = kept as (SavedState & { readonly version: number }) | undefined;
  const isWhole = [state?.epoch, state?.batch, state?.step].every(Number.isSafeInteger) && Array.isArray(state?.now) &&
    [state?.means, state?.curve, state?.patience, state?.records, state?.jumps].every((part) => typeof part === "object" && part !== null);
  if (!isWhole || state === undefined) return null;
  try {
    return state.version === 2 ? decodeSecond(state) : state.version === 1 ? decodeFirst(state as unknown as FirstState) : null;
  } catch (error) {
    if (error instanceof TypeError) return null; // a part that has another form
    throw error;
  }
}

function decodeSecond(state: SavedState): SavedState {
  const [flat, size] = [state.jumps as unknown as Float64Array, 1 + 2 * state.now.length];
  const jumps = Array.from({ length: flat.length / size }, (_, i): Jump => {
    const [batch, ...numbers] = flat.subarray(i * size, (i + 1) * size);
    return [batch, state.now.map((_, j) => ({ seed: numbers[2 * j], counter: numbers[2 * j + 1] }))];
  });
  const { curve, run } = state;
  return {
    ...state, run, curve: { ...curve, step: Array.from(curve.step), loss: Array.from(curve.loss) }, jumps,
    records: recordsIn(state.records as unknown as RecordsState), means: state.means.map((mean) => [...mean] as const),
  };
}

function decodeFirst(state: FirstState): SavedState {
  const { records, best, samples, batch } = state;
  const weight = samples === null || batch === 0 ? 1 : samples / batch;
  const validated = (epoch: EpochRecord | undefined): boolean => epoch !== undefined && epoch.validation !== null;
  const name = best?.name ?? "loss";
  const first = records.map((record) => (record.validation ?? { loss: record.loss, ...record.metrics })[name]).find((value) => !Number.isNaN(value));
  return {
    ...state, run: null, records: records.map((record) => ({ ...record, matrices: {} })),
    means: Object.entries(state.means).map(([key, [sum, count]]) => [key, weight * sum, weight * count] as const),
    // The first value is the best at first, so the way from it to the best one is the direction.
    monitor: { name, maximize: best !== null && first !== undefined && best.value > first, validation: validated(records[0]) },
  };
}
