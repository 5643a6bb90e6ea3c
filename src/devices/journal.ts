/**
 * What the host has noted of runs of which it is not known yet how they ended, on a device that answers later. Where one has failed, the device has
 * written nothing since; so the host takes back what it has noted of that run and of all after it, and everything is as before the step.
 */

import { FlimsyError, place, stackHere } from "../support/errors.ts";
import { LaunchFault } from "./fault.ts";
import type { Buffer, Thrown } from "./residency.ts";

/** What is run: the nodes of its launches, and the names of their operations, once they have been asked for. */
interface Asked {
  readonly plan: { readonly launchNodes: ArrayLike<number> };
  names?: readonly string[];
}

/** A step, which tells what went wrong in the words of the program, perhaps when its trace is that of another step. */
interface Asking {
  nameOf(node: number): string;
  explain(fault: LaunchFault, node: number, name: string): Error;
}

/** A parameter, whose gradient may be by rows. */
interface Reached {
  hasGradient: boolean;
  readonly frozen: boolean;
  readonly rows: { takenBack(): () => void } | null;
}

/** How to take back what has been noted, and of whom. */
interface Note {
  readonly owner: object;
  readonly undo: () => void;
}

/** A run that has been asked for. */
interface Run {
  readonly number: number;
  /** What went wrong, in the words of the program. */
  readonly explain: (error: unknown) => Thrown;
  readonly notes: Note[];
  /** What it makes. */
  readonly results: Buffer[];
}

export class Journal {
  /** The last run that has been asked for. */
  last = 0;
  /** What has gone wrong last. */
  told: Thrown | null = null;
  private runs: Run[] = [];
  /** Of the run that will be asked for next. */
  private next: Note[] = [];

  /** Another run is going to be asked for. `nodeOf` leads from the nodes of its plan to those of the step. */
  begin(step: Asking, asked: Asked, nodeOf: (node: number) => number): void {
    const at = stackHere();
    const { launchNodes } = asked.plan;
    asked.names ??= Array.from(launchNodes, (node) => step.nameOf(nodeOf(node)));
    const { names } = asked;
    const explain = (error: unknown): Thrown => {
      const found = error instanceof LaunchFault ? step.explain(error, nodeOf(launchNodes[error.launch]), names[error.launch]) : error;
      return { value: found instanceof FlimsyError ? place(found, at) : found };
    };
    this.runs.push({ number: ++this.last, explain, notes: this.next.splice(0), results: [] });
  }

  /** The last run gives a parameter a gradient. */
  reaches(parameter: Reached): void { this.note(parameter, takenBack(parameter)); }

  /** Parameters are going to have no gradients. Where the next run fails, the device has left the gradients themselves as they are. */
  setAside(parameters: readonly Reached[]): void { for (const parameter of parameters) this.noteNext(parameters, takenBack(parameter)); }

  /** Something has been noted of the last run. Where all runs have succeeded it is certain. */
  note(owner: object, undo: () => void): void { this.runs.at(-1)?.notes.push({ owner, undo }); }

  /** Something has been noted of the run that will be asked for next. */
  noteNext(owner: object, undo: () => void): void { this.next.push({ owner, undo }); }

  /** A buffer gets its values by the last run. */
  result(buffer: Buffer): void { this.runs.at(-1)?.results.push(buffer); }

  /** What has been noted of something holds whatever happens, as it has been replaced. */
  keep(owner: object): void {
    this.drop(owner);
    this.runs = this.runs.map((run) => ({ ...run, notes: others(run.notes, owner) }));
  }

  /** What has been noted of something for the next run is over before there was one. */
  drop(owner: object): void { this.next = others(this.next, owner); }

  /** All runs up to this one have succeeded. */
  confirm(number: number): void {
    if (this.runs.length === 0 || this.runs[0].number > number) return;
    this.runs = this.runs.filter((run) => run.number > number);
  }

  /**
   * A run has failed: takes back what has been noted of it and since. Reads of what these runs should have made throw the error too.
   * @returns what to throw, null if it has been reported already
   */
  fail(number: number, cause: unknown): Thrown | null {
    const at = this.runs.findIndex((run) => run.number === number);
    if (at < 0) return null;
    const thrown = this.runs[at].explain(cause);
    this.told = thrown;
    const failed = this.runs.splice(at).reverse();
    for (const { results } of failed) for (const buffer of results) buffer.fail(thrown); // first, as what is taken back may have been kept there
    for (const { notes } of failed) for (const { undo } of notes.reverse()) undo();
    return thrown;
  }
}

const others = (notes: readonly Note[], owner: object): Note[] => notes.filter((note) => note.owner !== owner);

/** How to take back what is noted of a parameter when it gets a gradient. */
function takenBack(parameter: Reached): () => void {
  const { hasGradient, rows } = parameter;
  const rowsTakenBack = rows?.takenBack();
  return () => {
    parameter.hasGradient = hasGradient && !parameter.frozen;
    rowsTakenBack?.();
  };
}
