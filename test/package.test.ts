/** The package as its users get it: built, installed in another project, and bundled by a bundler that drops what is unused. */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import * as esbuild from "esbuild";
import { type OutputOptions, rolldown } from "rolldown";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { entries, root } from "../scripts/package.js";
import { built } from "./built.ts";
import { gpu } from "./devices/webgpu/adapter.ts";

describe("the package", () => {
  let project = "";
  beforeAll(async () => {
    project = mkdtempSync(path.join(tmpdir(), "flimsy-package-"));
    const installed = path.join(project, "node_modules/flimsy-ml");
    mkdirSync(installed, { recursive: true });
    copyFileSync(path.join(root, "package.json"), path.join(installed, "package.json"));
    cpSync(await built(), path.join(installed, "dist"), { recursive: true });
  }, 120_000);
  afterAll(() => { rmSync(project, { recursive: true, force: true }); });

  async function bundled(name: string, code: string): Promise<string> {
    const source = path.join(project, `${name}.ts`);
    const outfile = path.join(project, `${name}.mjs`);
    writeFileSync(source, code);
    await esbuild.build({
      entryPoints: [source], outfile, bundle: true, minify: true, format: "esm", logLevel: "error", logOverride: { "ignored-bare-import": "silent" },
    });
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
    expect(await bundled("synthetic", 'import { MixtureTask } from "flimsy-ml/synthetic"; console.log(new MixtureTask(2, 2).sample(3).x.sum(0).size);'))
      .toBe("2");
  });

  describe("in Node", () => {
    /** What a program prints with this device, or the error that it ends with; it tells what a third is: exactly, or as float32. */
    function third(device: string | undefined, ...options: readonly string[]): string { return runtime(process.execPath, device, options); }
    function runtime(program: string, device: string | undefined, options: readonly string[]): string {
      const { FLIMSY_DEVICE: _, ...env } = process.env;
      const { stdout, stderr } = spawnSync(program, options, {
        encoding: "utf8", cwd: options.includes("--eval") ? root : project, env: device === undefined ? env : { ...env, FLIMSY_DEVICE: device },
      });
      return stdout.trim() || (/^\w*Error.*$/m.exec(stderr)?.[0] ?? stderr);
    }
    const program = "console.log(div(1, input(3)).item() === 1 / 3 ? 'exact' : 'float32', /webgpu/.test(threads().why) ? 'on a GPU' : '');";
    const esm = `import { div, input, threads } from "flimsy-ml"; ${program}`;
    const files = { "third.mjs": esm, "third.cjs": `const { div, input, threads } = require("flimsy-ml"); ${program}` };
    const ways: [string, ...string[]][] = [
      ["a module", "third.mjs"], ["a program that requires it", "third.cjs"], ["a bundle", "third-bundled.mjs"],
      ["one of the sources", "--conditions=flimsy-source", "--import=tsx", "--input-type=module", "--eval", esm],
    ];
    beforeAll(async () => {
      for (const [name, text] of Object.entries(files)) writeFileSync(path.join(project, name), text);
      await esbuild.build({
        entryPoints: [path.join(project, "third.mjs")], outfile: path.join(project, "third-bundled.mjs"), bundle: true, minify: true, format: "esm",
        platform: "node",
      });
    });

    it.each(ways)("%s runs on the device that FLIMSY_DEVICE says", (_, ...options) => {
      expect(third("reference", ...options)).toBe("exact");
      expect(third("gpu", ...options)).toMatch(/FLIMSY_DEVICE got "gpu": there is no such device\. Choose one of reference, wasm, native, webgpu\.$/);
    });

    describe.runIf(gpu !== null)(`on ${gpu?.name}`, () => {
      const installed = (): string => path.join(project, "node_modules/webgpu");
      const install = (): void => symlinkSync(path.dirname(createRequire(import.meta.url).resolve("webgpu/package.json")), installed(), "dir");
      afterEach(() => {
        rmSync(installed(), { force: true });
        vi.unstubAllEnvs();
      });

      it.each(ways)("%s waits for it with its first step", (_, ...options) => {
        install();
        expect(third("webgpu", ...options)).toBe("float32 on a GPU");
      });

      it("a program ends well while the GPU works", () => {
        install();
        writeFileSync(path.join(project, "busy.mjs"), `import { Adam, parameter, randn } from "flimsy-ml"; const w = parameter(randn([30, 30]));
          const optimizer = new Adam(w); for (let i = 0; i < 50; i++) optimizer.minimize(() => w.matmul(w).tanh().sum()); process.exitCode = 7;`);
        for (let run = 0; run < 2; run++) {
          const env = { ...process.env, FLIMSY_DEVICE: "webgpu" };
          const { status, stderr } = spawnSync(process.execPath, ["busy.mjs"], { cwd: project, env, encoding: "utf8" });
          expect([status, stderr.match(/FATAL|Promise|Error/)]).toEqual([7, null]);
        }
      });

      const deno = process.env.DENO_PATH ?? "deno";
      const hasDeno = spawnSync(deno, ["--version"]).status === 0;
      if (!hasDeno) console.info("The first step on a GPU is not tested on Deno: there is no deno. Install it or set DENO_PATH.");
      it.skipIf(!hasDeno)("a program on Deno, which has WebGPU itself, waits for it with its first step", () => {
        expect(runtime(deno, "webgpu", ["run", "--quiet", "--allow-env", "--allow-read", "third.cjs"])).toBe("float32 on a GPU");
      });

      it("the first step says what is missing", () => {
        expect(third("webgpu", "third.mjs")).toBe("DeviceError: The device webgpu is not to be had here: Node has WebGPU by a package: npm install webgpu.");
        install();
        vi.stubEnv("VK_DRIVER_FILES", path.join(project, "nothing"));
        vi.stubEnv("VK_ICD_FILENAMES", undefined);
        expect(third("webgpu", "third.mjs")).toMatch(/^DeviceError: The device webgpu is not to be had here: no adapter was found\./);
      });
    });

    it("may name the usual one, or none", () => {
      expect([undefined, "", "wasm"].map((device) => third(device, "third.mjs"))).toEqual(["float32", "float32", "float32"]);
    });

    it("is for Node only: what a browser loads does not know of it", async () => {
      expect(await bundled("third-of-browsers", esm)).toBe("float32");
      expect(readFileSync(path.join(project, "third-of-browsers.mjs"), "utf8")).not.toContain("FLIMSY_DEVICE");
    });
  });

  it("brings no cost and no schedule that is not used, as Vite bundles it", async () => {
    const load = async (code: string): Promise<string> => {
      const input = path.join(project, "costs.ts");
      writeFileSync(input, `import { cost, input, schedule } from "flimsy-ml"; console.log(${code});`);
      const { output } = await (await rolldown({ input, platform: "node" })).generate({ format: "esm" });
      return output[0].code;
    };
    const small = await load("cost.mse(input([1]), input([2])).item()");
    expect(small).toContain("mse");
    for (const other of ["ctc", "categorical", "bernoulli", "focal", "huber", "cosineEmbedding"]) expect(small).not.toContain(other);
    expect(small).not.toContain("warmUp");
    expect(await load("cost.ctcWithScores")).toContain("ctc");
    expect(await load("schedule.warmUp")).toContain("warmUp");
  });

  /** The exports of every entry that are classes whose own name is another, and what errors and printing say. */
  const names = (specifiers: readonly string[]): string => `${specifiers.map((specifier, i) => `import * as entry${i} from "${specifier}";`).join("\n")}
    import { FlimsyError, GradientNoise, input, parameter, RmsProp } from "flimsy-ml";
    import { Lstm } from "flimsy-ml/components";
    import { serialize } from "flimsy-ml/io";
    const isClass = (value) => typeof value === "function" && /^class\\b/.test(Function.prototype.toString.call(value));
    const found = [${specifiers.map((_, i) => `entry${i}`).join()}].flatMap((entry) => Object.entries(entry)).filter(([, value]) => isClass(value));
    class Own extends RmsProp { }
    const namesOf = (error) => [error.name, error.constructor.name, error.message.split(" ")[0], error.stack.split(":")[0]].join();
    const message = (f) => { try { f(); } catch (error) { return namesOf(error); } };
    const p = parameter([1]);
    console.log(JSON.stringify({
      count: found.length, wrong: found.filter(([name, value]) => value.name !== name).map(([name, value]) => [name, value.name]),
      own: new Own(p, { learningRate: 1 }).constructor === Own && Own.name !== "RmsProp" && new Own(p, { learningRate: 1 }) instanceof RmsProp,
      errors: [
        message(() => new RmsProp(p, { rate: 1 })), message(() => input([1]).sum(5)), message(() => new Lstm({ inputs: 1 })),
        message(() => { throw new FlimsyError("x"); }),
      ],
      printed: [String(p), String(new Lstm({ inputs: 1, outputs: 1 })).split(" ")[0], new GradientNoise({ eta: 1 }).constructor.name],
      saved: /"class":"Lstm"/.test(new TextDecoder().decode(serialize(new Lstm({ inputs: 1, outputs: 1 }))).replaceAll("\\\\", "")),
    }));`;
  const named = {
    wrong: [], own: true, saved: true,
    errors: [
      "ValueError,ValueError,RmsProp,ValueError", "ShapeError,ShapeError,sum,ShapeError", "ValueError,ValueError,Lstm,ValueError",
      "FlimsyError,FlimsyError,x,FlimsyError",
    ],
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
      import { Component, cost, gather, input, Parameter, parameter, RmsProp, state, tanh, type Labels, type State, type Variable } from "flimsy-ml";
      export const all = [${entries.map((_, i) => `entry${i}`).join()}];
      class Cell extends Component {
        readonly h0: Parameter = parameter([0, 0]);
        readonly last: State = state([0, 0]);
        run(xs: Variable[]): Variable {
          let h = this.h0;
          let g = this.last;
          for (const x of xs) { h = tanh(h.add(x)); g = g.add(h); }
          return g instanceof Parameter ? h : g.add(h);
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

    /** The oldest that is supported: a second TypeScript among the packages would take the name of the first one's command. */
    const oldest = process.env.OLDEST_TYPESCRIPT ?? null;
    it.skipIf(oldest === null)("serve TypeScript 5.0, with its libraries checked and without declarations of Node or of " +
      `browsers${oldest === null ? " (SKIPPED: OLDEST_TYPESCRIPT does not name the folder of one)" : ""}`, () => {
      expect(JSON.parse(readFileSync(path.join(oldest as string, "package.json"), "utf8")).version).toMatch(/^5\.0\./);
      expect(check(path.join(oldest as string, "bin/tsc"), { lib: ["es2022"] })).toBe("");
    }, 120_000);
  });

  it("runs as it is, and drops nothing that is used", async () => {
    expect(await bundled("plain", 'import { ZScore } from "flimsy-ml/extras"; console.log(ZScore.fit([[1, 2], [3, 4]]).apply([[2, 3]]).sum().item());'))
      .toBe("0");
  });

  it("says nothing of the machine that bundles it, and brings no warnings, in any format", async () => {
    const source = path.join(project, "fit.ts");
    writeFileSync(source, 'import { fit, report } from "flimsy-ml/train"; console.log(typeof fit, typeof report);');
    for (const format of ["esm", "cjs", "iife"] as const) {
      const { outputFiles, warnings } =
        await esbuild.build({ entryPoints: [source], bundle: true, write: false, format, platform: "node", logLevel: "silent" });
      expect(warnings).toEqual([]);
      // webpack would put the path of the file here, others nothing at all.
      expect(outputFiles[0].text).not.toContain("import.meta");
      expect(outputFiles[0].text).not.toContain("import_meta");
    }
  });

  it("is found by bundlers that do not read exports, such as Parcel", () => {
    const { main, alias } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const found = Object.entries({ "./": main, ...alias }).map(([subpath, file]) => [`flimsy-ml${subpath.slice(1)}`.replace(/\/$/, ""), file]);
    expect(found).toEqual(entries.map(({ specifier, output }) => [specifier, `./dist/${output}.js`]));
  });

  it("holds whatever its documents link to", () => {
    const pack = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
    const files = new Set(JSON.parse(pack)[0].files.map((file: { path: string }) => file.path) as string[]);
    const text = (file: string): string => readFileSync(path.join(root, file), "utf8").replace(/^```[\s\S]*?^```/gm, "");
    /** As GitHub makes them of headings. */
    const anchors = (file: string): string[] => Array.from(text(file).matchAll(/^#+ (.*)$/gm), ([, heading]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, "").trim().replace(/\s/g, "-"));
    const documents = [...files].filter((file) => file.endsWith(".md"));
    expect(documents).toEqual(expect.arrayContaining(["README.md", "CONTRIBUTING.md", "docs/browser.md", "docs/examples.md"]));
    const dead = documents.flatMap((document) => Array.from(text(document).matchAll(/\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"/g), ([, a, b]) => a ?? b)
      .filter((link) => !/^\w+:/.test(link))
      .filter((link) => {
        const [to, anchor] = link.split("#");
        const file = to === "" ? document : path.posix.join(path.posix.dirname(document), to);
        const isThere = files.has(file) || [...files].some((each) => each.startsWith(`${file.replace(/\/$/, "")}/`));
        return !isThere || (anchor !== undefined && !anchors(file).includes(anchor));
      })
      .map((link) => `${document}: ${link}`));
    expect(dead).toEqual([]);
  });

  describe("names the user's line in errors of a bundled program", () => {
    // Each failure is at a number of its own, by which it is found in whatever a bundler makes of the program.
    const files = {
      "early.ts": "export const early = (f: () => unknown) => f();",
      "layer.ts": `
        import { grad, input, matmul, type Variable } from "flimsy-ml";
        export class Layer {
          readonly x: Variable = input([[1, 2]]);
          forward() { return grad(() => matmul(this.x, input([[1, 7102]])).sum()); }
        }`,
      "main.ts": `
        import { early } from "./early.ts";
        import { Layer } from "./layer.ts";
        import { cost, debug, evaluate, input, softmax } from "flimsy-ml";
        import { SimpleRecurrent } from "flimsy-ml/components";
        import { MixtureTask } from "flimsy-ml/synthetic";
        const failures = [
          () => input([1, 2]).add([1, 7101, 2]).exp(),
          () => new Layer().forward(),
          () => early(() => softmax([input([1, 7103]), input([1])]).exp()),
          () => [1].map((k) => input([[k], [k, 7104]])),
          () => new MixtureTask(-7105, 2),
          () => new SimpleRecurrent({ inputs: -7106, outputs: 2 }),
          () => cost.mse(input([1, 7107]), input([1, 2, 3])).exp(),
        ];
        const frames = failures.map((f) => {
          try { return String(f()); } catch (error) { return (error as Error).stack!.slice((error as Error).stack!.indexOf("\\n    at")).split("\\n")[1]; }
        });
        debug({ checkNumerics: true });
        try {
          evaluate(() => input([-1]).mul(1).log().mul(7108));
        } catch (error) { frames.push(/called at (.*?:\\d+:\\d+)/.exec((error as Error).message)![1]); }
        console.log(JSON.stringify(frames));`,
      "later.ts": 'export const loaded = import("./main.ts");',
      "required.cjs": 'require("./main.ts");',
    };
    beforeAll(() => { for (const [name, text] of Object.entries(files)) writeFileSync(path.join(project, name), text); });

    const esbuilt = (options: esbuild.BuildOptions) => async (entry: string, outfile: string): Promise<void> => {
      await esbuild.build({ entryPoints: [entry], outfile, bundle: true, platform: "node", logLevel: "error", ...options });
    };
    const rolled = (options: OutputOptions) => async (input: string, file: string): Promise<void> => {
      await (await rolldown({ input, platform: "node", logLevel: "silent" })).write({ file, codeSplitting: false, ...options });
    };

    it.each<[string, string, string, (entry: string, outfile: string) => Promise<void>]>([
      ["esbuild, ESM", "main.ts", "mjs", esbuilt({ format: "esm" })],
      ["esbuild, minified ESM", "main.ts", "mjs", esbuilt({ format: "esm", minify: true })],
      ["esbuild, minified ESM with a source map", "main.ts", "mjs", esbuilt({ format: "esm", minify: true, sourcemap: true })],
      ["esbuild, CommonJS", "main.ts", "cjs", esbuilt({ format: "cjs" })],
      ["esbuild, a script", "main.ts", "cjs", esbuilt({ format: "iife", minify: true })],
      ["esbuild, loaded later", "later.ts", "mjs", esbuilt({ format: "esm", minify: true })],
      ["esbuild, required", "required.cjs", "cjs", esbuilt({ format: "cjs" })],
      ["Rolldown, ESM", "main.ts", "mjs", rolled({ format: "esm" })],
      ["Rolldown, minified ESM with a source map", "main.ts", "mjs", rolled({ format: "esm", minify: true, sourcemap: true })],
      ["Rolldown, minified CommonJS", "main.ts", "cjs", rolled({ format: "cjs", minify: true })],
      ["Rolldown, loaded later", "later.ts", "mjs", rolled({ format: "esm", minify: true })],
      ["Rolldown, required", "required.cjs", "cjs", rolled({ format: "cjs" })],
    ])("%s", async (name, entry, extension, bundle) => {
      const outfile = path.join(project, `${name.replace(/\W+/g, "-")}.${extension}`);
      await bundle(path.join(project, entry), outfile);
      const maps = name.includes("source map");
      const frames: string[] = JSON.parse(execFileSync(process.execPath, [...(maps ? ["--enable-source-maps"] : []), outfile], { encoding: "utf8" }));
      expect(frames).toHaveLength(8);
      frames.forEach((frame, i) => {
        const [, file, line, column] = /(?:file:\/\/)?(\/.*?):(\d+):(\d+)\)?$/.exec(frame) ?? [];
        expect(path.basename(file ?? frame)).toBe(maps ? ["main.ts", "layer.ts"][Number(i === 1)] : path.basename(outfile));
        const rest = readFileSync(file, "utf8").split("\n").slice(Number(line) - 1).join("\n").slice(Number(column) - 1);
        expect(rest.slice(0, 150)).toContain(String(7101 + i));
      });
    });
  });
});
