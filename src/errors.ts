/**
 * What can go wrong, each kind a class of its own so that a program can tell them apart.
 * A message says what happened, where, and what to do about it.
 */

/** Where a frame of a stack is: `at` grows from line to line, and from column to column. */
interface Place {
  readonly location: string;
  readonly file: string;
  readonly at: number;
}

/** The place of a frame in V8's notation, or in Firefox' and Safari's; null for what is the engine's own. Names and files may hold spaces. */
function placeOf(frame: string): Place | null {
  const location = frame.replace(/^.*? \((.+)\)$|^\s+at (?:async )?|^[^@:]*@/, "$1");
  const [, file, line, column] = /^(?!(?:node|node-internal|ext|internal|native|unknown):)(.+):(\d+):(\d+)$/.exec(location) ?? [];
  return file === undefined ? null : { location, file, at: Number(line) * 2 ** 32 + Number(column) };
}

const framesOf = ({ stack }: Error): string[] => (stack ?? "").split("\n").filter((frame) => placeOf(frame) !== null);

/** Defined by the build alone. */
declare const isBuilt: boolean;
/** The folder of the sources, where Flimsy runs from them. */
const home = typeof isBuilt === "undefined" ? placeOf(framesOf(new Error())[0] ?? "")?.file.replace(/[^/\\]*$/, "") : undefined;

/**
 * Which code is Flimsy's own: what lies between errors that were made at the first and at the last line of a file. The build puts them into each
 * file of the package, and the files leave them here. Bundlers rename, move, split and join files, but keep together what belongs to one. The errors
 * are asked for their places only when these are needed, so that whatever maps the frames of a stack maps them too.
 */
const marks = Symbol.for("flimsy-ml");
interface Marked { [marks]?: Error[][] }

const own: { file: string; from: number; to: number }[] = [];

function isOwn({ file, at }: Place): boolean {
  for (const errors of ((globalThis as Marked)[marks] ?? []).slice(own.length)) {
    const places = errors.map((error) => placeOf(framesOf(error)[0] ?? ""));
    const ats = places.map((place) => place?.at ?? NaN);
    own.push({ file: places[0]?.file ?? "", from: Math.min(...ats), to: Math.max(...ats) });
  }
  return own.some((code) => file === code.file && at >= code.from && at <= code.to) || (home !== undefined && file.startsWith(home));
}

/** Engines keep the top frames only, which may all be Flimsy's own. */
const DEEP = 64;

/** The frames of whoever called Flimsy, the innermost first. */
function userFrames(): string[] {
  const limit = Error.stackTraceLimit;
  const setLimit = (frames: number): boolean => Reflect.set(Error, "stackTraceLimit", frames); // not there, or frozen: then it stays as it is
  setLimit(DEEP);
  const error = new Error();
  setLimit(limit);
  return framesOf(error).filter((frame) => !isOwn(placeOf(frame) as Place));
}

/** Where the user called, as `file:line:column`, or "" where the engine does not tell. */
export const userLocation = (): string => placeOf(userFrames()[0] ?? "")?.location ?? "";

/** Every error that Flimsy raises on purpose. Its stack begins at the user's line. */
export class FlimsyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    const frames = userFrames().slice(0, Error.stackTraceLimit);
    if (frames.length > 0) this.stack = [`${this.name}: ${message}`, ...frames].join("\n");
  }
}

/** Shapes that an operation cannot combine. */
export class ShapeError extends FlimsyError {}

/** A value outside of what a function takes: a negative size, a label out of range, a NaN learning rate. */
export class ValueError extends FlimsyError {}

/** A function called where it may not be: a step inside a step, an async step, a loss that no parameter reaches. */
export class UsageError extends FlimsyError {}

/** A Variable read or used after the step that computed it has ended. */
export class StaleVariableError extends FlimsyError {}

/** An operation produced a NaN or an infinity while `debug({ checkNumerics: true })` was on. */
export class NanError extends FlimsyError {}

/** The device has no more memory. */
export class MemoryError extends FlimsyError {}

/** checkGradients found a gradient that is wrong. */
export class GradientError extends FlimsyError {}
