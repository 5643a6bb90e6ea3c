/** Files, in Node. Its modules are asked for when they are needed, so that nothing here keeps a browser from loading this. */

import { UsageError, ValueError } from "../index.ts";
import { isUrl } from "../support/arrays.ts";
import { FileError } from "./errors.ts";
import { messageOf } from "./messages.ts";

type Fs = typeof import("node:fs");

function nodeModule(name: string): unknown {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return host?.getBuiltinModule?.(name) ?? null;
}

/**
 * The path that a user gave.
 * @param instead what to do where there are no files
 * @throws UsageError outside of Node; ValueError for a URL of something else than a file
 */
export function pathOf(caller: string, path: string | URL, instead: string): string {
  if (nodeModule("node:fs") === null) throw new UsageError(`${caller} got a path, but there are no files here, or this version of Node is older than 20.16. ${instead}`);
  if (typeof path === "string" && path !== "" && !path.includes("\0") && !/^[a-z]{2,}:\/\//i.test(path)) return path;
  if (isUrl(path) && path.protocol === "file:") {
    try {
      const found = (nodeModule("node:url") as typeof import("node:url")).fileURLToPath(path);
      if (!found.includes("\0")) return found;
    } catch {
      // It has a host, or an encoded slash.
    }
  }
  throw new ValueError(`${caller} takes a path or a URL of a file, new URL("file:…"), but got ${isUrl(path) ? path.href : JSON.stringify(path) ?? String(path)}.`);
}

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
  const reason = reasons[code] ?? messageOf(error);
  const after = action === "written" ? " Nothing was written; what was there before is still there." : "";
  return new FileError(`${path} could not be ${action}: ${reason} (${code}).${after}`, path, code, { cause: error });
}

/** A file that is open for reading, from its beginning on. */
export interface OpenFile {
  readonly size: number;
  /**
   * A buffer with what was read so far and the next bytes, up to `length` of them together; fewer where the file ends.
   * @param head what was read so far
   */
  read(head: Uint8Array, length: number): Uint8Array;
  close(): void;
}

/** @throws FileError */
export function openFile(path: string): OpenFile {
  const fs = nodeModule("node:fs") as Fs;
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
    read: (head, length) => attempt(() => {
      const bytes = new Uint8Array(length);
      bytes.set(head);
      let done = head.length;
      while (done < length) {
        const n = fs.readSync(fd, bytes, done, Math.min(length - done, 2 ** 30), null);
        if (n === 0) break;
        done += n;
      }
      return bytes.subarray(0, done);
    }),
    close: () => { fs.closeSync(fd); },
  };
}

function notAFile(action: "read" | "written", path: string, isFolder: boolean): FileError {
  return isFolder
    ? new FileError(`${path} could not be ${action}: it is a folder (EISDIR). Give the path of a file.`, path, "EISDIR")
    : new FileError(`${path} could not be ${action}: it is a device or a pipe, and no ordinary file (EINVAL).`, path, "EINVAL");
}

let counter = 0;

/**
 * Replaces a file by another as one event: whoever opens it at any moment, also after a crash or a power failure, finds the
 * old or the new one whole. The bytes go to a temporary file beside it and to the disk, then the temporary takes its name.
 * @throws FileError; then the old file is as it was, and no temporary is left
 */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const fs = nodeModule("node:fs") as Fs;
  const { basename, dirname, join, resolve } = nodeModule("node:path") as typeof import("node:path");
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
    const unique = `${process.pid}-${Date.now().toString(36)}${(counter++).toString(36)}${Math.random().toString(36).slice(2, 8)}`;
    const name = join(folder, `${prefix}${unique}.tmp`);
    fd = fs.openSync(name, "wx", (stats?.mode ?? 0o666) & 0o777);
    temporary = name;
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, Math.min(bytes.length - done, 2 ** 30));
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

/** Removes temporaries of this file that were left behind when a process was killed. */
function removeLeftovers(fs: Fs, folder: string, prefix: string, join: (...parts: string[]) => string): void {
  ignoringErrors(() => {
    for (const name of fs.readdirSync(folder)) {
      if (!name.startsWith(prefix)) continue;
      const [, pid] = /^(\d+)-[0-9a-z]+\.tmp$/.exec(name.slice(prefix.length)) ?? [];
      const leftover = join(folder, name);
      if (pid !== undefined && isAbandoned(fs, Number(pid), leftover)) ignoringErrors(() => { fs.unlinkSync(leftover); });
    }
  });
}

/** Numbers of processes are used again: in a container the new process often has the number of the one that was killed. */
function isAbandoned(fs: Fs, pid: number, file: string): boolean {
  if (pid === process.pid) return fs.statSync(file).mtimeMs < Date.now() - 1000 * process.uptime() - 5000;
  try {
    process.kill(pid, 0); // asks whether it is there
    return false;
  } catch (error) {
    return (error as { code?: unknown }).code === "ESRCH";
  }
}
