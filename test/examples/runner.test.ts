/** `npm run example`, as package.json runs it. */

import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { headOf } from "../../examples/common.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function run(args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const { npm_config_quick: _, ...inherited } = process.env;
    execFile(process.execPath, ["--conditions=flimsy-source", "--import", "tsx", "scripts/example.js", ...args], { cwd: root, env: { ...inherited, ...env } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

const listed = async (): Promise<string[]> => [...(await run([])).out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map((match) => match[1]);

describe("npm run example", () => {
  it("is what this tests", async () => {
    const { scripts } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
    expect(scripts.example).toBe("node --conditions=flimsy-source --import tsx scripts/example.js");
  });

  it("lists the examples, of which each has a test, a row in the gallery and a sentence about itself", async () => {
    const names = await listed();
    expect(names).toContain("logistic-regression");
    expect(names).not.toContain("common");
    const gallery = await readFile(path.join(root, "docs/examples.md"), "utf8");
    for (const name of names) {
      await expect(access(path.join(root, `test/examples/${name}.test.ts`)), name).resolves.toBeUndefined();
      expect(gallery).toContain(`| [${name}](../examples/${name}.ts)`);
      expect(headOf(await readFile(path.join(root, `examples/${name}.ts`), "utf8")).split("\n\n")[0], name).toMatch(/^\S.{20,160}\.$/s);
    }
  }, 60_000);

  it("runs one with options", async () => {
    const { code, out } = await run(["softmax-regression", "--quick", "-c", "--seed", "2"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Gradients agree with finite differences:/);
    expect(out).toMatch(/^epochs +=> 30$/m);
    expect(out).toMatch(/^took [\d.]+ s$/m);
  }, 60_000);

  it("shows the options of one without running it", async () => {
    const { code, out } = await run(["rnn-comparison", "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Simple, gated and LSTM/);
    for (const option of ["--seeds n", "--page text", "--check, -c", "--quick", "--seed n", "--help, -h"]) expect(out).toContain(`  ${option} `);
    expect(out).not.toContain("took");
  }, 60_000);

  it.each([
    ["a name with a letter too many", ["physicss"], {}, /no example physicss\. Did you mean physics\?[\s\S]*\n {2}tree-lstm /],
    ["half a name", ["comparison"], {}, /Did you mean rnn-comparison\?/],
    ["a name like no other", ["zzzzzzzz"], {}, /no example zzzzzzzz\. There are:\n/],
    ["an option that there is not", ["physics", "--fast"], {}, /'--fast'[\s\S]*--quick/],
    ["a seed that is no number", ["physics", "--seed", "x"], {}, /--seed takes a number, but got "x"/],
    ["a stray word", ["physics", "quick"], {}, /'quick'/],
    ["an option that npm took", ["physics"], { npm_config_quick: "true" }, /npm run example physics -- --quick/],
  ])("refuses %s", async (_, args, env, message) => {
    const { code, err, out } = await run(args, env);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/^ {4}at /m);
    expect(out).toBe("");
  }, 60_000);
});
