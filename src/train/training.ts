/** A training as it goes: epochs of steps, and all that has to be kept to go on with it. */

import type { Component, RandomState } from "../index.ts";
import { sampleCount } from "../data/index.ts";
import { describe, messageOf } from "../support/describe.ts";
import { Averaging } from "./averaging.ts";
import { Batches, type Data } from "./batches.ts";
import { BestEpoch } from "./best-epoch.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Faults, lossIn } from "./faults.ts";
import { Generators, sameStates } from "./generators.ts";
import { Curve, type EpochRecord, type History, type Stopped } from "./history.ts";
import type { Listener } from "./listener.ts";
import { checkWeight, Means, measurementOf, type Numbers } from "./means.ts";
import { withPrefix } from "./metrics.ts";
import { writable } from "./node.ts";
import type { Settings, StepEvent } from "./options.ts";
import { openOutputs } from "./outputs.ts";
import { passOver } from "./passed.ts";
import { type Lines, progressFor, visible } from "./progress.ts";
import { Records } from "./records.ts";
import { StopRequest, stopped } from "./stop-request.ts";
import { DivergenceError, type Place, placeText, TrainingError } from "./training-error.ts";
import type { Jump, SavedState, TrainingState } from "./training-state.ts";
import { validated } from "./validation.ts";
import { whenReady } from "./when-ready.ts";
import { Window } from "./window.ts";

const seconds = (since: number): number => (performance.now() - since) / 1000;

export class Training<B, V> {
  private epoch = 1;
  /** Batches of this epoch of which updates were made. */
  private batch = 0;
  /** Updates made in all. */
  private step = 0;
  private readonly generators: Generators;
  /** Where the generators were when the epoch began; null between epochs. */
  private start: readonly RandomState[] | null = null;
  /** Where they were before a batch was drawn, for batches whose drawing followed drawing by the model. */
  private jumps: Jump[] = [];
  private readonly means = new Means();
  /** The batches of the next update so far. */
  private readonly window: Window;
  /** Whether there was something to save before them. */
  private unsavedBefore = true;
  private readonly averaging: Averaging;
  private samples: number | null = 0;
  private learningRate = NaN;
  private readonly records = new Records();
  private readonly curve = new Curve();
  private readonly best: BestEpoch;
  /** How many batches an epoch has, as far as is known. */
  private batches: number | null = null;
  private earlierSeconds = 0;
  private begin = performance.now();
  private earlierEpochSeconds = 0;
  /** Since when steps are made, null while none are. */
  private epochBegin: number | null = null;
  /** Where the generators were after the last step: what is drawn from there on has led to nothing yet. */
  private settled: readonly RandomState[];
  private readonly checkpoint: Checkpoint | null;
  private readonly faults: Faults;
  private readonly hasState: boolean;
  /** What the lines of the metrics have as `run`; undefined if there are none. */
  private metricsRun: number | null | undefined = undefined;
  /** Whether training has begun, or has been resumed in all its parts: nothing is saved before. */
  isOpen = false;
  /** Whether there is something that the checkpoint does not have. */
  private unsaved = true;
  private saveFailed = false;
  /** Whether the checkpoint has been written. */
  hasSaved = false;
  private atGoal = false;
  private readonly listeners: Listener[] = [];
  private progress: Lines | null = null;
  readonly stop: StopRequest;

  constructor(private readonly component: Component, private readonly settings: Settings<B, V>) {
    this.generators = new Generators(settings.random);
    this.settled = this.generators.states;
    this.hasState = component.namedState().size > 0;
    this.checkpoint = settings.checkpoint === undefined ? null : new Checkpoint(settings.checkpoint, component, settings.optimizer);
    this.window = new Window(component, settings.optimizer, settings.accumulate);
    this.averaging = new Averaging(component, settings.ema);
    this.faults = new Faults(() => this.place(), this.checkpoint?.path ?? null);
    this.best = new BestEpoch(component, settings);
    this.stop = new StopRequest(settings.signal, () => {
      this.progress?.message(`Ctrl-C: ending after this step${this.checkpoint === null ? "" : ", then saving"}. ` +
        "Press it again to quit at once; what is pressed while a step runs is heard at its end, as one.");
    });
  }

  async run(): Promise<History> {
    try {
      await this.open();
      await this.loop();
      const reason = this.stop.reason ?? (this.atGoal ? "goal" : this.epoch > this.settings.epochs ? "finished" : "patience");
      await this.save();
      this.report((listener) => listener.close());
      this.listeners.length = 0;
      if (this.settings.restoreBest) this.best.putBack();
      return this.history(reason);
    } catch (error) {
      throw await this.failed(error);
    } finally {
      this.stop.close();
    }
  }

  /** Goes on from the checkpoint if that is asked for, and opens what is written to: what cannot be written shows before the first step. */
  private async open(): Promise<void> {
    const { epochs, optimizer, progress } = this.settings;
    for (const parameter of optimizer.parameters) parameter.clearGrad();
    const saved = (await this.checkpoint?.load()) ?? null;
    const { files, run } = openOutputs(this.settings, saved);
    this.metricsRun = run;
    const lines = progressFor(progress, epochs);
    if (saved !== null) await this.resume(saved);
    else {
      await this.save();
      for (const file of files) writable(file.path, () => file.begin());
    }
    this.isOpen = true;
    this.listeners.push(...files);
    this.progress = lines;
    if (this.progress === null) return;
    this.listeners.push(this.progress);
    if (saved === null) return;
    const from = `resumed from ${this.checkpoint?.path}: epoch ${this.epoch}, after step ${this.step}`;
    this.progress.message(
      saved.best !== null && this.best.epoch === null ? `${from}. The best epoch is told in another way now, so it is looked for anew` : from,
    );
  }

  private async loop(): Promise<void> {
    const { epochs, patience, stopsEarly } = this.settings;
    while (this.stop.reason === null) {
      await this.checkGoal();
      if (this.atGoal || this.epoch > epochs || (stopsEarly && patience.shouldStop)) return;
      await this.oneEpoch();
    }
  }

  /** Asks `until` about the last epoch, also when training is resumed after it. It gets a copy, as others do: what it writes there is no history. */
  private async checkGoal(): Promise<void> {
    const { until } = this.settings;
    const record = this.records.list.at(-1);
    if (until === undefined || record === undefined || this.batch > 0) return;
    const answer: unknown =
      await this.faults.during(`until failed after epoch ${record.epoch}, step ${this.step}`, () => this.stop.wait(until(structuredClone(record))), true);
    if (answer === stopped) return;
    if (typeof answer !== "boolean") throw this.faults.error(`until must return true or false, but returned ${describe(answer)} after epoch ${record.epoch}.`);
    this.atGoal = answer;
  }

  private async oneEpoch(): Promise<void> {
    const resumed = this.start;
    this.settled = this.generators.states;
    this.start ??= this.settled;
    this.generators.states = this.start;
    let batches: Batches<B> | null = null;
    try {
      batches = await this.faults.during(`The data of epoch ${this.epoch} could not be opened`, () => this.openData(this.settings.data), true);
      let drawn: readonly RandomState[] | null = null;
      if (resumed !== null) {
        drawn = await passOver(batches, this.batches, this.batch, this.jumps, this.epoch, this.generators, this.faults, this.stop);
        this.generators.states = this.settled;
      }
      this.batches = batches.total ?? this.batches;
      this.epochBegin = performance.now();
      while (this.stop.reason === null || this.window.size > 0) {
        const { states } = this.generators;
        const batch = await this.faults.during("The data failed in", () => batches?.next(this.stop));
        if (batch === undefined || batch === stopped) break;
        const after = this.generators.states;
        if (drawn !== null && !sameStates(drawn, states) && !sameStates(states, after)) this.jumps.push([this.batch + this.window.size, states]);
        drawn = after;
        if (!batch.done) await this.oneBatch(batch.value);
        if (this.window.isFull || (batch.done && this.window.size > 0)) {
          await this.oneStep();
          this.settled = this.generators.states;
          if (this.checkpoint?.isDue(0, this.step)) await this.save();
        }
        if (batch.done) {
          await this.endEpoch();
          break;
        }
        await this.stop.breathe();
      }
    } catch (error) {
      batches?.abandon();
      throw error;
    } finally {
      this.pause();
      if (this.window.size > 0) this.forgetBatches();
      // Not at its end: what has been drawn since the last step is drawn again.
      if (this.start !== null) this.generators.states = this.settled;
    }
    await this.faults.during(`The data could not be closed in epoch ${this.epoch}`, () => batches?.close(), true);
  }

  private get epochSeconds(): number { return this.earlierEpochSeconds + (this.epochBegin === null ? 0 : seconds(this.epochBegin)); }

  private pause(): void {
    this.earlierEpochSeconds = this.epochSeconds;
    this.epochBegin = null;
  }

  private openData<T>(data: Data<T>): Promise<Batches<T>> {
    return Batches.open(data, this.epoch, this.epoch < this.settings.epochs);
  }

  /** Adds the gradient of a batch to those of which the next update is made. */
  private async oneBatch(batch: B): Promise<void> {
    const { window } = this;
    if (this.best.isUnsaved) await this.saveBest(); // grad may write state
    if (window.size === 0) this.unsavedBefore = this.unsaved;
    if (window.size === 0 && window.accumulates) await this.faults.during("State could not be kept in", () => window.keepState());
    const samples = await this.faults.during("samples failed in", () => this.count(batch));
    const measured = await this.faults.during("The cost failed in", () => window.measure(() => this.settings.cost(batch), samples, (result) => {
      const found = measurementOf("cost", result, true);
      // Until the update, state is that of a step that parameters have not made.
      if (this.hasState) this.unsaved = false;
      return this.means.checked(found);
    }));
    const { loss } = measured.measures;
    if (!Number.isFinite(loss)) throw this.faults.diverged(`The loss is ${loss} in ${placeText(this.place())}`, this.place());
    window.add(measured, samples);
  }

  /** Goes back to the last update. */
  private forgetBatches(): void {
    if (this.window.clear()) this.unsaved = this.unsavedBefore;
    this.jumps = this.jumps.filter(([batch]) => batch < this.batch);
  }

  private async oneStep(): Promise<void> {
    const { window, averaging } = this;
    await this.faults.during("The update failed in", () => {
      window.update();
      averaging.update();
      return whenReady(averaging.weight ?? window.smallest, () => {}); // then it is known that they have not
    });
    const { means: { values: { loss, ...metrics } }, samples } = window;
    this.batch += window.size;
    this.step++;
    window.moveTo(this.means);
    this.samples = this.samples === null || samples === null ? null : this.samples + samples;
    this.learningRate = window.learningRate;
    this.unsaved = true;
    this.curve.add(this.step, loss);
    this.settled = this.generators.states;
    const { epoch, batch, step, learningRate, batches } = this;
    const event: StepEvent = { epoch, batch, step, loss, metrics, learningRate, samples, batches, stop: this.callbackStop };
    this.report((listener) => listener.step?.(event));
    if (this.settings.onStep !== undefined) await this.tell("onStep", () => this.settings.onStep?.(event));
  }

  /** How many samples a batch has, null if that is not known. */
  private count(batch: B | V): number | null {
    const { samples } = this.settings;
    return samples === undefined ? sampleCount(batch) : checkWeight("samples must return", samples(batch));
  }

  /** After the checkpoint, which has them until then. */
  private async saveBest(): Promise<void> {
    await this.faults.during("The parameters of the best epoch could not be kept in", async () => {
      const { checkpoint, best } = this;
      if (checkpoint !== null) await best.during(() => checkpoint.saveBest(best.epoch?.epoch ?? 0));
    });
    this.best.isUnsaved = false;
  }

  private async endEpoch(): Promise<void> {
    if (this.batch === 0) {
      throw this.faults.error(
        `The data gave no batches in epoch ${this.epoch}. ` +
          "What can be gone through only once, such as what a generator function returns, is good for one epoch: give a function that makes a new one.",
      );
    }
    this.batches = this.batch;
    this.pause();
    await this.faults.checkFinite(this.component);
    const measured = await this.faults.during(`Epoch ${this.epoch} could not be measured`, () => this.averaging.during(async () => {
      const found = await this.validate();
      if (found === stopped) return null;
      const record = this.recordOf(found);
      this.records.push(record);
      return { record, improved: await this.observe(record.validation ?? { loss: record.loss, ...record.metrics }) };
    }), true);
    if (measured === null) return;
    const { record, improved } = measured;
    const { epoch, step } = record;
    this.epoch++;
    this.batch = 0;
    this.start = null;
    this.jumps = [];
    this.means.state = [];
    this.samples = 0;
    this.earlierEpochSeconds = 0;
    this.unsaved = true;
    this.report((listener) => listener.epoch?.(record, improved));
    if (this.settings.onEpoch !== undefined) {
      await this.tell("onEpoch", () => this.settings.onEpoch?.({ ...structuredClone(record), improved, stop: this.callbackStop }));
    }
    if ((improved && this.settings.restoreBest) || this.checkpoint?.isDue(epoch, step)) await this.save();
    if (improved && this.settings.restoreBest) await this.saveBest();
  }

  private recordOf(validated: Means | null): EpochRecord {
    const { values: { loss, ...metrics }, matrices } = this.means;
    const { epoch, step, learningRate, samples, earlierEpochSeconds: seconds } = this;
    return {
      epoch, step, steps: step - (this.records.list.at(-1)?.step ?? 0), samples, loss, metrics, validation: validated?.values ?? null,
      matrices: { ...matrices, ...withPrefix("validation/", validated?.matrices ?? {}) }, learningRate, seconds,
    };
  }

  private async validate(): Promise<Means | null | typeof stopped> {
    const { validate } = this.settings;
    if (validate === undefined) return null;
    const { faults, stop } = this;
    return validated(validate, this.epoch, { faults, stop, open: (data) => this.openData(data), count: (batch) => this.count(batch) });
  }

  /** Whether the epoch that has just been recorded is the best so far; if so, its parameters are kept. */
  private async observe(numbers: Numbers): Promise<boolean> {
    const { monitor, monitored } = this.settings;
    const value = numbers[monitor];
    if (value === undefined) {
      if (!monitored) return false;
      throw this.faults.error(`There is no ${JSON.stringify(monitor)} to tell the best epoch by: ` +
        `epoch ${this.epoch} gave ${Object.keys(numbers).map(visible).join(", ")}. Name one of them in the option monitor.`);
    }
    return this.best.observe(this.epoch, value);
  }

  private history(reason: Stopped): History {
    return {
      epochs: [...this.records.list], curve: this.curve.points(this.step), stopped: reason, best: this.best.epoch, step: this.step,
      seconds: this.earlierSeconds + seconds(this.begin),
      parameters: this.component.parameterCount,
      model: this.component.toString(),
    };
  }

  // Checkpoints.

  private async save(): Promise<void> {
    if (this.checkpoint === null || !this.unsaved) return;
    await this.faults.checkFinite(this.component);
    this.report((listener) => listener.flush?.());
    try {
      await this.checkpoint.save(await this.state());
    } catch (cause) {
      this.saveFailed = true;
      throw this.faults.error(
        `The checkpoint ${this.checkpoint.path} could not be written after step ${this.step}: ${messageOf(cause)}. What was there before is intact.`,
        { cause },
      );
    }
    this.unsaved = false;
    this.hasSaved = true;
  }

  private async state(): Promise<TrainingState> {
    const { epoch, batch, step, start, jumps, samples, learningRate, batches, metricsRun: run } = this;
    const { monitor, epoch: best } = this.best;
    const { patience } = this.settings;
    return {
      epoch, batch, step, start, jumps, now: this.generators.states, means: this.means.state, samples, learningRate, monitor, best, batches, run,
      records: this.records.state, curve: this.curve.state,
      seconds: this.earlierSeconds + seconds(this.begin), epochSeconds: this.epochSeconds,
      patience: { epoch: patience.epoch, frustration: patience.frustration, best: patience.best, bestEpoch: patience.bestEpoch },
      bestIsKept: this.best.values !== null,
      plateau: this.settings.plateau?.state, average: await this.averaging.state(),
    };
  }

  /** Takes over a state, when it is certain that there is all that it needs. */
  private async resume(saved: SavedState): Promise<void> {
    const { averaging, checkpoint } = this;
    this.generators.check(saved.now);
    averaging.check(saved.average);
    await this.best.resume(saved, async (withBest) => {
      if (withBest && checkpoint !== null) return checkpoint.restoreWithBest(saved, () => averaging.restored(saved.average));
      await checkpoint?.restore();
      return null;
    });
    averaging.resume(saved.average);
    this.generators.states = saved.now;
    ({
      epoch: this.epoch, batch: this.batch, step: this.step, start: this.start, samples: this.samples, learningRate: this.learningRate,
      batches: this.batches,
    } = saved);
    this.jumps = [...saved.jumps];
    this.means.state = saved.means;
    for (const record of saved.records) this.records.push(record);
    this.curve.state = saved.curve;
    this.earlierSeconds = saved.seconds;
    this.earlierEpochSeconds = saved.epochSeconds;
    if (this.settings.metrics === undefined) this.metricsRun = saved.run;
    this.unsaved = false;
  }

  // What goes wrong.

  private place(): Place {
    const { epoch, batch, window, step } = this;
    return { epoch, batch: batch + (window.isFull ? window.size : window.size + 1), step };
  }

  private report(tell: (listener: Listener) => void): void {
    try {
      this.listeners.forEach(tell);
    } catch (cause) {
      throw this.faults.error(`The metrics could not be written after step ${this.step}: ${messageOf(cause)}`, { cause });
    }
  }

  private async tell(name: string, call: () => unknown): Promise<void> {
    const answer = await this.faults.during(`${name} failed after epoch ${this.epoch}, step ${this.step}`, () => this.stop.wait(call()), true);
    if (answer === false) this.callbackStop();
  }

  private readonly callbackStop = (): void => this.stop.stop("callback");

  /** Saves what has been done, closes all that is open, and gives the error to throw. */
  private async failed(error: unknown): Promise<unknown> {
    const more: string[] = [];
    for (const parameter of this.settings.optimizer.parameters) parameter.clearGrad();
    const attempt = async (part: () => unknown): Promise<void> => {
      try {
        await part();
      } catch (second) {
        if (second !== error) more.push(messageOf(second));
      }
    };
    // Parameters that have diverged are not worth saving, and must not replace those that are; nor must a training that has not begun. Of a device
    // that has been lost nothing is left to save.
    const isWorthSaving = !(error instanceof DivergenceError) && lossIn(error) === null;
    if (this.isOpen && isWorthSaving && !this.saveFailed && this.step > 0) await attempt(() => this.save());
    for (const listener of this.listeners.splice(0)) await attempt(() => listener.close());
    if (!(error instanceof TrainingError)) return error;
    error.history = this.history("failed");
    if (more.length > 0) error.message += ` Besides: ${more.join(" ")}`;
    return error;
  }
}
