import { FlimsyError } from "../index.ts";

/**
 * A stream of samples that failed, ended too early or gave nothing. What it threw, if it did, is the `cause`.
 * @example
 * try {
 *   for (const batch of minibatches([1, 2, 3], 2, { count: 10 })) console.log(batch);
 * } catch (error) {
 *   if (!(error instanceof StreamError)) throw error;
 *   error.samples; // 3
 * }
 */
export class StreamError extends FlimsyError {
  /** How many samples had come before. */
  readonly samples: number;

  constructor(message: string, samples: number, options?: ErrorOptions) {
    super(message, options);
    this.samples = samples;
  }
}
