/** Training that was stopped and goes on in another process gives the bits of training that was not. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readTensors } from "../../src/io/index.ts";
import { bundled, output } from "./programs.ts";

let folder = "";
let program = "";
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "flimsy-resume-"));
  program = await bundled(new URL("./resume-program.ts", import.meta.url), folder);
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

it("is bit-identical, into what the program makes and as made by restore", { timeout: 120_000 }, () => {
  const [whole, stopped, again] = ["whole", "stopped", "again"].map((name) => path.join(folder, name));
  const expected = output(program, whole, "0", "40");
  const halfway = output(program, stopped, "0", "15");
  expect(halfway).not.toBe(expected);
  output(program, again, "0", "15");

  expect(output(program, stopped, "15", "30")).not.toBe(expected);
  expect(output(program, stopped, "30", "40")).toBe(expected); // stopped twice
  expect(output(program, again, "15", "40", "again")).toBe(expected);
  // Not only the parameters: what the optimizer remembers and the states of all generators.
  expect(readFileSync(stopped).equals(readFileSync(whole))).toBe(true);
  expect(readFileSync(again).equals(readFileSync(whole))).toBe(true);
  expect([...readTensors(whole).keys()]).toContain("optimizer/firstMoment/network.w.0");
});
