import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FileError } from "../../src/support/file-error.ts";
import { checkWritable, openFile, replaceFile } from "../../src/support/files.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), "flimsy-files-"));
  file = path.join(folder, "file.txt");
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true, force: true });
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

// What happens to links, permissions, full disks and leftovers is looked at in test/io/files.test.ts, by saving.
describe("replacing a file", () => {
  it("takes its bytes whole or in pieces", () => {
    replaceFile(file, bytes("one"));
    expect(fs.readFileSync(file, "utf8")).toBe("one");
    replaceFile(file, (function* () { for (const word of ["a", "", "bc"]) yield bytes(word); })());
    expect(fs.readFileSync(file, "utf8")).toBe("abc");
  });

  it("may read the old one meanwhile, and leaves it when the pieces fail", () => {
    fs.writeFileSync(file, "old");
    const open = openFile(file);
    replaceFile(file, (function* () { yield open.read(0, 2); yield bytes("!"); })());
    expect(fs.readFileSync(file, "utf8")).toBe("ol!");
    open.close();
    expect(() => replaceFile(file, (function* () { yield bytes("x"); throw new Error("no more"); })())).toThrow("no more");
    expect([fs.readFileSync(file, "utf8"), fs.readdirSync(folder)]).toEqual(["ol!", ["file.txt"]]);
  });
});

describe("whether a file can be written", () => {
  it("is found out without writing it", () => {
    checkWritable(file);
    expect(fs.existsSync(file)).toBe(false);
    fs.writeFileSync(file, "x");
    checkWritable(file);
    expect(fs.readFileSync(file, "utf8")).toBe("x");
    for (const [where, code] of [[folder, "EISDIR"], [path.join(folder, "no/file"), "ENOENT"], [path.join(file, "x"), "ENOTDIR"]]) {
      expect(() => checkWritable(where)).toThrow(FileError);
      expect(() => checkWritable(where)).toThrow(`(${code})`);
    }
    vi.spyOn(fs, "accessSync").mockImplementation(() => { throw Object.assign(new Error(), { code: "EACCES" }); });
    expect(() => checkWritable(file)).toThrow("permission was denied (EACCES)");
  });
});

it("an open file gives any part of it", () => {
  fs.writeFileSync(file, "abcdef");
  const open = openFile(file);
  expect([open.size, ...[[0, 2], [4, 6], [5, 100], [6, 7]].map(([begin, end]) => Buffer.from(open.read(begin, end)).toString())])
    .toEqual([6, "ab", "ef", "f", ""]);
  open.close();
});
