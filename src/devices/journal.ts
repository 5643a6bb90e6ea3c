/**
 * What the host has noted of runs of which it is not known yet how they ended, on a device that answers later. Where one has failed, the device has
 * written nothing since; so the host takes back what it has noted of that run and of all after it, and everything is as before the step.
 */

import type { Buffer } from "./residency.ts";

/** A run that has been asked for. */
interface Run {
  readonly number: number;
  /** What went wrong, in the words of the program. */
  readonly explain: (error: Error) => Error;
  /** How to take back what has been noted, and of whom. */
  readonly notes: { readonly owner: object; readonly undo: () => void }[];
  /** What it makes. */
  readonly results: Buffer[];
}

export class Journal {
  /** The last run that has been asked for. */
  last = 0;
  private runs: Run[] = [];

  /** Another run is going to be asked for. */
  begin(explain: Run["explain"]): void { this.runs.push({ number: ++this.last, explain, notes: [], results: [] }); }

  /** Something has been noted of the last run. Where all runs have succeeded it is certain. */
  note(owner: object, undo: () => void): void { this.runs.at(-1)?.notes.push({ owner, undo }); }

  /** A buffer gets its values by the last run. */
  result(buffer: Buffer): void { this.runs.at(-1)?.results.push(buffer); }

  /** What has been noted of something holds whatever happens, as it has been replaced. */
  keep(owner: object): void {
    for (const { notes } of this.runs) for (let i = notes.length - 1; i >= 0; i--) if (notes[i].owner === owner) notes.splice(i, 1);
  }

  /** All runs up to this one have succeeded. */
  confirm(number: number): void {
    if (this.runs.length === 0 || this.runs[0].number > number) return;
    this.runs = this.runs.filter((run) => run.number > number);
  }

  /**
   * A run has failed: takes back what has been noted of it and since. Reads of what these runs should have made throw the error too.
   * @returns the error, null if it has been reported already
   */
  fail(number: number, cause: Error): Error | null {
    const at = this.runs.findIndex((run) => run.number === number);
    if (at < 0) return null;
    const error = this.runs[at].explain(cause);
    for (const { notes, results } of this.runs.splice(at).reverse()) {
      for (const { undo } of notes.reverse()) undo();
      for (const buffer of results) buffer.fail(error);
    }
    return error;
  }
}
