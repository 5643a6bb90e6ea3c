/**
 * What can go wrong, each kind a class of its own so that a program can tell them apart.
 * A message says what happened, where, and what to do about it.
 */

/** A frame of a stack, and where it is: `at` grows from line to line, and from column to column. */
interface Place {
  readonly frame: string;
  readonly location: string;
  readonly file: string;
  readonly at: number;
}

/** The frames of a stack in V8's notation, or in Firefox' and Safari's, without the engine's own. Names and files may hold spaces. */
function placesOf({ stack }: Error): Place[] {
  return String(stack).split("\n").flatMap((frame) => {
    const location = frame.replace(/^.*? \((.+)\)$|^\s+at (?:async )?|^[^@:]*@/, "$1");
    const [, file, line, column] = /^(?!(?:node|node-internal|ext|internal|native|unknown):)(.+):(\d+):(\d+)$/.exec(location) ?? [];
    return file === undefined ? [] : { frame, location, file, at: Number(line) * 2 ** 32 + Number(column) };
  });
}

/**
 * The build gives each file of the package marks: errors made at its first and at its last line, which it leaves here. What lies between them is
 * Flimsy's own code. Bundlers rename, move, split and join files, but keep together what belongs to one. The errors are asked for their places
 * only when these are needed, so that whatever maps the frames of a stack maps them too.
 */
const marks = Symbol.for("flimsy-ml");
interface Marked { [marks]?: Error[][] }
const own: { file: string; from: number; to: number }[] = [];

/** Defined by the build alone. The sources have no marks: they are what lies in the folder above. */
declare const isBuilt: boolean;
const folder = typeof isBuilt === "undefined" ? placesOf(new Error())[0].file.replace(/[^/\\]*[/\\][^/\\]*$/, "") : "";

function isOwn({ file, at }: Place): boolean {
  if (typeof isBuilt === "undefined") return file.startsWith(folder);
  for (const errors of ((globalThis as Marked)[marks] ?? []).slice(own.length)) {
    const places = errors.map((error) => placesOf(error)[0]);
    const ats = places.map((place) => place?.at);
    own.push({ file: places[0]?.file, from: Math.min(...ats), to: Math.max(...ats) });
  }
  return own.some((code) => file === code.file && at >= code.from && at <= code.to);
}

/** Engines keep the top frames only, which may all be Flimsy's own. */
const DEEP = 64;

/** The stack as it is here, for an error that may be made later. */
export function stackHere(): Error {
  const limit = Error.stackTraceLimit;
  const setLimit = (frames: number): boolean => Reflect.set(Error, "stackTraceLimit", frames); // not there, or frozen: then it stays as it is
  setLimit(DEEP);
  const error = new Error();
  setLimit(limit);
  return error;
}

/** Where Flimsy was called, the innermost place first. */
const userPlaces = (at = stackHere()): Place[] => placesOf(at).filter((place) => !isOwn(place));

/** Lets an error begin where the user called Flimsy. */
export function place<E extends Error>(error: E, at?: Error): E {
  const frames = userPlaces(at).slice(0, Error.stackTraceLimit).map(({ frame }) => frame);
  if (frames.length > 0) error.stack = [`${error.name}: ${error.message}`, ...frames].join("\n");
  return error;
}

/** Where the user called, as `file:line:column`, or "" where the engine does not tell. */
export const userLocation = (): string => userPlaces()[0]?.location ?? "";

/** The file that this code runs from. Not `import.meta.url`: bundlers write the path of the machine that they run on, and CommonJS has none. */
export const ownFile = (): string => placesOf(new Error())[0]?.file ?? "";

/**
 * Every error that Flimsy raises on purpose. Its stack begins at the user's line.
 * @example
 * try { zeros([-1]); } catch (error) {
 *   error instanceof FlimsyError; // true
 * }
 */
export class FlimsyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    place(this);
  }
}

/**
 * Shapes that an operation cannot combine.
 * @example
 * try { add(zeros([2]), zeros([3])); } catch (error) {
 *   error instanceof ShapeError; // true
 * }
 */
export class ShapeError extends FlimsyError {}

/**
 * A value outside of what a function takes: a negative size, a label out of range, a NaN learning rate.
 * @example
 * // Labels count from 0.
 * try { oneHot(3, 3); } catch (error) {
 *   error instanceof ValueError; // true
 * }
 */
export class ValueError extends FlimsyError {}

/**
 * A function called where it may not be: a step inside a step, an async step, a loss that no parameter reaches.
 * @example
 * // This loss depends on no parameter.
 * try { grad(() => input([1, 2]).sum()); } catch (error) {
 *   error instanceof UsageError; // true
 * }
 */
export class UsageError extends FlimsyError {}

/**
 * A Variable read or used after the step that computed it has ended.
 * @example
 * const w = parameter([1, 2]);
 * let y: Variable = w;
 * grad(() => {
 *   y = w.mul(2);
 *   return y.sum(); // y is not returned
 * });
 * try { y.toArray(); } catch (error) {
 *   error instanceof StaleVariableError; // true
 * }
 */
export class StaleVariableError extends FlimsyError {}

/**
 * An operation produced a NaN or an infinity while `debug({ checkNumerics: true })` was on.
 * @example
 * debug({ checkNumerics: true });
 * try { evaluate(() => log(input([-1]))); } catch (error) {
 *   error instanceof NanError; // true
 * }
 * debug({ checkNumerics: false });
 */
export class NanError extends FlimsyError {}

/** Why a device does not do what was asked: it has been lost, is not to be had here, or cannot be waited for. */
export type DeviceReason = "lost" | "missing" | "cannot-wait";

/**
 * A device that cannot work here, such as "wasm" where a policy forbids WebAssembly. Another can be chosen: `setDevice("reference")`.
 * @example
 * try { setDevice("wasm"); } catch (error) {
 *   if (!(error instanceof DeviceError && error.reason === "missing")) throw error;
 *   setDevice("reference");
 * }
 */
export class DeviceError extends FlimsyError {
  /** The name of a device that has been lost; `setDevice` makes it anew. Else null. */
  readonly device: string | null;

  /**
   * @param reason "missing": it cannot be had here; "lost": it is there no more, with all that was on it alone; "cannot-wait": an answer was asked for
   *   where nobody can wait for it
   */
  constructor(message: string, readonly reason: DeviceReason, options?: ErrorOptions & { readonly device?: string }) {
    super(message, options);
    this.device = options?.device ?? null;
  }
}

/**
 * The device has no more memory.
 * @example
 * // 4 GiB, with which WebAssembly has no room for anything else
 * try { evaluate(() => broadcastTo(0, [2 ** 30])); } catch (error) {
 *   error instanceof MemoryError; // true
 * }
 */
export class MemoryError extends FlimsyError {}

/**
 * checkGradients found a gradient that is wrong.
 * @example
 * const w = parameter([1, 2]);
 * // The gradient is w, and should be 2w: detach hides a factor from it.
 * try { checkGradients(() => mul(w, detach(w)).sum(), w); } catch (error) {
 *   error instanceof GradientError; // true
 * }
 */
export class GradientError extends FlimsyError {}
