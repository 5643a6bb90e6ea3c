/** Are the gradients right? Measured in float64, by finite differences. */

import { namedIn } from "./targets.ts";
import { checkCanWait } from "../devices/answers.ts";
import { currentDevice, setDevice, useDevice } from "../devices/current.ts";
import type { Storage } from "../devices/storage.ts";
import { GradientError, ShapeError, UsageError, ValueError } from "../support/errors.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import { defaultRandom, Random } from "../random/random.ts";
import { keep, openStep, withStep } from "../engine/recording.ts";
import { nothing, type Step } from "../engine/step.ts";
import { zeros } from "../operations/creation.ts";
import type { Shape } from "../support/shape.ts";
import { grad, type WithLoss } from "../engine/grad.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { ready } from "../engine/ready.ts";
import type { Trainable } from "../engine/trainable.ts";
import { markReached, Parameter, Variable } from "../engine/variable.ts";
import { checkNumber } from "../support/check.ts";
import { describe } from "../support/describe.ts";

export interface CheckOptions {
  /** The largest error of a gradient against the central difference, relative to their size but at least 1. Default 10⁻⁶. */
  readonly tolerance?: number;
  /**
   * The largest error of the default device against the reference, relative to the largest entry of the parameter's gradient, but at least
   * to 10⁻⁴ of the largest of all. Default 10⁻³.
   */
  readonly deviceTolerance?: number;
  /** Of a parameter with more entries, so many are drawn at random for the central differences. Default 64. */
  readonly maxEntries?: number;
  /** Throw a GradientError if something is wrong (the default), or only report it. */
  readonly throws?: boolean;
}

/** A gradient entry that is wrong. */
export interface GradientMismatch {
  /** The parameter, by its path. */
  readonly parameter: string;
  /** Which of its entries. */
  readonly index: readonly number[];
  /** What back-propagation gave. */
  readonly gradient: number;
  /** What it should be: the central difference, or the reference device's gradient. */
  readonly expected: number;
  /** What the gradient was compared with. */
  readonly against: "finite differences" | "the reference device";
  /** The slopes on both sides of a kink, as of relu at 0, if the gradient lies between them; null elsewhere. */
  readonly kink: readonly [below: number, above: number] | null;
}

export interface GradientReport {
  /** Whether all agree. */
  readonly ok: boolean;
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: Shape;
    /** How many entries there are, and how many of them were compared with central differences. */
    readonly entries: number;
    readonly checked: number;
    /** The largest differences, relative as the tolerances are; of `error` the rounding of a large loss is forgiven. */
    readonly error: number;
    readonly deviceError: number;
  }[];
  readonly mismatches: readonly GradientMismatch[];
  toString(): string;
}

/**
 * Compares the gradients of `f` by every parameter with central differences in float64 on the reference device, and the
 * gradients of the current device with those of the reference device. Random numbers drawn by `f` from the default
 * generator (dropout) are the same in every run. Frozen parameters are constants. Parameters, their gradients and states are as before afterwards.
 *
 * @param f returns the loss, or an object with it as `loss`; it must compute the same whenever it is called
 * @param target a component whose parameters are checked; a parameter, an array of them, or named ones
 * @throws GradientError naming parameter, index and both values, unless `throws` is false
 * @throws UsageError inside a step, or if all parameters are frozen; ValueError where there is nothing to check, or for an option out of range
 * @example
 * const w = parameter([0.5, 2]);
 * checkGradients(() => log(w).sum(), w).ok; // true
 * // A factor that gradients do not see
 * checkGradients(() => mul(w, detach(w)).sum(), w, { throws: false }).ok; // false
 */
export function checkGradients(
  f: () => WithLoss,
  target: Trainable | ReadonlyMap<string, Parameter>,
  options: CheckOptions = {},
): GradientReport {
  checkArguments("checkGradients", arguments, 3);
  const device = currentDevice();
  const check = new Check("checkGradients", f, target, options);
  try {
    checkCanWait(device, "checkGradients", "checkGradientsAsync(f, θ)");
    const onDevice = device.name === "reference" ? null : valuesOf(check.gradients());
    setDevice("reference");
    return check.report(onDevice);
  } finally {
    useDevice(device);
    check.end();
  }
}

/**
 * As `checkGradients`, on every device, also where it cannot be waited for. All that is on the device leaves it meanwhile. No other step may run until
 * it is done.
 * @throws as `checkGradients`; what has gone wrong in a step since something was read last
 * @example
 * const w = parameter([0.5, 2]);
 * const { ok } = await checkGradientsAsync(() => log(w).sum(), w);
 * ok; // true
 */
export async function checkGradientsAsync(
  f: () => WithLoss,
  target: Trainable | ReadonlyMap<string, Parameter>,
  options: CheckOptions = {},
): Promise<GradientReport> {
  checkArguments("checkGradientsAsync", arguments, 3);
  const device = currentDevice();
  try {
    await setDevice("reference");
    const check = new Check("checkGradientsAsync", f, target, options);
    try {
      useDevice(device);
      const onDevice = device.name === "reference" ? null : valuesOf(await ready(check.gradients()));
      await setDevice("reference");
      return check.report(onDevice);
    } finally {
      check.end();
    }
  } finally {
    useDevice(device);
  }
}

type Gradients<T> = ReadonlyMap<string, T>;

const valuesOf = (gradients: Gradients<Variable>): Gradients<FloatArray> => new Map([...gradients].map(([name, gradient]) => [name, gradient.data]));

class Check {
  private readonly caller: string;
  private readonly f: () => WithLoss;
  private readonly named: ReadonlyMap<string, Parameter>;
  private readonly tolerance: number;
  private readonly deviceTolerance: number;
  private readonly maxEntries: number;
  private readonly throws: boolean;
  private readonly random = defaultRandom();
  private readonly randomState = this.random.state;
  /** How to bring back each parameter, also those that f uses from elsewhere. */
  private readonly restore = new Map<Parameter, () => void>();

  constructor(caller: string, f: () => WithLoss, target: Trainable | ReadonlyMap<string, Parameter>, options: CheckOptions) {
    checkOptions(caller, options, ["tolerance", "deviceTolerance", "maxEntries", "throws"]);
    if (openStep() !== null) throw new UsageError(`${caller} was called inside grad or evaluate. Call it on its own.`);
    this.tolerance = checkNumber(caller, "tolerance", options.tolerance ?? 1e-6, 0);
    this.deviceTolerance = checkNumber(caller, "deviceTolerance", options.deviceTolerance ?? 1e-3, 0);
    this.maxEntries = checkNumber(caller, "maxEntries", options.maxEntries ?? 64, 1);
    this.throws = options.throws !== false;
    if (typeof f !== "function") throw new ValueError(`${caller} takes a function and what holds parameters, but got ${describe(f)} first.`);
    this.caller = caller;
    this.f = f;
    this.named = new Map([...namedIn(caller, target)].filter(([, parameter]) => !parameter.isFrozen));
  }

  private again<T>(body: () => T): T {
    this.random.state = this.randomState;
    return body();
  }

  private remember(parameter: Parameter): void {
    if (!this.restore.has(parameter)) this.restore.set(parameter, remember(parameter));
  }

  /** The gradients of all parameters on the current device; zero where the loss does not reach. */
  gradients(): Gradients<Variable> {
    for (const parameter of this.named.values()) {
      this.remember(parameter);
      parameter.clearGrad();
    }
    this.again(() => grad(() => {
      const result = this.f();
      const step = openStep() as Step;
      step.assigned = nothing; // each run begins with the same states
      for (const array of step.arrays) if (array instanceof Parameter) this.remember(array);
      return result;
    }));
    return new Map([...this.named].map(([name, parameter]) => [name, parameter.grad ?? zeros(parameter.shape)]));
  }

  /** Compares the gradients on the reference device, the current one, with finite differences, and with those of another device. */
  report(onDevice: Gradients<FloatArray> | null): GradientReport {
    const onReference = valuesOf(this.gradients());
    const chooser = new Random(0);
    // Where large terms cancel, as in the gradient of a bias near the optimum, their rounding is left: that is not a wrong gradient.
    let least = 1e-6;
    for (const gradient of onReference.values()) for (const value of gradient) if (Number.isFinite(value)) least = Math.max(least, 1e-4 * Math.abs(value));
    const mismatches: GradientMismatch[] = [];
    const parameters = [...this.named].map(([name, parameter]) => {
      const { shape, size } = parameter;
      const exact = onReference.get(name) as FloatArray;
      const entries = chooseEntries(exact, this.maxEntries, chooser);
      const error = this.checkEntries(name, parameter, entries, exact, mismatches);
      const found = onDevice?.get(name);
      const deviceError = found === undefined ? 0 : compare(name, shape, found, exact, least, this.deviceTolerance, mismatches);
      return { name, shape, entries: size, checked: entries.length, error, deviceError };
    });
    const report: GradientReport = { ok: mismatches.length === 0, parameters, mismatches, toString: () => format(report) };
    if (!report.ok && this.throws) throw new GradientError(String(report));
    return report;
  }

  /** Returns the largest error of these entries. */
  private checkEntries(name: string, parameter: Parameter, entries: readonly number[], exact: FloatArray, mismatches: GradientMismatch[]): number {
    let error = 0;
    const original = Float64Array.from(parameter.values());
    for (const entry of entries) {
      const { slope: expected, rounding, sides } = this.again(() => centralDifference(this.caller, this.f, parameter, original, entry));
      const size = Math.max(1, Math.abs(exact[entry]), Math.abs(expected));
      const off = Math.abs(exact[entry] - expected);
      error = Math.max(error, Number.isFinite(off) ? off / size : Infinity);
      if (!Number.isFinite(off) || off - rounding > this.tolerance * size) {
        const kink = kinkBetween(this.again(sides), exact[entry], size);
        mismatches.push({ parameter: name, index: indexOf(entry, parameter.shape), gradient: exact[entry], expected, against: "finite differences", kink });
      }
    }
    parameter.assign(original);
    return error;
  }

  /** All is as before. */
  end(): void {
    this.random.state = this.randomState;
    for (const bringBack of this.restore.values()) bringBack();
  }
}

/** Remembers values and gradient of a parameter, and returns how to bring them back. */
function remember(parameter: Parameter): () => void {
  const values = parameter.data;
  const gradient = parameter.grad?.data ?? null;
  return () => {
    (parameter.storage as Storage).assign(values);
    parameter.clearGrad();
    if (gradient === null) return;
    markReached(parameter, -1);
    parameter.gradient.assign(gradient);
  };
}

/** Those whose gradient is not finite first, then any. */
function chooseEntries(gradient: FloatArray, most: number, random: Random): number[] {
  const all = Array.from(gradient, (_, i) => i);
  if (all.length <= most) return all;
  const suspect = all.filter((i) => !Number.isFinite(gradient[i]));
  const others = all.filter((i) => Number.isFinite(gradient[i]));
  return [...suspect, ...random.shuffle(others)].slice(0, most).sort((a, b) => a - b);
}

interface Difference {
  readonly slope: number;
  /** How far the last bits of a large loss alone may put it off. */
  readonly rounding: number;
  /** The slopes below and above x; two equal ones if f does not compute the same at every call. */
  readonly sides: () => readonly [below: number, above: number];
}

/** (f(x + h) − f(x − h)) / 2h: its error falls with h², its rounding grows with 1/h; 6·10⁻⁶ balances them in float64. */
function centralDifference(caller: string, f: () => WithLoss, parameter: Parameter, original: Float64Array, entry: number): Difference {
  const h = 6e-6 * Math.max(1, Math.abs(original[entry]));
  const random = defaultRandom();
  const state = random.state;
  const at = (value: number): number => {
    random.state = state;
    const moved = original.slice();
    moved[entry] = value;
    parameter.assign(moved);
    return lossOf(caller, f);
  };
  const [high, low] = [original[entry] + h, original[entry] - h];
  const [above, below] = [at(high), at(low)];
  const slope = (above - below) / (high - low);
  const sides = (): [number, number] => {
    const here = at(original[entry]);
    const same = here === at(original[entry]) && above === at(high) && below === at(low);
    return same ? [(here - below) / (original[entry] - low), (above - here) / (high - original[entry])] : [slope, slope];
  };
  return { slope, rounding: (4 * Number.EPSILON * Math.max(Math.abs(above), Math.abs(below))) / (high - low), sides };
}

/** The slopes on two sides, if they differ by more than curvature would explain and the gradient is one of a kink's: between them. */
function kinkBetween(sides: readonly [number, number], gradient: number, size: number): readonly [number, number] | null {
  const [least, most] = [Math.min(...sides), Math.max(...sides)];
  const slack = 1e-3 * size;
  return most - least > slack && gradient > least - slack && gradient < most + slack ? sides : null;
}

/** The loss alone, computed as `grad` would. */
function lossOf(caller: string, f: () => WithLoss): number {
  return withStep(caller, "training", (step) => {
    const result = f();
    const loss = result instanceof Variable ? result : result.loss;
    step.assigned = nothing;
    if (loss.size !== 1) throw new ShapeError(`${caller} needs a loss with one element.`);
    keep(step, [loss]);
    return loss.item();
  });
}

function compare(
  name: string, shape: Shape, found: FloatArray, exact: FloatArray, least: number, tolerance: number, mismatches: GradientMismatch[],
): number {
  let largest = least;
  for (const value of exact) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  let error = 0;
  let worst = -1;
  exact.forEach((value, i) => {
    // Of what is not finite, only the same is near.
    const off = Object.is(found[i], value) ? 0 : Math.abs(found[i] - value) / largest;
    if (!(off <= error)) {
      error = Number.isNaN(off) ? Infinity : off;
      worst = i;
    }
  });
  if (!(error <= tolerance)) {
    mismatches.push(
      { parameter: name, index: indexOf(worst, shape), gradient: found[worst], expected: exact[worst], against: "the reference device", kink: null },
    );
  }
  return error;
}

function indexOf(entry: number, shape: Shape): number[] {
  const index: number[] = [];
  let rest = entry;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

function format(report: GradientReport): string {
  const kinkOf = ({ kink }: GradientMismatch): string =>
    (kink === null ? "" : `; f has a kink here, with slope ${rounded(kink[0])} below and ${rounded(kink[1])} above`);
  const shown = report.mismatches.slice(0, 10).map((m) =>
    `  ${m.parameter}[${m.index.join(", ")}]: ` +
      `gradient ${m.gradient}, but ${m.against} give${m.against.endsWith("device") ? "s" : ""} ${m.expected}${kinkOf(m)}`);
  if (report.mismatches.length > shown.length) shown.push(`  … and ${report.mismatches.length - shown.length} more`);
  const lines = report.parameters.map((p) =>
    `  ${p.name} [${p.shape.join(", ")}]: ` +
    `${p.checked === p.entries ? `all ${p.entries}` : `${p.checked} of ${p.entries}, drawn at random,`} entries checked, ` +
    `largest error ${p.error.toExponential(1)}${p.deviceError > 0 ? `, of the device ${p.deviceError.toExponential(1)}` : ""}`);
  return report.ok
    ? ["Gradients agree with finite differences:", ...lines].join("\n")
    : ["Gradients are wrong:", ...shown, ...adviceFor(report.mismatches), ...lines].join("\n");
}

const rounded = (slope: number): number => Number(slope.toPrecision(4));

function adviceFor(mismatches: readonly GradientMismatch[]): string[] {
  const advice: string[] = [];
  if (mismatches.some(({ kink }) => kink !== null)) {
    advice.push("At a kink, as of relu, max or abs, there is no one gradient to compare: check with other parameters or data, such as random ones.");
  }
  const finite = ({ gradient }: GradientMismatch): boolean => Number.isFinite(gradient);
  if (!mismatches.every(finite)) {
    advice.push("A gradient that is not finite cannot be compared. " +
      "Something overflowed, or has no slope there, as log, sqrt and division at 0: check with other parameters or data.");
  }
  if (mismatches.some((m) => m.kink === null && finite(m))) {
    advice.push("Check the reverse rules of your own operations, and that f computes the same at every call.");
  }
  return advice;
}
