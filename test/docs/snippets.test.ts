/** Every TypeScript block of the README and of docs/ compiles in strict mode and runs. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { programOf, projectOptions } from "./compile.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Snippet {
  /** Where it stands, as `docs/cost.md:12`. */
  readonly place: string;
  readonly code: string;
  /** A file name beside which its imports resolve as a user's would. */
  readonly file: string;
}

async function snippets(): Promise<Snippet[]> {
  const pages = ["README.md", ...(await readdir(path.join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
  const found: Snippet[] = [];
  for (const page of pages) {
    const text = await readFile(path.join(root, page), "utf8");
    for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const line = text.slice(0, match.index).split("\n").length + 1;
      found.push({ place: `${page}:${line}`, code: match[1], file: path.join(root, `snippet-${found.length}.ts`) });
    }
  }
  return found;
}

const all = await snippets();

const nameOf = (place: string): string => place.replace(/\W/g, "-");

describe("the snippets of the documentation", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "flimsy-snippets-"));
    // All at once, each with a library of its own: what one chooses, such as a device, is not chosen for the next.
    const code = new Map(all.map((snippet) => [snippet.file, snippet.code]));
    await esbuild.build({
      entryPoints: all.map(({ file, place }) => ({ in: file, out: nameOf(place) })),
      plugins: [{
        name: "snippets",
        setup(build) {
          build.onResolve({ filter: /snippet-\d+\.ts$/ }, ({ path: file }) => ({ path: file }));
          build.onLoad({ filter: /snippet-\d+\.ts$/ }, ({ path: file }) => ({ contents: `${code.get(file)}\nexport {};\n`, loader: "ts", resolveDir: root }));
        },
      }],
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      footer: { js: "export {};" }, // a module, whatever is left of it
      bundle: true,
      format: "esm",
      platform: "node",
      conditions: ["flimsy-source"],
      packages: "bundle",
      logLevel: "silent",
    });
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has some", () => {
    expect(all.length).toBeGreaterThan(2);
  });

  it("compiles", () => {
    const code = new Map(all.map(({ file, code }) => [file, `${code}\nexport {};\n`]));
    const program = programOf(code, projectOptions());
    const places = new Map(all.map(({ file, place }) => [file, place]));
    const errors = all.flatMap(({ file }) => {
      const source = program.getSourceFile(file);
      return ts.getPreEmitDiagnostics(program, source).map((diagnostic) => {
        const line = source === undefined ? 0 : source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line;
        return `${places.get(file)} line ${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")}`;
      });
    });
    expect(errors).toEqual([]);
  }, 60_000);

  it.each(all.map((snippet) => [snippet.place, snippet] as const))("runs %s", async (place) => {
    const output = path.join(folder, `${nameOf(place)}.mjs`);
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      await import(/* @vite-ignore */ pathToFileURL(output).href);
    } finally {
      log.mockRestore();
    }
  });
});
