/** The package as its users get it: built, installed in another project, and bundled by a bundler that drops what is unused. */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
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

  /** The exports of every entry that are classes whose own name is another, and what errors and printing say. */
  const names = (specifiers: readonly string[]): string => `${specifiers.map((specifier, i) => `import * as entry${i} from "${specifier}";`).join("\n")}
    import { FlimsyError, GradientNoise, input, parameter, RmsProp } from "flimsy-ml";
    import { Lstm } from "flimsy-ml/components";
    import { serialize } from "flimsy-ml/io";
    const isClass = (value) => typeof value === "function" && /^class\\b/.test(Function.prototype.toString.call(value));
    const found = [${specifiers.map((_, i) => `entry${i}`).join()}].flatMap((entry) => Object.entries(entry)).filter(([, value]) => isClass(value));
    class Own extends RmsProp { }
    const message = (f) => { try { f(); } catch (error) { return [error.name, error.constructor.name, error.message.split(" ")[0], error.stack.split(":")[0]].join(); } };
    const p = parameter([1]);
    console.log(JSON.stringify({
      count: found.length, wrong: found.filter(([name, value]) => value.name !== name).map(([name, value]) => [name, value.name]),
      own: new Own(p, { learningRate: 1 }).constructor === Own && Own.name !== "RmsProp" && new Own(p, { learningRate: 1 }) instanceof RmsProp,
      errors: [message(() => new RmsProp(p, { rate: 1 })), message(() => input([1]).sum(5)), message(() => new Lstm({ inputs: 1 })), message(() => { throw new FlimsyError("x"); })],
      printed: [String(p), String(new Lstm({ inputs: 1, outputs: 1 })).split(" ")[0], new GradientNoise({ eta: 1 }).constructor.name],
      saved: /"class":"Lstm"/.test(new TextDecoder().decode(serialize(new Lstm({ inputs: 1, outputs: 1 }))).replaceAll("\\\\", "")),
    }));`;
  const named = {
    wrong: [], own: true, saved: true,
    errors: ["ValueError,ValueError,RmsProp,ValueError", "ShapeError,ShapeError,sum,ShapeError", "ValueError,ValueError,Lstm,ValueError", "FlimsyError,FlimsyError,x,FlimsyError"],
    printed: ["Parameter [1] [1]", "Lstm", "GradientNoise"],
  };

  it("has the names of its classes, as it is and minified with all of a program", async () => {
    const program = path.join(project, "names.mjs");
    writeFileSync(program, names(entries.map(({ specifier }) => specifier)));
    const plain = JSON.parse(execFileSync(process.execPath, [program], { encoding: "utf8" }));
    const small = JSON.parse(await bundled("names-minified", names(entries.map(({ specifier }) => specifier))));
    const { output } = await (await rolldown({ input: program, platform: "node", external: ["cli-progress"] })).generate({ format: "esm", minify: true });
    const file = path.join(project, "names-rolldown.mjs");
    writeFileSync(file, output[0].code);
    const rolled = JSON.parse(execFileSync(process.execPath, [file], { encoding: "utf8" }));
    for (const found of [plain, small, rolled]) {
      expect(found).toMatchObject(named);
      expect(found.count).toBeGreaterThan(60);
    }
  });

  describe("its declarations", () => {
    /** A program that takes every entry, and what used to need casts. */
    const program = `${entries.map(({ specifier }, i) => `import * as entry${i} from "${specifier}";`).join("\n")}
      import { Component, cost, gather, input, parameter, RmsProp, tanh, type Labels, type Parameter, type Variable } from "flimsy-ml";
      export const all = [${entries.map((_, i) => `entry${i}`).join()}];
      class Cell extends Component {
        readonly h0: Parameter = parameter([0, 0]);
        run(xs: Variable[]): Variable {
          let h: Variable = this.h0;
          for (const x of xs) h = tanh(h.add(x));
          return h;
        }
        cost(x: Variable, y: Labels) { return cost.categoricalCrossEntropyWithScores(x, y); }
      }
      class Own extends RmsProp {}
      const cell = new Cell();
      const rows: number[][] = input([[1, 2]]).toArray();
      const doubled = input([1, 2]).toArray<number[]>().map((v) => 2 * v);
      const labels = [new Uint8Array(1), new Int16Array(1), new Uint32Array(1), new BigInt64Array(1), new BigUint64Array(1), [0], 0];
      export const losses = labels.map((y) => cell.cost(input([[1, 2]]), y)).concat(gather(input([1, 2]), new BigInt64Array(1)), input(new BigInt64Array(2)));
      export const found: [number[][], number[], string, Own] = [rows, doubled, Own.name, new Own(cell, { learningRate: 0.1 })];`;

    function check(compiler: string, options: Record<string, unknown>): string {
      const folder = mkdtempSync(path.join(project, "types-"));
      writeFileSync(path.join(folder, "program.ts"), program);
      writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
      const base = { strict: true, target: "es2022", lib: ["es2022", "dom"], module: "nodenext", types: [], noEmit: true, skipLibCheck: false };
      writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { ...base, ...options }, files: ["program.ts"] }));
      const run = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
      return run.stdout + run.stderr;
    }

    const require = createRequire(import.meta.url);
    const current = require.resolve("typescript/bin/tsc");
    it("serve the current TypeScript, resolved as older configurations do", () => {
      expect(check(current, { module: "commonjs", moduleResolution: "node10", ignoreDeprecations: "6.0" })).toBe("");
    }, 120_000);

    /** The oldest that is supported; its folder is not there in a checkout that was installed without it. */
    const oldest = ((): string | null => {
      try {
        return require.resolve("typescript-5.0/bin/tsc");
      } catch {
        return null;
      }
    })();
    it.skipIf(oldest === null)(`serve TypeScript 5.0, with its libraries checked${oldest === null ? " (SKIPPED: typescript-5.0 is not installed; run npm ci)" : ""}`, () => {
      expect(check(oldest as string, {})).toBe("");
    }, 120_000);
  });

  it("runs as it is, and drops nothing that is used", async () => {
    expect(await bundled("plain", 'import { ZScore } from "flimsy-ml/extras"; console.log(ZScore.fit([[1, 2], [3, 4]]).apply([[2, 3]]).sum().item());')).toBe("0");
  });
});
