/** Node's own modules, asked for when they are needed, so that a browser can load `flimsy-ml/train`. */

import { FlimsyError, UsageError } from "../index.ts";
import { messageOf } from "../support/describe.ts";
import { ownFile } from "../support/errors.ts";
import { FileError } from "../support/file-error.ts";
import { builtin } from "../support/files.ts";

/** The process, where there is one. */
export const nodeProcess = (): NodeJS.Process | undefined => (globalThis as { process?: NodeJS.Process }).process;

/**
 * A module of Node.
 * @param purpose what it is for, as the beginning of a sentence
 * @throws UsageError where there is none, as in a browser
 */
export function nodeModule<K extends Parameters<typeof builtin>[0]>(name: K, purpose: string): NonNullable<ReturnType<typeof builtin<K>>> {
  const found = builtin(name);
  if (found === null) throw new UsageError(`${purpose} needs Node (20.20 or later); here is none, as in a browser.`);
  return found;
}

/** The folder of a file, made if it is not there. */
export function makeFolderOf(path: string, purpose: string): void {
  const { dirname } = nodeModule("node:path", purpose);
  writable(path, () => makeFolder(dirname(path), purpose));
}

/**
 * A folder with those above it, made one by one: the recursive form of Node's mkdir does not end where the system says that a folder which is
 * there is not, as under /proc.
 */
export function makeFolder(folder: string, purpose: string): void {
  const [fs, { dirname, resolve }] = [nodeModule("node:fs", purpose), nodeModule("node:path", purpose)];
  const missing: string[] = [];
  const isThere = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  for (let at = resolve(folder); !isThere(at); at = dirname(at)) missing.push(at);
  for (const each of missing.reverse()) {
    try {
      fs.mkdirSync(each);
    } catch (error) {
      if (!isThere(each)) throw error; // else another process was faster
    }
  }
}

/**
 * What a function gives that writes to a path.
 * @throws UsageError for what the system says
 */
export function writable<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (error instanceof FileError) throw new UsageError(`${error.message} Nothing has been trained.`, { cause: error });
    if (error instanceof FlimsyError) throw error;
    throw new UsageError(`${path} cannot be written: ${messageOf(error)}. Nothing has been trained.`, { cause: error });
  }
}

/**
 * A package that is used only in Node, and only where it is needed: no bundler sees it. It is looked for beside Flimsy, then,
 * for programs that are bundled into one file, in the folder where the program runs.
 * @param use what to do with the function that requires and resolves
 */
export function withPackage<T>(name: string, purpose: string, use: (require: NodeJS.Require) => T): T {
  const { createRequire } = nodeModule("node:module", purpose);
  let failure: unknown;
  for (const place of [ownFile(), `${nodeProcess()?.cwd()}/package.json`]) {
    try {
      return use(createRequire(place));
    } catch (error) {
      failure = error;
    }
  }
  throw new UsageError(`${purpose} needs the package ${name}, which is not there: ${messageOf(failure)}. Install it: npm install ${name}.`, { cause: failure });
}
