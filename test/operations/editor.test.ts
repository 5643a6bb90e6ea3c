/** What an editor shows of a method: the description of the operation, whose definition it leads to. Asked of TypeScript's language service. */

import { readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import * as families from "../../src/operations/families.ts";

const root = path.resolve(import.meta.dirname, "../..");
const names = Object.keys(families);
const program = path.join(root, "test/operations/program-in-an-editor.ts");
const text = `import { input } from "../../src/index.ts";\nconst x = input([1]);\n${names.map((name) => `x.${name};`).join("\n")}\n`;
const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile).config, ts.sys, root);
const service = ts.createLanguageService({
  ...ts.sys,
  useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
  getCompilationSettings: () => options,
  getScriptFileNames: () => [program],
  getScriptVersion: () => "1",
  getScriptSnapshot: (file) => {
    const found = file === program ? text : ts.sys.readFile(file);
    return found === undefined ? undefined : ts.ScriptSnapshot.fromString(found);
  },
  fileExists: (file) => file === program || ts.sys.fileExists(file),
  getCurrentDirectory: () => root,
  getDefaultLibFileName: ts.getDefaultLibFilePath,
});

/** The description of what is at a place in the program. */
const at = (name: string): number => text.indexOf(`x.${name};`) + 2;
const shown = (name: string): string => ts.displayPartsToString(service.getQuickInfoAtPosition(program, at(name))?.documentation);

describe("in an editor", () => {
  let errors: ts.Diagnostic[] = [];
  beforeAll(() => { errors = service.getSemanticDiagnostics(program); }, 120_000);

  it.each(names)("x.%s shows its description and leads to the operation", (name) => {
    const [definition] = service.getDefinitionAtPosition(program, at(name)) ?? [];
    expect(path.relative(root, definition?.fileName ?? "")).toMatch(/^src\/operations\/[\w-]+\.ts$/);
    const source = readFileSync(definition.fileName, "utf8");
    expect(source.slice(definition.textSpan.start).startsWith(name)).toBe(true);
    expect(source.slice(0, definition.textSpan.start)).toMatch(/export (function|const) $/);
    expect(shown(name)).not.toBe("");
  });

  it("descriptions are those of the source", () => {
    expect(shown("argmax")).toMatch(/^The index of the largest element along an axis/);
    expect(shown("add")).toBe("a + b");
    expect(shown("softmax")).toMatch(/^Probabilities: /);
  });

  it("has no errors, and knows what each takes", () => {
    expect(errors.map(({ messageText }) => messageText)).toEqual([]);
    const type = (name: string): string => ts.displayPartsToString(service.getQuickInfoAtPosition(program, at(name))?.displayParts);
    expect(type("argmax")).toContain("(axis?: number | undefined, keepdims?: boolean | undefined) => Variable");
    expect(type("softmax")).toContain("(axis?: number | undefined) => Variable");
    expect(type("add")).toContain("(b: Operand) => Variable");
    expect(type("slice")).toContain("(...rest: readonly Range[]) => Variable");
  });
});
