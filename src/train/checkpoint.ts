/** The checkpoint of a training: its state in the metadata of a file of `flimsy-ml/io`. */

import { type Component, type Optimizer, type RandomState, UsageError } from "../index.ts";
import type { Metadata } from "../io/index.ts";
import type { CurveState, EpochRecord, History } from "./history.ts";
import type { MeansState } from "./means.ts";
import { makeFolderOf, nodeModule } from "./node.ts";
import type { Settings } from "./options.ts";

/** All that has to be known to go on, besides the parameters and the optimizer. */
export interface TrainingState {
  readonly version: 1;
  readonly epoch: number;
  readonly batch: number;
  readonly step: number;
  readonly start: readonly RandomState[] | null;
  readonly jumps: readonly (readonly [batch: number, states: readonly RandomState[]])[];
  readonly now: readonly RandomState[];
  readonly means: MeansState;
  readonly samples: number | null;
  readonly learningRate: number;
  readonly records: readonly EpochRecord[];
  readonly curve: CurveState;
  readonly batches: number | null;
  readonly best: History["best"];
  readonly bestIsKept: boolean;
  readonly patience: { readonly epoch: number; readonly frustration: number; readonly best: number | null; readonly bestEpoch: number };
  readonly seconds: number;
  readonly epochSeconds: number;
}

const purpose = "A checkpoint";
/** Under which name the state stands in the metadata. */
const key = "fit";

// Loaded where it is needed only: it knows every component of the library.
const io = () => import("../io/index.ts");

type Values = readonly (Float32Array | Float64Array)[];

export class Checkpoint {
  readonly path: string;
  readonly bestPath: string;
  private readonly fs = nodeModule("node:fs", purpose);

  constructor(private readonly settings: NonNullable<Settings<never, never>["checkpoint"]>, private readonly component: Component, private readonly optimizer: Optimizer<never>) {
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
    const { save } = await io();
    save(this.path, this.component, { optimizer: this.optimizer, step: state.step, metadata: { [key]: state as unknown as Metadata } });
  }

  /** Keeps the parameters that the component has now as those of the best epoch. */
  async saveBest(epoch: number): Promise<void> {
    const { save } = await io();
    save(this.bestPath, this.component, { metadata: { [key]: { epoch } } });
  }

  /**
   * Brings the component and the optimizer to where the file says, if there is one and training is to go on from it.
   * @throws UsageError for a file that is there although training begins
   */
  async load(): Promise<TrainingState | null> {
    const { resume, overwrite } = this.settings;
    makeFolderOf(this.path, purpose);
    if (!this.fs.existsSync(this.path)) return null;
    if (this.fs.statSync(this.path).isDirectory()) throw new UsageError(`The checkpoint ${this.path} is a folder. Give the path of a file in it, such as ${this.path}/model.safetensors.`);
    if (overwrite) return null;
    if (!resume) {
      throw new UsageError(
        `The checkpoint ${this.path} is there already, and was left as it is. Give { path, resume: true } to go on from it, ` +
          "{ path, overwrite: true } to begin anew and replace it, or another path.",
      );
    }
    const { inspect, restore } = await io();
    // Looked at first: what cannot be gone on from changes nothing.
    const state = this.stateIn(inspect(this.path).metadata);
    restore(this.path, { into: this.component, optimizer: this.optimizer });
    return state;
  }

  private stateIn(metadata: Readonly<Record<string, Metadata>>): TrainingState {
    const state = metadata[key] as unknown as TrainingState | undefined;
    const isWhole = state?.version === 1 && Array.isArray(state.now) && Array.isArray(state.records) && Array.isArray(state.jumps) &&
      [state.epoch, state.batch, state.step].every(Number.isSafeInteger) && [state.means, state.curve, state.patience].every((part) => typeof part === "object" && part !== null);
    if (isWhole) return state;
    const reason = state === undefined ? "it was not written by fit" : "it was written by another version, or has been changed";
    throw new UsageError(`The checkpoint ${this.path} has parameters, but not the state of a training that could go on: ${reason}. Restore it with flimsy-ml/io, and give fit another path.`);
  }

  /**
   * The parameters of the best epoch so far. The component keeps those it has.
   * @throws UsageError if they are nowhere
   */
  async loadBest({ best, epoch, batch, bestIsKept }: TrainingState): Promise<Values> {
    const parameters = this.component.parameters();
    const now = parameters.map((parameter) => parameter.data);
    // The checkpoint is written first: if the other file did not follow, the best parameters are in it.
    const here = best?.epoch === epoch - 1 && batch === 0;
    let reason = "it was not kept";
    if (bestIsKept && this.fs.existsSync(this.bestPath)) {
      const { restore } = await io();
      const { metadata } = restore(this.bestPath, { into: this.component });
      const values = parameters.map((parameter) => parameter.data);
      parameters.forEach((parameter, i) => { parameter.assign(now[i]); });
      const kept = (metadata[key] as { readonly epoch?: number } | undefined)?.epoch;
      if (kept === best?.epoch) return values;
      reason = `${this.bestPath} has those of epoch ${kept}`;
    } else if (bestIsKept) reason = `${this.bestPath} is not there`;
    if (!here) {
      throw new UsageError(`The checkpoint ${this.path} says that epoch ${best?.epoch} was the best, but its parameters are missing: ${reason}. Put the file back, or resume with restoreBest: false.`);
    }
    await this.saveBest(epoch - 1);
    return now;
  }
}
