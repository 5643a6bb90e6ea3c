/**
 * What can go wrong, each kind a class of its own so that a program can tell them apart.
 * A message says what happened, where, and what to do about it.
 */

const here = moduleFile(new Error().stack);

/** The file of the first frame of a stack, in V8's and in Firefox' and Safari's notation. */
function frameFile(frame: string): string | null {
  return /((?:file|https?|blob|webpack|node):[^\s()]*?|\/[^\s()]*?|[A-Za-z]:\\[^\s()]*?):\d+:\d+\)?$/.exec(frame)?.[1] ?? null;
}

function moduleFile(stack: string | undefined): string | null {
  return stack?.split("\n").map(frameFile).find((file) => file !== null) ?? null;
}

/** The folder that holds Flimsy itself; frames in it are not the user's. */
const home = here?.replace(/[^/\\]*$/, "") ?? null;

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
export function userLocation(stack: string | undefined): string {
  return /([^\s()]+:\d+:\d+)\)?$/.exec(userFrames(stack)[0] ?? "")?.[1] ?? "";
}

/** Every error that Flimsy raises on purpose. Its stack begins at the user's line. */
export class FlimsyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    const frames = userFrames(this.stack);
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
