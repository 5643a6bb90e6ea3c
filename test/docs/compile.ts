/** Compiles pieces of the documentation as a user in strict mode would, without writing them to files. */

import path from "node:path";
import ts from "typescript";
import { root } from "../../scripts/package.js";

/** The options of the project. */
export function projectOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile);
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options;
}

/**
 * A program of texts, by the names of the files that they stand for.
 * @param known a program whose files need not be read again
 */
export function programOf(code: ReadonlyMap<string, string>, options: ts.CompilerOptions, known?: ts.Program): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => code.has(path.normalize(name)) || fileExists(name);
  host.readFile = (name) => code.get(path.normalize(name)) ?? readFile(name);
  host.getSourceFile = (name, version, ...rest) => {
    const text = code.get(path.normalize(name));
    return text === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, text, version);
  };
  // A value that an example makes only to show how need not be used. Node runs TypeScript from which types can be erased.
  return ts.createProgram([...code.keys()], { ...options, noUnusedLocals: false, noUnusedParameters: false, erasableSyntaxOnly: true }, host, known);
}
