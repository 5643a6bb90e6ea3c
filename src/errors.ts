/**
 * What can go wrong, each kind a class of its own so that a program can tell them apart.
 * A message says what happened, where, and what to do about it.
 */

/** The place and the file of a frame of a stack, in V8's and in Firefox' and Safari's notation; names may hold spaces. */
function placeOf(frame: string): { location: string; file: string } | null {
  const [, location, file] = /(?:^|\(|@|at |async )(((?:(?:file|https?|blob|webpack|node):|\/|[A-Za-z]:\\).*?):\d+:\d+)\)?$/.exec(frame) ?? [];
  return location === undefined ? null : { location, file };
}

const frameFile = (frame: string): string | null => placeOf(frame)?.file ?? null;

function moduleFile(stack: string | undefined): string | null {
  return stack?.split("\n").map(frameFile).find((file) => file !== null) ?? null;
}

/** The folder that holds Flimsy itself; frames in it are not the user's. */
const home = moduleFile(new Error().stack)?.replace(/[^/\\]*$/, "") ?? null;

/** The stack without the frames of Flimsy itself: the user's own line comes first. */
export function userFrames(stack: string | undefined): string[] {
  const frames = (stack ?? "").split("\n").filter((line) => frameFile(line) !== null);
  // A bundle puts user and library into one file; then every frame is kept.
  const user = home === null ? frames : frames.filter((line) => !isOurs(frameFile(line) as string));
  return user.length > 0 ? user : frames;
}

function isOurs(file: string): boolean {
  return home !== null && file.startsWith(home) && !/\.(test|spec)\.[cm]?[jt]s$/.test(file);
}

/** Where the user called, as `file:line:column`, or "" where the engine gives no stack. */
export function userLocation(): string {
  const limit = stackLimit(DEEP);
  const { stack } = new Error();
  stackLimit(limit);
  return placeOf(userFrames(stack)[0] ?? "")?.location ?? "";
}

/** Engines keep the top frames only, which may all be Flimsy's own: sets how many, and returns how many it was before. */
function stackLimit(frames: number): number {
  const before = Error.stackTraceLimit;
  Reflect.set(Error, "stackTraceLimit", frames); // not there, or frozen: then it stays as it is
  return before;
}

const DEEP = 64;

/** Every error that Flimsy raises on purpose. Its stack begins at the user's line. */
export class FlimsyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    const limit = stackLimit(DEEP);
    super(message, options);
    stackLimit(limit);
    this.name = new.target.name;
    const frames = userFrames(this.stack).slice(0, limit);
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
