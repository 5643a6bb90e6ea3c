/**
 * Every public function and class has an example in its documentation, `@example`, which compiles in strict mode, runs, and gives what it says:
 * a line `f(x); // [1, 2]` is checked, to the digits that are written. What the entries export need not be imported.
 */

import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { entries, root } from "../../scripts/package.js";
import { bundle, bundleOf, type Piece, programOf, projectOptions } from "./compile.ts";

interface Example extends Piece {
  /** Of what, as `cost.mse`. */
  readonly name: string;
}

const options = projectOptions();
const publicProgram = ts.createProgram(entries.map(({ source }) => path.join(root, source)), options);
const checker = publicProgram.getTypeChecker();

/** What the entries export, each once: where it is imported from, and its documentation. */
interface Exported {
  readonly name: string;
  readonly entry: string;
  /** To be imported: of `cost.mse` it is `cost`. */
  readonly imported: string;
  readonly symbol: ts.Symbol;
  readonly isDocumented: boolean;
}

function exportsOf(): Exported[] {
  const found = new Map<ts.Symbol, Exported>();
  const walk = (module: ts.Symbol, entry: string, prefix: string): void => {
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (found.has(symbol)) continue;
      const name = prefix + exported.name;
      if (symbol.flags & ts.SymbolFlags.ValueModule) {
        found.set(symbol, { name, entry, imported: exported.name, symbol, isDocumented: false });
        walk(symbol, entry, `${exported.name}.`);
        continue;
      }
      const isClass = (symbol.flags & ts.SymbolFlags.Class) !== 0;
      const isFunction = !isClass && (symbol.flags & ts.SymbolFlags.Value) !== 0 && checker.getTypeOfSymbol(symbol).getCallSignatures().length > 0;
      found.set(symbol, { name, entry, imported: prefix === "" ? exported.name : prefix.slice(0, -1), symbol, isDocumented: isClass || isFunction });
    }
  };
  for (const { specifier, source } of entries) {
    walk(checker.getSymbolAtLocation(publicProgram.getSourceFile(path.join(root, source)) as ts.SourceFile) as ts.Symbol, specifier, "");
  }
  return [...found.values()];
}

const exported = exportsOf();
const documented = exported.filter(({ isDocumented }) => isDocumented);
const textsOf = ({ symbol }: Exported): string[] =>
  symbol.getJsDocTags(checker).filter(({ name }) => name === "example").map(({ text }) => ts.displayPartsToString(text));

/** The names that a piece of code uses without declaring them. */
function used(code: string): Set<string> {
  const names = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    const isMember = ts.isPropertyAccessExpression(node.parent ?? node) && (node.parent as ts.PropertyAccessExpression).name === node;
    if (ts.isIdentifier(node) && !isMember) names.add(node.text);
    const isDeclaration = ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node);
    if (isDeclaration && node.name !== undefined && ts.isIdentifier(node.name)) declared.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true));
  return new Set([...names].filter((name) => !declared.has(name)));
}

/** Statements that say what they give, as calls of `given`. */
function checked(code: string): string {
  return code.replace(/^(?!\s*(?:(?:const|let|for|if)\b|\}|\/\/))(\s*)(.+); \/\/ (.+)$/gm, (line, indent: string, expression: string, value: string) =>
    /^[-[{"'\d]|^(?:true|false|NaN|Infinity|null)\b/.test(value) ? `${indent}given(${expression}, ${value}, ${JSON.stringify(value)});` : line);
}

function moduleOf(name: string, entry: string, code: string): string {
  const imports = new Map<string, Set<string>>();
  const names = used(code);
  const declared = new Set([...code.matchAll(/^\s*import .*?\{([^}]*)\}/gm)].flatMap(([, list]) => list.split(",").map((each) => each.trim())));
  // What another entry calls the same is not meant.
  for (const each of [...exported].sort((a, b) => Number(b.entry === entry) - Number(a.entry === entry))) {
    if (!names.has(each.imported) || declared.has(each.imported) || !(each.symbol.flags & (ts.SymbolFlags.Value | ts.SymbolFlags.ValueModule))) continue;
    if (each.name.includes(".")) continue; // imported with its namespace
    declared.add(each.imported);
    imports.set(each.entry, (imports.get(each.entry) ?? new Set()).add(each.imported));
  }
  const head = [...imports].map(([from, list]) => `import { ${[...list].join(", ")} } from "${from}";`).join(" ");
  return `${head} declare const given: (value: unknown, expected: unknown, text: string) => void; /* ${name} */\n${checked(code)}\nexport {};\n`;
}

const all: Example[] = documented.flatMap((each) => textsOf(each).map((text) => [each, text] as const)).map(([{ name, entry }, text], i) => ({
  name,
  code: moduleOf(name, entry, text.replace(/^```\w*\n|\n?```$/g, "")),
  file: path.join(root, `example-${i}.ts`), // zscore and ZScore would be one file on some systems
}));

/** To the digits that are written: half a unit of the last one, of the number that has most. */
function compare(value: unknown, expected: unknown, text: string): void {
  const steps = [...text.matchAll(/\.(\d+)(?:e(-?\d+))?/g)].map(([, digits, exponent]) => 0.5 * 10 ** (Number(exponent ?? 0) - digits.length));
  const plain = typeof (value as { toArray?: unknown } | null)?.toArray === "function" ? (value as { toArray: () => unknown }).toArray() : value;
  const tolerance = steps.length === 0 ? 0 : Math.min(...steps) * (1 + 1e-6);
  const near = (a: unknown, b: unknown): void => {
    if (typeof a === "number" && typeof b === "number") {
      if (!(Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance + 1e-6 * Math.abs(b))) expect(plain, text).toEqual(expected);
    } else if (ArrayBuffer.isView(a) || Array.isArray(a)) {
      const [x, y] = [Array.from(a as unknown as ArrayLike<unknown>), b as unknown[]];
      if (!Array.isArray(y) || x.length !== y.length) expect(plain, text).toEqual(expected);
      x.forEach((part, i) => { near(part, y[i]); });
    } else if (typeof a === "object" && a !== null && typeof b === "object" && b !== null) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) near((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
    } else expect(a, text).toEqual(b);
  };
  near(plain, expected);
}

describe("the examples of the reference", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "flimsy-examples-"));
    await symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction"); // optional packages are looked for beside the program
    await bundle(all, folder);
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("are there for every function and class", () => {
    expect(documented.length).toBeGreaterThan(150);
    expect(documented.filter((each) => textsOf(each).length === 0).map(({ name }) => name)).toEqual([]);
  });

  it("compile", () => {
    const code = new Map(all.map(({ file, code: text }) => [file, text]));
    const program = programOf(code, options, publicProgram);
    const errors = all.flatMap(({ name, file }) =>
      ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map((each) => `${name}: ${ts.flattenDiagnosticMessageText(each.messageText, "\n")}`));
    expect(errors).toEqual([]);
  }, 60_000);

  it.each(all.map((example) => [example.name, example] as const))("give what they say: %s", async (_, example) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    let right = 0;
    vi.stubGlobal("given", (...args: Parameters<typeof compare>) => {
      compare(...args);
      right++;
    });
    const before = process.cwd();
    process.chdir(folder); // what it saves
    try {
      await import(/* @vite-ignore */ pathToFileURL(bundleOf(example, folder)).href);
      // None in a catch that is not reached.
      expect(right).toBeGreaterThanOrEqual(example.code.match(/^\s*given\(/gm)?.length ?? 0);
    } finally {
      process.chdir(before);
      vi.unstubAllGlobals();
      log.mockRestore();
    }
  });
});
