import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ValueComponent } from "../../src/components/index.ts";
import { ValueError } from "../../src/index.ts";
import { CheckpointError, FileError, inspect, readTensors, restore, save, writeTensors } from "../../src/io/index.ts";
import { inFloat32 } from "../device.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), "flimsy-io-"));
  file = path.join(folder, "model.safetensors");
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.chmodSync(folder, 0o777);
  fs.rmSync(folder, { recursive: true, force: true });
});

const model = (value: number): ValueComponent => new ValueComponent({ value: [value] });
const valueIn = (from: string | URL): number => restore<ValueComponent>(from).component.value.item();
function failure(f: () => unknown): FileError {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return error as FileError;
  }
  throw new Error("nothing was thrown");
}

describe("save", () => {
  inFloat32()("writes and replaces a file, by path or URL", () => {
    save(file, model(1));
    expect(valueIn(file)).toBe(1);
    save(pathToFileURL(file), model(2));
    expect(valueIn(pathToFileURL(file))).toBe(2);
    expect(inspect(file).tensors).toEqual([{ name: "value", dtype: "F32", shape: [1] }]);
    writeTensors(file, { x: model(3).value });
    expect(readTensors(file).get("x")?.item()).toBe(3);
    expect(fs.readdirSync(folder)).toEqual(["model.safetensors"]);
  });

  it("works in the current folder, with long names and with other alphabets", () => {
    const before = process.cwd();
    for (const name of ["x", `${"y".repeat(243)}.safetensors`, `${"模".repeat(80)}`]) {
      save(path.join(folder, name), model(4));
      expect(valueIn(path.join(folder, name))).toBe(4);
    }
    process.chdir(folder);
    try {
      save("here", model(5));
      save("here", model(6));
    } finally {
      process.chdir(before);
    }
    expect(valueIn(path.join(folder, "here"))).toBe(6);
  });

  it("keeps the permissions of the file, and follows a link to it", () => {
    save(file, model(1));
    fs.chmodSync(file, 0o640);
    const link = path.join(folder, "link");
    fs.symlinkSync(file, link);
    save(link, model(2));
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
    const [early, later] = [path.join(folder, "early"), path.join(folder, "later")];
    fs.symlinkSync("later", early); // what it leads to is not there yet
    save(early, model(3));
    expect(fs.lstatSync(early).isSymbolicLink()).toBe(true);
    expect(valueIn(later)).toBe(3);
    expect(valueIn(file)).toBe(2);
    if (process.platform !== "win32") expect(fs.statSync(file).mode & 0o777).toBe(0o640);
  });

  it("removes what was left behind a day ago, and nothing that another process may be writing", () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]); // not known here, as any process of another container
    const [old, young] = [Date.now() / 1000 - 24 * 3600 - 60, Date.now() / 1000 - 24 * 3600 + 60];
    const files: Record<string, { at: number; stays: boolean }> = {
      [`.model.safetensors.${pid}-abc.tmp`]: { at: young, stays: true },
      [`.model.safetensors.${process.pid}-abc.tmp`]: { at: young, stays: true },
      ".model.safetensors.m1x2y3-abc.tmp": { at: old, stays: false },
      [`.model.safetensors.${pid}-def.tmp`]: { at: old, stays: false },
      ".other.m1x2y3-abc.tmp": { at: old, stays: true },
      ".model.safetensors.tmp": { at: old, stays: true },
      ".model.safetensors.mine.tmp": { at: old, stays: true },
    };
    for (const [name, { at }] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, name), "x");
      fs.utimesSync(path.join(folder, name), at, at);
    }
    save(file, model(1));
    const kept = Object.keys(files).filter((name) => files[name].stays);
    expect(fs.readdirSync(folder).sort()).toEqual([...kept, "model.safetensors"].sort());
  });
});

describe("what cannot be written", () => {
  const keeps = (f: () => unknown, code: string, message: RegExp): void => {
    const before = fs.readdirSync(folder).sort();
    const error = failure(f);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    vi.restoreAllMocks();
    expect(fs.readdirSync(folder).sort()).toEqual(before);
  };

  it("a folder that is not there, a path through a file, a folder as a file, a device", () => {
    save(file, model(1));
    keeps(
      () => { save(path.join(folder, "no/such"), model(2)); }, "ENOENT",
      /no such could not be written|there is no such file or folder \(ENOENT\)\. Nothing was written/,
    );
    keeps(() => { save(path.join(file, "x"), model(2)); }, "ENOTDIR", /a part of its path is not a folder/);
    keeps(() => { save(folder, model(2)); }, "EISDIR", /it is a folder/);
    if (process.platform !== "win32") keeps(() => { save("/dev/null", model(2)); }, "EINVAL", /a device or a pipe/);
    keeps(() => { save(path.join(folder, "z".repeat(300)), model(2)); }, "ENAMETOOLONG", /name is too long/);
    expect(valueIn(file)).toBe(1);
    expect(() => { save("", model(1)); }).toThrow(/takes a path/);
    expect(() => { save(model(1) as never, "a"  as never); }).toThrow(/takes a path .*, but got a value of type \w+\.$/);
    expect(() => { save("a\0b", model(1)); }).toThrow(/takes a path/);
    for (const url of ["file:///a%00b", "file:///a%2Fb", "file://host/a"]) {
      if (process.platform === "win32") continue; // which has hosts
      expect(() => { save(new URL(url), model(1)); }).toThrow(ValueError);
      expect(() => restore(new URL(url))).toThrow(`but got ${url}.`);
    }
  });

  it.each([
    ["a full disk", "writeSync", "ENOSPC", /the disk is full \(ENOSPC\)\. Nothing was written; what was there before is still there/],
    ["a disk that fails to sync", "fsyncSync", "EIO", /the disk failed/],
    ["a name that cannot be taken", "renameSync", "EBUSY", /it is in use/],
    ["a folder without permission", "openSync", "EACCES", /permission was denied/],
    ["a file that must not be written", "accessSync", "EACCES", /permission was denied/],
  ] as const)("%s", (_, call, code, message) => {
    save(file, model(1));
    let writes = 0;
    const original = fs[call] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, call).mockImplementation(((...args: unknown[]) => {
      if (call === "writeSync" && writes++ === 0) return original(args[0], args[1], 0, 10, null); // some of it fits
      throw Object.assign(new Error(code), { code });
    }) as never);
    keeps(() => { save(file, model(2)); }, code, message);
    expect(valueIn(file)).toBe(1);
  });

  // Real limits of the system, as far as this one lets them be set.
  it.skipIf(process.platform === "win32")("a real limit on the size of files", () => {
    const code = `
      import { ValueComponent } from "flimsy-ml/components";
      import { FileError, save } from "flimsy-ml/io";
      try { save(process.argv[1], new ValueComponent({ shape: [1000000] })); } catch (error) { console.log(error instanceof FileError, error.code); }`;
    save(file, model(1));
    const tsx = new URL(import.meta.resolve("tsx")).href;
    const args = ["--conditions=flimsy-source", "--import", tsx, "--input-type=module", "-e", code, file];
    const command = `ulimit -f 1024; exec "$0" "$@"`;
    expect(execFileSync("sh", ["-c", command, process.execPath, ...args], { encoding: "utf8", cwd: path.join(import.meta.dirname, "../..") }).trim())
      .toBe("true EFBIG");
    expect(valueIn(file)).toBe(1);
    expect(fs.readdirSync(folder)).toEqual(["model.safetensors"]);
  });

  it.skipIf(process.platform === "win32" || process.getuid?.() === 0)("a real read-only folder and file", () => {
    save(file, model(1));
    fs.chmodSync(file, 0o444);
    keeps(() => { save(file, model(2)); }, "EACCES", /permission was denied/);
    fs.chmodSync(file, 0o644);
    fs.chmodSync(folder, 0o555);
    keeps(() => { save(file, model(2)); }, "EACCES", /permission was denied/);
    expect(valueIn(file)).toBe(1);
  });
});

describe("what cannot be read", () => {
  it("says why, and where", () => {
    expect(failure(() => restore(file)).message).toBe(`${file} could not be read: there is no such file or folder (ENOENT).`);
    expect(failure(() => inspect(folder)).code).toBe("EISDIR");
    if (process.platform !== "win32") {
      expect(failure(() => restore("/dev/zero")).code).toBe("EINVAL");
      const pipe = path.join(folder, "pipe");
      execFileSync("mkfifo", [pipe]);
      expect(failure(() => restore(pipe)).code).toBe("EINVAL"); // and does not wait for a writer
    }
  });

  inFloat32()("may be replaced at any moment", () => {
    save(file, model(1));
    const original = fs.openSync;
    let value = 1;
    vi.spyOn(fs, "openSync").mockImplementation(((path: string, flags: string) => {
      // Another process is faster: after it was asked what is there, and before it is opened.
      if (path === file && flags === "r") save(file, new ValueComponent({ value: Array.from({ length: ++value }, () => value) }));
      return original(path, flags);
    }) as never);
    expect(restore<ValueComponent>(file).component.value.toArray()).toEqual([2, 2]);
    expect(inspect(file).tensors).toEqual([{ name: "value", dtype: "F32", shape: [3] }]);
  });

  it("is named with its path where it is damaged", () => {
    save(file, model(1));
    const bytes = fs.readFileSync(file);
    for (const length of [0, 5, 8, 100, bytes.length - 1]) {
      fs.writeFileSync(file, bytes.subarray(0, length));
      for (const read of [restore, inspect, readTensors]) {
        expect(() => read(file)).toThrow(CheckpointError);
        expect(() => read(file)).toThrow(`${file} was not loaded: `);
      }
      try {
        restore(file);
      } catch (error) {
        expect((error as CheckpointError).file).toBe(file);
      }
    }
  });

  it("inspect reads the header only", () => {
    save(file, new ValueComponent({ shape: [1000, 1000] }));
    let read = 0;
    const original = fs.readSync as (...args: unknown[]) => number;
    vi.spyOn(fs, "readSync").mockImplementation(((...args: unknown[]) => {
      const n = original(...args);
      read += n;
      return n;
    }) as never);
    expect(inspect(file).tensors[0].shape).toEqual([1000, 1000]);
    expect(read).toBeLessThan(2000);
  });

  it("allocates nothing for what a header only announces", () => {
    const start = performance.now();
    const sparse = (header: string, length = header.length): void => {
      const first = Buffer.alloc(8);
      first.writeBigUInt64LE(BigInt(length));
      fs.writeFileSync(file, Buffer.concat([first, Buffer.from(header)]));
      fs.truncateSync(file, 2 ** 40); // a tebibyte of zeros, which takes no room on the disk
    };
    for (const [header, length, message] of [
      ["{}", 2, /bytes follow that belong to no tensor/], ["{", 2 ** 33, /announce a header of 8589934592 bytes/],
    ] as const) {
      sparse(header, length);
      for (const read of [restore, inspect]) {
        expect(() => read(file)).toThrow(CheckpointError);
        expect(() => read(file)).toThrow(message);
      }
    }
    const rest = 2 ** 40 - 8 - 80;
    sparse(JSON.stringify({ x: { dtype: "U8", shape: [rest], data_offsets: [0, rest] } }).padEnd(80));
    expect(inspect(file).tensors[0].shape).toEqual([rest]);
    expect(failure(() => readTensors(file)).message).toMatch(/there is not enough memory for it \(ENOMEM\)/);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
