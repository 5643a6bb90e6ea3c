/** What fit takes, and the checks of it. */

import { Patience } from "../extras/index.ts";
import { Component, Optimizer, type Parameter, type ParameterAverage, type Plateau, type Random, ValueError, type Variable, type WithLoss } from "../index.ts";
import { checkOptions as checkNames } from "../support/options.ts";
import { warnOnce } from "../support/warn.ts";
import type { Signal } from "../support/platform.ts";
import { checkChoice, checkFlag, checkFunction, checkInstance, checkInteger, refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { checkData, type Data } from "./batches.ts";
import type { EpochRecord } from "./history.ts";
import type { Numbers } from "./means.ts";
import type { Result } from "./metric-results.ts";
import type { Metric } from "./running.ts";
import { minimizesItself } from "./window.ts";

/** A step that was made. */
export interface StepEvent {
  /** From 1. */
  readonly epoch: number;
  /** The batch in the epoch, from 1. */
  readonly batch: number;
  /** How many steps have been made, over all epochs. */
  readonly step: number;
  readonly loss: number;
  /** The further numbers that the cost returned, metrics of this batch alone. */
  readonly metrics: Readonly<Numbers>;
  /** That of this step's update. */
  readonly learningRate: number;
  /** How many samples the batch had, null if that is not known. */
  readonly samples: number | null;
  /** How many batches the epoch has, null if that is not known. */
  readonly batches: number | null;
  /** Ends the training, as returning false does. */
  stop(): void;
}

/** An epoch that was completed. */
export interface EpochEvent extends EpochRecord {
  /** Whether the monitored number is the best so far. */
  readonly improved: boolean;
  /** Ends the training, as returning false does. */
  stop(): void;
}

/** A number by itself is the loss. */
export type Measured = number | Variable | Readonly<Record<string, number | Variable | Metric<Result>>>;

/** Validation by a cost over batches, or by a function of one's own. */
export type Validation<V> =
  | { readonly data: Data<V>; readonly cost: (batch: V) => Measured | WithLoss }
  | (() => Measured | Promise<Measured>);

export interface CheckpointOptions {
  /** The file. The best parameters, where they are kept, go into a second one beside it: `model.best.safetensors` for `model.safetensors`. */
  readonly path: string;
  /** How often it is written: every so many epochs, or steps; after each epoch unless given. Also when training ends, and when the best changes. */
  readonly every?: number | { readonly epochs: number } | { readonly steps: number } | undefined;
  /** Go on from the file if it is there. */
  readonly resume?: boolean | undefined;
  /** Begin anew although the file is there, and replace it. */
  readonly overwrite?: boolean | undefined;
}

export interface MetricsOptions {
  readonly path: string;
  /** A line for each so many steps; 1 unless given. */
  readonly every?: number | undefined;
  /** Add to a file that is there. */
  readonly append?: boolean | undefined;
  /** Replace a file that is there. */
  readonly overwrite?: boolean | undefined;
}

export interface TensorBoardOptions {
  readonly folder: string;
  /** An event for each so many steps; 1 unless given. */
  readonly every?: number | undefined;
}

/** How a training shows itself on the standard error stream. */
export type ProgressMode = "auto" | "bar" | "lines" | "none";

export interface FitOptions<B, V = B> {
  /** The batches of an epoch: what can be gone through again for each epoch, or a function that makes it. */
  readonly data: Data<B>;
  /**
   * The loss of a batch, or an object with it as `loss` and further numbers, which are averaged: each batch has the weight that is in it as
   * `weight`, else its number of samples. What functions of `metric` give is added up by samples. It runs inside `grad`.
   */
  readonly cost: (batch: B) => WithLoss;
  readonly optimizer: Optimizer<never>;
  /**
   * How many batches one update is made of, where memory does not hold a larger one; 1 unless given. Their gradients are averaged, each with the weight of
   * its batch, as for the means of an epoch: with a cost that is a mean over samples it is the update of one batch of all of them. What is left at the end
   * of an epoch is an update of its own.
   */
  readonly accumulate?: number | undefined;
  /** Averages of the parameters, updated after each step: validation and the parameters of the best epoch are theirs. */
  readonly ema?: ParameterAverage | undefined;
  /** A learning rate, made by `schedule.plateau`, that is told the monitored number after each epoch. */
  readonly plateau?: Plateau | undefined;
  /** How many epochs, counted from the beginning also when training is resumed; Infinity until something else ends it. */
  readonly epochs: number;
  /** What is measured after each epoch: a cost over batches, which runs inside `evaluate`, or a function that returns a number or several by name. */
  readonly validate?: Validation<V> | undefined;
  /** Early stopping: after more than so many epochs in a row without an improvement, or as a `Patience` says. */
  readonly patience?: number | Patience | undefined;
  /** Whether an epoch has reached the goal: then training ends, and `stopped` is "goal". */
  readonly until?: ((epoch: EpochRecord) => boolean | Promise<boolean>) | undefined;
  /** The number that says which epoch is best, of validation if there is one, else of training; "loss" unless given. */
  readonly monitor?: string | undefined;
  /** Put the parameters of the best epoch back when training ends; so it is unless given if there is `patience`, else not. */
  readonly restoreBest?: boolean | undefined;
  readonly checkpoint?: string | CheckpointOptions | undefined;
  /**
   * "resume": go on from the checkpoint, on the device made anew, when the device is lost (a graphics driver may end it). Steps after the checkpoint are made
   * again, so callbacks hear of them again; the results are those of a training without it. A device that is lost again before another checkpoint has been
   * written is an error. Unless given, so is each.
   */
  readonly onDeviceLost?: "resume" | undefined;
  /** Generators, besides the default one, from which data or the model draw: their states are kept in checkpoints. */
  readonly random?: Random | readonly Random[] | undefined;
  /** Called after each step. Returning false ends the training; a promise is waited for. */
  readonly onStep?: ((event: StepEvent) => unknown) | undefined;
  /** Called after each epoch. Returning false ends the training; a promise is waited for. */
  readonly onEpoch?: ((event: EpochEvent) => unknown) | undefined;
  /** A file of JSON lines. */
  readonly metrics?: string | MetricsOptions | undefined;
  /** A folder for a TensorBoard event file. */
  readonly tensorboard?: string | TensorBoardOptions | undefined;
  readonly progress?: ProgressMode | undefined;
  /**
   * The number of samples of a batch, of training or of validation: its weight in means, and for the rates shown. Known of batches of
   * `minibatches` unless given; a batch of which it is not known has the weight 1.
   */
  readonly samples?: ((batch: B | V) => number) | undefined;
  /** Ends the training after the current step when it aborts. */
  readonly signal?: Signal | undefined;
}

const known = [
  "data", "cost", "optimizer", "accumulate", "ema", "plateau", "epochs", "validate", "patience", "until", "monitor", "restoreBest", "checkpoint", "random",
  "onDeviceLost", "onStep", "onEpoch", "metrics", "tensorboard", "progress", "samples", "signal",
];

/** The options in one form each. */
export interface Settings<B, V> extends FitOptions<B, V> {
  readonly accumulate: number;
  readonly patience: Patience;
  readonly restoreBest: boolean;
  readonly monitor: string;
  /** Whether the monitored number is needed, or only shown if it is there. */
  readonly monitored: boolean;
  readonly stopsEarly: boolean;
  readonly checkpoint: (CheckpointOptions & { readonly epochs: number; readonly steps: number }) | undefined;
  readonly metrics: (MetricsOptions & { readonly every: number }) | undefined;
  readonly tensorboard: (TensorBoardOptions & { readonly every: number }) | undefined;
  readonly progress: ProgressMode;
}

/** @throws ValueError for anything that fit does not take */
export function checkOptions<B, V>(component: Component, options: FitOptions<B, V>): Settings<B, V> {
  checkNames("fit", options, known);
  if (!(component instanceof Component)) {
    throw new ValueError(`fit takes a Component first, but got ${describe(component)}: fit(model, { data, cost, optimizer, epochs }).`);
  }
  const { data, cost, optimizer, validate, patience, until, onStep, onEpoch, samples, progress = "auto", signal } = options;
  checkData("fit", data);
  checkFunction("fit", "cost", cost, "(batch) => loss");
  checkInstance("fit", "an optimizer, such as new Adam(model)", optimizer, Optimizer);
  const own = new Set(component.parameters());
  if (!optimizer.parameters.some((parameter) => own.has(parameter))) {
    throw new ValueError("fit got an optimizer that trains no parameter of the component. Make it for this one: new Adam(model).");
  }
  if (options.epochs !== Infinity) checkInteger("fit", "epochs", options.epochs, 0);
  if (validate !== undefined && typeof validate !== "function") {
    checkNames("validate of fit", validate, ["data", "cost"]);
    checkData("validate of fit", validate.data);
    checkFunction("validate of fit", "cost", validate.cost, "(batch) => loss");
  }
  for (const [name, given] of Object.entries({ until, onStep, onEpoch, samples })) if (given !== undefined) checkFunction("fit", name, given);
  checkChoice("fit", "progress", progress, ["auto", "bar", "lines", "none"]);
  if (signal !== undefined && typeof signal?.addEventListener !== "function") throw refusal("fit", "an AbortSignal as signal", signal);
  if (patience !== undefined && typeof patience !== "number") checkInstance("fit", "a number or a Patience as patience", patience, Patience);
  checkUpdates(options, own);
  const { monitor = "loss", restoreBest = patience !== undefined } = options;
  const others = optimizer.parameters.filter((parameter) => !own.has(parameter)).length;
  if (others > 0 && (restoreBest || options.checkpoint !== undefined)) {
    warnOnce(
      "unlisted",
      `fit: the optimizer trains ${others} parameter${others === 1 ? "" : "s"} that ${component.constructor.name} does not list in parameters(): ` +
        "neither checkpoints nor the best epoch have the values. Keep them in fields of the component, or in components, arrays, maps and plain objects " +
        "there; #private fields, sets, closures and objects of other classes are not looked through.",
    );
  }
  checkLost(options);
  if (typeof monitor !== "string") throw refusal("fit", "the name of a number as monitor", monitor);
  checkFlag("fit", "restoreBest", restoreBest);
  return {
    ...options,
    accumulate: options.accumulate ?? 1,
    patience: patience instanceof Patience ? patience : new Patience(patience ?? Number.MAX_SAFE_INTEGER, { maximize: options.plateau?.maximize }),
    monitor,
    monitored: patience !== undefined || restoreBest || options.monitor !== undefined || options.plateau !== undefined,
    restoreBest,
    stopsEarly: patience !== undefined,
    checkpoint: checkpointSettings(options.checkpoint),
    metrics: fileSettings<MetricsOptions>("metrics", "path", options.metrics, ["append", "overwrite"]),
    tensorboard: fileSettings<TensorBoardOptions>("tensorboard", "folder", options.tensorboard, []),
    progress,
  };
}

/** What belongs to updates. Objects are known by what they do, so that programs without them need not load them. */
function checkUpdates<B, V>({ optimizer, accumulate = 1, ema, plateau, patience }: FitOptions<B, V>, own: ReadonlySet<Parameter>): void {
  checkInteger("fit", "accumulate", accumulate, 1);
  if (accumulate > 1 && minimizesItself(optimizer)) {
    const { name } = optimizer.constructor;
    throw new ValueError(`fit got accumulate: ${accumulate}, but ${name} evaluates the cost of a batch again and again. Give it larger batches.`);
  }
  if (ema !== undefined && typeof ema?.copyTo !== "function") throw refusal("fit", "a ParameterAverage as ema, such as new ParameterAverage(model)", ema);
  if (ema?.parameters().some((parameter) => !own.has(parameter))) {
    throw new ValueError("fit got an ema of parameters that the component does not have. Make it for this one: new ParameterAverage(model).");
  }
  if (plateau === undefined) return;
  if (typeof plateau !== "function" || typeof plateau.observe !== "function") throw refusal("fit", "a rate made by schedule.plateau as plateau", plateau);
  if (patience instanceof Patience && patience.maximize !== plateau.maximize) {
    throw new ValueError("fit got a patience and a plateau of which only one has maximize: true, but both are told the same number.");
  }
}

function checkLost<B, V>({ onDeviceLost, checkpoint }: FitOptions<B, V>): void {
  if (onDeviceLost === undefined) return;
  checkChoice("fit", "onDeviceLost", onDeviceLost, ["resume"]);
  if (checkpoint !== undefined) return;
  throw new ValueError('fit got onDeviceLost: "resume", but no checkpoint to go on from. Give it one, as { checkpoint: "model.safetensors" }.');
}

function checkFlags(what: string, options: object, names: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) if (names.includes(name) && value !== undefined) checkFlag(what, name, value);
}

function withPlace<T extends object>(what: string, place: keyof T & string, given: string | T, names: readonly string[]): T {
  const options = typeof given === "string" ? ({ [place]: given } as T) : given;
  checkNames(what, options, [place, ...names]);
  if (typeof options[place] !== "string" || options[place] === "") throw refusal(what, `a ${place}`, options[place]);
  return options;
}

function checkpointSettings(given: FitOptions<never>["checkpoint"]): Settings<never, never>["checkpoint"] {
  if (given === undefined) return undefined;
  const what = "checkpoint of fit";
  const options = withPlace<CheckpointOptions>(what, "path", given, ["every", "resume", "overwrite"]);
  checkFlags(what, options, ["resume", "overwrite"]);
  if (options.resume && options.overwrite) throw new ValueError(`${what} takes either resume or overwrite: to go on from the file, or to begin anew.`);
  const { every = 1 } = options;
  if (typeof every === "number") return { ...options, epochs: checkInteger(what, "every", every, 1), steps: 0 };
  checkNames(`every of ${what}`, every, ["epochs", "steps"]);
  const { epochs, steps } = every as { readonly epochs?: number; readonly steps?: number };
  if ((epochs === undefined) === (steps === undefined)) throw new ValueError(`every of ${what} takes { epochs } or { steps }.`);
  return {
    ...options,
    epochs: epochs === undefined ? 0 : checkInteger(what, "epochs", epochs, 1),
    steps: steps === undefined ? 0 : checkInteger(what, "steps", steps, 1),
  };
}

function fileSettings<T extends { readonly every?: number | undefined }>(
  name: string, place: keyof T & string, given: string | T | undefined, flags: readonly string[],
): (T & { readonly every: number }) | undefined {
  if (given === undefined) return undefined;
  const what = `${name} of fit`;
  const options = withPlace<T>(what, place, given, ["every", ...flags]);
  checkFlags(what, options, flags);
  return { ...options, every: checkInteger(what, "every", options.every ?? 1, 1) };
}
