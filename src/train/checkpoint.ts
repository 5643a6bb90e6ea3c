/** The checkpoint of a training: its state in the metadata of a file of `flimsy-ml/io`. */

import { type Component, type Optimizer, UsageError } from "../index.ts";
import { makeFolderOf, nodeModule } from "./node.ts";
import type { Settings } from "./options.ts";
import { decodeState, encodeState, type SavedState, type TrainingState } from "./training-state.ts";
import { type Values, valuesOf } from "./values.ts";

const purpose = "A checkpoint";
/** Under which name the state stands in the metadata. */
const key = "fit";

// Loaded where it is needed only: it knows every component of the library.
const io = () => import("../io/index.ts");

/** The parameters of the best epoch, and whether there is no file that has them yet. */
export interface Best {
  readonly values: Values;
  readonly isUnsaved: boolean;
}

export class Checkpoint {
  readonly path: string;
  readonly bestPath: string;
  private readonly fs = nodeModule("node:fs", purpose);

  constructor(
    private readonly settings: NonNullable<Settings<never, never>["checkpoint"]>, private readonly component: Component,
    private readonly optimizer: Optimizer<never>,
  ) {
    this.path = settings.path;
    const { dir, name, ext } = nodeModule("node:path", purpose).parse(this.path);
    this.bestPath = nodeModule("node:path", purpose).join(dir, `${name}.best${ext}`);
  }

  /** Whether it is to be written after this epoch or step; the other is 0. */
  isDue(epoch: number, step: number): boolean {
    const { epochs, steps } = this.settings;
    return (epochs > 0 && epoch > 0 && epoch % epochs === 0) || (steps > 0 && step > 0 && step % steps === 0);
  }

  async save(state: TrainingState): Promise<void> {
    const { saveAsync } = await io();
    await saveAsync(this.path, this.component, { optimizer: this.optimizer, step: state.step, metadata: { [key]: encodeState(state) } });
  }

  /** Keeps the parameters that the component has now as those of the best epoch. */
  async saveBest(epoch: number): Promise<void> {
    const { saveAsync } = await io();
    await saveAsync(this.bestPath, this.component, { metadata: { [key]: { epoch } } });
  }

  /**
   * The state in the file, if there is one and training is to go on from it. Nothing is changed by that.
   * @throws UsageError for a file that is there although training begins, or that nothing could go on from
   */
  async load(): Promise<SavedState | null> {
    const { resume, overwrite } = this.settings;
    makeFolderOf(this.path, purpose);
    if (!this.fs.existsSync(this.path)) return null;
    if (this.fs.statSync(this.path).isDirectory()) {
      throw new UsageError(`The checkpoint ${this.path} is a folder. Give the path of a file in it, such as ${this.path}/model.safetensors.`);
    }
    if (overwrite) return null;
    if (!resume) {
      throw new UsageError(
        `The checkpoint ${this.path} is there already, and was left as it is. Give { path, resume: true } to go on from it, ` +
          "{ path, overwrite: true } to begin anew and replace it, or another path.",
      );
    }
    const { inspect } = await io();
    const kept = inspect(this.path).metadata[key];
    const state = decodeState(kept);
    if (state !== null) return state;
    const reason = kept === undefined ? "it was not written by fit" : "it was written by another version, or has been changed";
    throw new UsageError(`The checkpoint ${this.path} has parameters, but not the state of a training that could go on: ${reason}. ` +
      "Restore it with flimsy-ml/io, and give fit another path.");
  }

  /** Brings the component and the optimizer to where the file says. After an error they are as before. */
  async restore(): Promise<void> {
    const { restore } = await io();
    restore(this.path, { into: this.component, optimizer: this.optimizer });
  }

  /**
   * The same, and the parameters of the best epoch so far.
   * @param measured those by which the epoch of the checkpoint was measured
   * @throws UsageError if these are nowhere
   */
  async restoreWithBest({ best, epoch, batch, bestIsKept }: SavedState, measured: () => Promise<Values>): Promise<Best> {
    // The checkpoint is written first: until a step follows, the best parameters are its own, and the other file may be that of an earlier training.
    if (best?.epoch === epoch - 1 && batch === 0) {
      await this.restore();
      return { values: await measured(), isUnsaved: true };
    }
    const { restore, serializeAsync } = await io();
    let reason = "it was not kept";
    const before = await serializeAsync(this.component);
    try {
      if (bestIsKept && this.fs.existsSync(this.bestPath)) {
        const { metadata } = restore(this.bestPath, { into: this.component });
        const kept = (metadata[key] as { readonly epoch?: number } | undefined)?.epoch;
        if (kept === best?.epoch) {
          const values = await valuesOf(this.component);
          await this.restore();
          return { values, isUnsaved: false };
        }
        reason = `${this.bestPath} has those of epoch ${kept}`;
      } else if (bestIsKept) reason = `${this.bestPath} is not there`;
      throw new UsageError(`The checkpoint ${this.path} says that epoch ${best?.epoch} was the best, but its parameters are missing: ` +
        `${reason}. Put the file back, or resume with restoreBest: false.`);
    } catch (error) {
      restore(before, { into: this.component });
      throw error;
    }
  }
}
