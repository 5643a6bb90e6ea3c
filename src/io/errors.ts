import { FlimsyError } from "../index.ts";

/**
 * A file that is damaged, truncated or made up, or no safetensors file at all. It was not loaded, and nothing has changed.
 * @example
 * try {
 *   restore(new Uint8Array(100));
 * } catch (error) {
 *   if (!(error instanceof CheckpointError)) throw error;
 *   error.file; // null
 * }
 */
export class CheckpointError extends FlimsyError {
  /** The path of the file, or null for bytes. */
  readonly file: string | null;

  constructor(message: string, file: string | null, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
  }
}
