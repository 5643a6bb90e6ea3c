/** Compiles and bundles pieces of the documentation as a user in strict mode would, without writing them to files. */

import path from "node:path";
import * as esbuild from "esbuild";
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

/** A piece, and a file that it stands for: beside it its imports resolve as a user's would. */
export interface Piece {
  readonly file: string;
  readonly code: string;
}

/** Where the bundle of a piece is. */
export const bundleOf = ({ file }: Piece, folder: string): string => path.join(folder, `${path.basename(file, ".ts")}.mjs`);

/** Bundles all pieces at once, with one library that they share. */
export async function bundle(pieces: readonly Piece[], folder: string): Promise<void> {
  const code = new Map(pieces.map((piece) => [piece.file, piece.code]));
  await esbuild.build({
    entryPoints: [...code.keys()],
    plugins: [{
      name: "pieces",
      setup(build) {
        build.onResolve({ filter: /^/ }, ({ path: file }) => (code.has(file) ? { path: file, namespace: "pieces" } : null));
        build.onLoad({ filter: /^/, namespace: "pieces" }, ({ path: file }) => ({ contents: code.get(file) as string, loader: "ts", resolveDir: root }));
      },
    }],
    outdir: folder,
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    keepNames: true, // as messages say them
    splitting: true,
    format: "esm",
    platform: "node",
    conditions: ["flimsy-source"],
    packages: "bundle",
    logLevel: "silent",
  });
}
