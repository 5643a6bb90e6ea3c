/**
 * What the host has noted of runs of which it is not known yet how they ended, on a device that answers later. Where one has failed, the device has
 * written nothing since; so the host takes back what it has noted of that run and of all after it, and everything is as before the step.
 */

import type { Buffer } from "./residency.ts";

/** How to take back what has been noted, and of whom. */
interface Note {
  readonly owner: object;
  readonly undo: () => void;
}

/** A run that has been asked for. */
interface Run {
  readonly number: number;
  /** What went wrong, in the words of the program. */
  readonly explain: (error: Error) => Error;
  readonly notes: Note[];
  /** What it makes. */
  readonly results: Buffer[];
}

export class Journal {
  /** The last run that has been asked for. */
  last = 0;
  /** What has gone wrong last. */
  told: Error | null = null;
  private runs: Run[] = [];
  /** Of the run that will be asked for next. */
  private next: Note[] = [];

  /** Another run is going to be asked for. */
  begin(explain: Run["explain"]): void { this.runs.push({ number: ++this.last, explain, notes: this.next.splice(0), results: [] }); }

  /** Something has been noted of the last run. Where all runs have succeeded it is certain. */
  note(owner: object, undo: () => void): void { this.runs.at(-1)?.notes.push({ owner, undo }); }

  /** Something has been noted of the run that will be asked for next. */
  noteNext(owner: object, undo: () => void): void { this.next.push({ owner, undo }); }

  /** A buffer gets its values by the last run. */
  result(buffer: Buffer): void { this.runs.at(-1)?.results.push(buffer); }

  /** What has been noted of something holds whatever happens, as it has been replaced. */
  keep(owner: object): void {
    const others = (notes: readonly Note[]): Note[] => notes.filter((note) => note.owner !== owner);
    this.next = others(this.next);
    this.runs = this.runs.map((run) => ({ ...run, notes: others(run.notes) }));
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
    this.told = error;
    const failed = this.runs.splice(at).reverse();
    for (const { results } of failed) for (const buffer of results) buffer.fail(error); // first, as what is taken back may have been kept there
    for (const { notes } of failed) for (const { undo } of notes.reverse()) undo();
    return error;
  }
}
