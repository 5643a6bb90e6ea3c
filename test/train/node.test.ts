import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/index.ts";
import { makeFolder, makeFolderOf } from "../../src/train/node.ts";
import { folders } from "./helpers.ts";

const folder = folders();

describe("a folder", () => {
  it("is made with those above it, and may be there", () => {
    for (let i = 0; i < 2; i++) makeFolderOf(folder("a/b/c/file.txt"), "A test");
    makeFolder(folder("a/b"), "A test");
    expect(existsSync(folder("a/b/c"))).toBe(true);
    expect(existsSync(folder("a/b/c/file.txt"))).toBe(false);
  });

  it("under a file is an error", () => {
    mkdirSync(folder("a"));
    writeFileSync(folder("a/file"), "");
    expect(() => makeFolderOf(folder("a/file/model"), "A test")).toThrow(UsageError);
    expect(() => makeFolderOf(folder("a/file/deep/er/model"), "A test")).toThrow("cannot be written");
  });

  // Node 20 does not come back from mkdirSync("/proc/x/y", { recursive: true }).
  it.skipIf(!existsSync("/proc/self"))("where none can be is an error, at once", () => {
    expect(() => makeFolderOf("/proc/flimsy/deep/model.safetensors", "A test")).toThrow(UsageError);
  });
});
