/** Files, in Node: reading them in pieces, and the one way of replacing them. Nothing here keeps a browser from loading this. */

import { FileError } from "./file-error.ts";

interface Modules {
  "node:fs": typeof import("node:fs");
  "node:module": typeof import("node:module");
  "node:os": typeof import("node:os");
  "node:path": typeof import("node:path");
  "node:url": typeof import("node:url");
}

/** A module of Node, asked for when it is needed; null where there is none, as in a browser. */
export function builtin<K extends keyof Modules>(name: K): Modules[K] | null {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return (host?.getBuiltinModule?.(name) ?? null) as Modules[K] | null;
}

type Fs = Modules["node:fs"];

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission was denied",
  EBUSY: "it is in use",
  EDQUOT: "the quota of the disk is used up",
  EFBIG: "it would be larger than a file may be here",
  EIO: "the disk failed",
  EISDIR: "it is a folder",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "its name is too long",
  ENOENT: "there is no such file or folder",
  ENOMEM: "there is not enough memory for it",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is not a folder",
  EPERM: "the system does not permit it",
  EROFS: "the disk is read-only",
};

function fileError(action: "read" | "written", path: string, error: unknown): FileError {
  if (error instanceof FileError) return error;
  const code = error instanceof RangeError ? "ENOMEM" : String((error as { code?: unknown }).code ?? "unknown");
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  const after = action === "written" ? " Nothing was written; what was there before is still there." : "";
  return new FileError(`${path} could not be ${action}: ${reason} (${code}).${after}`, path, code, { cause: error });
}

function notAFile(action: "read" | "written", path: string, isFolder: boolean): FileError {
  return isFolder
    ? new FileError(`${path} could not be ${action}: it is a folder (EISDIR). Give the path of a file.`, path, "EISDIR")
    : new FileError(`${path} could not be ${action}: it is a device or a pipe, and no ordinary file (EINVAL).`, path, "EINVAL");
}

/** The most that one call of the system is asked for, in bytes. */
const most = 2 ** 30;

/** A file that is open for reading. */
export interface OpenFile {
  readonly size: number;
  /** The bytes from a place to another; fewer where the file ends before that. */
  read(begin: number, end: number): Uint8Array;
  close(): void;
}

/** @throws FileError */
export function openFile(path: string): OpenFile {
  const fs = builtin("node:fs") as Fs;
  const attempt = <T>(f: () => T): T => {
    try {
      return f();
    } catch (error) {
      throw fileError("read", path, error);
    }
  };
  // Asked before it is opened: opening a pipe would wait for a writer.
  const stats = attempt(() => fs.statSync(path));
  if (!stats.isFile()) throw notAFile("read", path, stats.isDirectory());
  const fd = attempt(() => fs.openSync(path, "r"));
  return {
    size: attempt(() => fs.fstatSync(fd).size), // not that of before: another file may have taken its name
    read: (begin, end) => attempt(() => {
      const bytes = new Uint8Array(end - begin);
      let done = 0;
      while (done < bytes.length) {
        const n = fs.readSync(fd, bytes, done, Math.min(bytes.length - done, most), begin + done);
        if (n === 0) break;
        done += n;
      }
      return bytes.subarray(0, done);
    }),
    close: () => { fs.closeSync(fd); },
  };
}

/**
 * That a file can be written, or made, is found out without doing it.
 * @throws FileError
 */
export function checkWritable(path: string): void {
  const fs = builtin("node:fs") as Fs;
  try {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) throw notAFile("written", path, stats.isDirectory());
    // With a slash it must be a folder; for a file in its place some versions of Node say nothing above.
    fs.accessSync(stats === undefined ? `${(builtin("node:path") as Modules["node:path"]).dirname(path)}/` : path, fs.constants.W_OK);
  } catch (error) {
    throw fileError("written", path, error);
  }
}

/** After how long a temporary is taken for one that was left behind, in milliseconds: no process writes one file for a day. */
const abandoned = 24 * 3600 * 1000;

/**
 * Replaces a file by another as one event: whoever opens it at any moment, also after a crash or a power failure, finds the
 * old or the new one whole. The bytes go to a temporary file beside it and to the disk, then the temporary takes its name.
 * What the file was stays: its permissions, a link that leads to it, and that it must not be written.
 * @param content all of it, or pieces of it in order
 * @throws FileError; then the old file is as it was, and no temporary is left
 */
export function replaceFile(path: string, content: Uint8Array | Iterable<Uint8Array>): void {
  const fs = builtin("node:fs") as Fs;
  const { basename, dirname, join, resolve } = builtin("node:path") as Modules["node:path"];
  let temporary: string | null = null;
  let fd: number | null = null;
  try {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) throw notAFile("written", path, stats.isDirectory());
    if (stats !== undefined) fs.accessSync(path, fs.constants.W_OK); // renaming would replace a write-protected file as well
    let target = path;
    // Not a link, but what it leads to, is replaced, or made.
    while (fs.lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) target = resolve(fs.realpathSync(dirname(target)), fs.readlinkSync(target));
    const folder = dirname(target);
    const prefix = `.${basename(target).slice(0, 40)}.`;
    removeLeftovers(fs, folder, prefix, join);
    const name = join(folder, `${prefix}${Date.now().toString(36)}-${unique()}.tmp`);
    fd = fs.openSync(name, "wx", (stats?.mode ?? 0o666) & 0o777);
    temporary = name;
    for (const bytes of content instanceof Uint8Array ? [content] : content) {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, Math.min(bytes.length - done, most));
    }
    if (stats !== undefined) keepMode(fs, fd, stats.mode);
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fd = null;
    fs.renameSync(name, target);
    temporary = null;
    syncFolder(fs, folder);
  } catch (error) {
    if (fd !== null) ignoringErrors(() => { fs.closeSync(fd as number); });
    if (temporary !== null) ignoringErrors(() => { fs.unlinkSync(temporary as string); });
    throw fileError("written", path, error);
  }
}

/** Processes may share a folder and nothing else, not even the numbers by which they know each other. */
const unique = (): string => Array.from({ length: 2 }, () => Math.random().toString(36).slice(2)).join("");

function ignoringErrors(f: () => void): void {
  try {
    f();
  } catch {
    // What led here is reported instead, or it does not matter.
  }
}

/** Whatever the process takes away from modes of new files. Some file systems have none. */
const keepMode = (fs: Fs, fd: number, mode: number): void => ignoringErrors(() => { fs.fchmodSync(fd, mode & 0o777); });

/** That the name now means the new file must reach the disk too. Windows cannot open folders, and some file systems cannot sync them. */
const syncFolder = (fs: Fs, folder: string): void => ignoringErrors(() => {
  const fd = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
});

/**
 * Removes temporaries of this file that were left behind when a process was killed. Only their age says so: a process that is not known here
 * may live in another container, or on another machine.
 */
function removeLeftovers(fs: Fs, folder: string, prefix: string, join: (...parts: string[]) => string): void {
  ignoringErrors(() => {
    for (const name of fs.readdirSync(folder)) {
      if (!name.startsWith(prefix) || !/^[0-9a-z]+-[0-9a-z]+\.tmp$/.test(name.slice(prefix.length))) continue;
      const leftover = join(folder, name);
      ignoringErrors(() => { if (fs.statSync(leftover).mtimeMs < Date.now() - abandoned) fs.unlinkSync(leftover); });
    }
  });
}
