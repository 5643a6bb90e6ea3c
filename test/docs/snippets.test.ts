/** Every TypeScript block of the README and of docs/ compiles in strict mode, runs without a warning, and is right in what it asserts. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { bundle, bundleOf, type Piece, programOf, projectOptions } from "./compile.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Snippet extends Piece {
  /** Where it stands, as `docs/cost.md:12`. */
  readonly place: string;
}

async function snippets(): Promise<Snippet[]> {
  const pages = ["README.md", ...(await readdir(path.join(root, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
  const found: Snippet[] = [];
  for (const page of pages) {
    const text = await readFile(path.join(root, page), "utf8");
    for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
      const line = text.slice(0, match.index).split("\n").length + 1;
      found.push({ place: `${page}:${line}`, code: `${match[1]}\nexport {};\n`, file: path.join(root, `snippet-${found.length}.ts`) });
    }
  }
  return found;
}

const all = await snippets();
/** What a program begins with. */
const anew: Piece = {
  file: path.join(root, "snippet-anew.ts"),
  code: `import { debug, seed, setDevice } from "flimsy-ml";
    seed(0);
    await setDevice("wasm");
    debug({ checkNumerics: false, checkComparisons: false, eager: false });`,
};

describe("the snippets of the documentation", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "flimsy-snippets-"));
    await bundle([...all, anew], folder);
  }, 60_000);
  afterEach(() => { vi.restoreAllMocks(); });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("has some", () => {
    expect(all.length).toBeGreaterThan(2);
  });

  it("compiles", () => {
    const code = new Map(all.map(({ file, code }) => [file, code]));
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

  const run = (piece: Piece, query = ""): Promise<unknown> => import(/* @vite-ignore */ `${pathToFileURL(bundleOf(piece, folder)).href}${query}`);
  it.each(all.map((snippet) => [snippet.place, snippet] as const))("runs %s", async (place, snippet) => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const [warn, assert] = [vi.spyOn(console, "warn"), vi.spyOn(console, "assert")];
    await run(anew, `?${place}`);
    await run(snippet);
    expect(warn.mock.calls).toEqual([]);
    expect(assert.mock.calls.filter(([holds]) => holds !== true)).toEqual([]);
  }, 30_000);
});
