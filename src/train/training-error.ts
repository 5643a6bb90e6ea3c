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

/**
 * Training that could not go on: where it was, and how it had gone so far. What was thrown, if anything was, is the `cause`.
 * @example
 * const θ = new ValueComponent({ value: [3] });
 * const broken = (batch: number): Variable => { if (batch === 7) throw new Error("a broken sample"); return θ.value.sum(); };
 * const training = fit(θ, { data: [5, 6, 7], cost: broken, optimizer: new Adam(θ), epochs: 1, progress: "none" });
 * await training.catch(({ epoch, batch, step }: TrainingError) => [epoch, batch, step]); // [1, 3, 2]
 */
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

/**
 * The loss, or the parameters, became NaN or infinite. The parameters are those before the update that would have followed.
 * @example
 * const θ = new ValueComponent({ value: [3] });
 * const training = fit(θ, { data: [1], cost: () => θ.value.mul(NaN).sum(), optimizer: new Adam(θ), epochs: 1, progress: "none" });
 * await training.catch((error) => error instanceof DivergenceError); // true
 */
export class DivergenceError extends TrainingError {}

/** "epoch 2, batch 17 (step 117)" */
export const placeText = ({ epoch, batch, step }: Place): string =>
  batch === null ? `epoch ${epoch}, after step ${step}` : `epoch ${epoch}, batch ${batch} (step ${step + 1})`;
