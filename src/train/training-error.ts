import { FlimsyError } from "../index.ts";
import type { History } from "./history.ts";

/** Where in the training something went wrong. */
export interface Place {
  /** The epoch, from 1. */
  readonly epoch: number;
  /** The batch in the epoch, from 1; null where no batch is at fault. */
  readonly batch: number | null;
  /** How many steps had been completed, over all epochs. */
  readonly step: number;
}

/** Training that could not go on: where it was, and how it had gone so far. What was thrown, if anything was, is the `cause`. */
export class TrainingError extends FlimsyError implements Place {
  readonly epoch: number;
  readonly batch: number | null;
  readonly step: number;
  /** The training up to here, null if it had not begun. */
  history: History | null = null;

  constructor(message: string, place: Place, options?: ErrorOptions) {
    super(message, options);
    this.epoch = place.epoch;
    this.batch = place.batch;
    this.step = place.step;
  }
}

/** The loss, or the parameters, became NaN or infinite. The parameters are those before the update that would have followed. */
export class DivergenceError extends TrainingError {}

/** "epoch 2, batch 17 (step 117)" */
export const placeText = ({ epoch, batch, step }: Place): string =>
  batch === null ? `epoch ${epoch}, after step ${step}` : `epoch ${epoch}, batch ${batch} (step ${step + 1})`;
