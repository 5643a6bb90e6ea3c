/** The best epoch so far: told by one number, its parameters and state kept if they are to be put back. */

import type { Component } from "../index.ts";
import type { Best } from "./checkpoint.ts";
import type { History } from "./history.ts";
import type { Settings } from "./options.ts";
import type { Monitor, SavedState } from "./training-state.ts";
import { arraysOf, type Values, valuesOf } from "./values.ts";

export class BestEpoch {
  /** Null before the first. */
  epoch: History["best"] = null;
  /** Its parameters, then its state. */
  values: Values | null = null;
  /** Whether the component has these parameters now, and no file has them yet. */
  isUnsaved = false;

  constructor(
    private readonly component: Component,
    private readonly settings: Pick<Settings<never, never>, "monitor" | "patience" | "plateau" | "restoreBest"> & { readonly validate?: unknown },
  ) {}

  /** By which number it is told. */
  get monitor(): Monitor {
    const { monitor, patience, validate } = this.settings;
    return { name: monitor, maximize: patience.maximize, validation: validate !== undefined };
  }

  /** Whether an epoch of this value is the best so far; if so, its parameters are kept. */
  async observe(epoch: number, value: number): Promise<boolean> {
    const { monitor, patience, plateau, restoreBest } = this.settings;
    plateau?.observe(value);
    patience.observe(value);
    if (!patience.improved) return false;
    this.epoch = { epoch, value, name: monitor };
    if (restoreBest) this.values = await valuesOf(this.component);
    return true;
  }

  putBack(): void { if (this.values !== null) this.put(this.values); }

  private put(values: Values): void { arraysOf(this.component).forEach((array, i) => { array.assign(values[i]); }); }

  /** Runs a part of the training while the component has its parameters. */
  async during(part: () => Promise<void>): Promise<void> {
    const now = await valuesOf(this.component);
    try {
      this.putBack();
      await part();
    } finally {
      this.put(now);
    }
  }

  /**
   * Takes over what was saved.
   * @param restored brings back the component, and gives the parameters of the best epoch if there is one that counts
   */
  async resume(saved: SavedState, restored: (withBest: boolean) => Promise<Best | null>): Promise<void> {
    const { monitor, settings: { patience, plateau, restoreBest } } = this;
    // What was best by another number, or in the other direction, says nothing about this one.
    const isSame = (Object.keys(saved.monitor) as (keyof Monitor)[]).every((key) => saved.monitor[key] === monitor[key]);
    const best = isSame ? saved.best : null;
    const kept = await restored(best !== null && restoreBest);
    this.epoch = best;
    this.values = kept?.values ?? null;
    this.isUnsaved = kept?.isUnsaved ?? false;
    Object.assign(patience, isSame ? saved.patience : { epoch: saved.patience.epoch }, { improved: false });
    if (plateau !== undefined && saved.plateau !== undefined) plateau.state = isSame ? saved.plateau : { ...saved.plateau, best: null, since: 0 };
  }
}
