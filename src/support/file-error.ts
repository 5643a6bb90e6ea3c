import { FlimsyError } from "./errors.ts";

/**
 * A file that cannot be read or written: no such folder, no permission, a full disk. What the system said is the `cause`.
 * @example
 * try {
 *   restore("nowhere.safetensors");
 * } catch (error) {
 *   if (!(error instanceof FileError)) throw error;
 *   [error.file, error.code]; // ["nowhere.safetensors", "ENOENT"]
 * }
 */
export class FileError extends FlimsyError {
  readonly file: string;
  /** The system's code, such as "ENOSPC". */
  readonly code: string;

  constructor(message: string, file: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
    this.code = code;
  }
}
