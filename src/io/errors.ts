import { FlimsyError } from "../index.ts";

/** A file that is damaged, truncated or made up, or no safetensors file at all. It was not loaded, and nothing has changed. */
export class CheckpointError extends FlimsyError {
  /** The path of the file, or null for bytes. */
  readonly file: string | null;

  constructor(message: string, file: string | null, options?: ErrorOptions) {
    super(message, options);
    this.file = file;
  }
}

/** A file that cannot be read or written: no such folder, no permission, a full disk. What the system said is the `cause`. */
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
