/** The package as its users get it: built, installed in another project, and bundled by a bundler that drops what is unused. */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as esbuild from "esbuild";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "../scripts/build.js";
import { entries, root } from "../scripts/package.js";

describe("the package", () => {
  let project = "";
  beforeAll(async () => {
    project = mkdtempSync(path.join(tmpdir(), "flimsy-package-"));
    const installed = path.join(project, "node_modules/flimsy-ml");
    mkdirSync(installed, { recursive: true });
    copyFileSync(path.join(root, "package.json"), path.join(installed, "package.json"));
    await build(path.join(installed, "dist"));
  }, 120_000);
  afterAll(() => { rmSync(project, { recursive: true, force: true }); });

  async function bundled(name: string, code: string): Promise<string> {
    const source = path.join(project, `${name}.ts`);
    const outfile = path.join(project, `${name}.mjs`);
    writeFileSync(source, code);
    await esbuild.build({ entryPoints: [source], outfile, bundle: true, minify: true, format: "esm", logLevel: "error", logOverride: { "ignored-bare-import": "silent" } });
    return execFileSync(process.execPath, [outfile], { encoding: "utf8" }).trim();
  }

  it.each(entries.map(({ specifier }) => specifier))("has methods on variables for a program that uses %s", async (specifier) => {
    const name = specifier.replace(/\W/g, "-");
    const code = `import { input } from "flimsy-ml"; import * as entry from "${specifier}";
      console.log(Object.keys(entry).length > 0, input([1, 2]).add(1).sum().item());`;
    expect(await bundled(name, code)).toBe("true 5");
  });

  it("has them when a Variable comes from another entry", async () => {
    expect(await bundled("initialization", 'import { glorot } from "flimsy-ml/initialization"; console.log(glorot([2, 3]).sum().shape.length);')).toBe("0");
    expect(await bundled("synthetic", 'import { MixtureTask } from "flimsy-ml/synthetic"; console.log(new MixtureTask(2, 2).sample(3).x.sum(0).size);')).toBe("2");
  });

  it("brings no cost that is not used, as Vite bundles it", async () => {
    const load = async (code: string): Promise<string> => {
      const input = path.join(project, "costs.ts");
      writeFileSync(input, `import { cost, input } from "flimsy-ml"; console.log(${code});`);
      const { output } = await (await rolldown({ input, platform: "node" })).generate({ format: "esm" });
      return output[0].code;
    };
    const small = await load("cost.mse(input([1]), input([2])).item()");
    expect(small).toContain("mse");
    expect(small).not.toContain("ctc");
    expect(await load("cost.ctcWithScores")).toContain("ctc");
  });

  it("runs as it is, and drops nothing that is used", async () => {
    expect(await bundled("plain", 'import { ZScore } from "flimsy-ml/extras"; console.log(ZScore.fit([[1, 2], [3, 4]]).apply([[2, 3]]).sum().item());')).toBe("0");
  });
});
