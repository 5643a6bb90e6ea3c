/**
 * Builds the package: JavaScript bundles and type declarations.
 *
 *   node scripts/build.js [--out <folder>]
 *
 * The entries are those of package.json's exports: a new one there is all that it takes.
 * Code that entries share goes into chunks beside them.
 */

import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import * as esbuild from "esbuild";
import ts from "typescript";
import { entries, root } from "./package.js";

const standard = path.join(root, "dist");

/** Builds into a folder: `dist`, which is emptied first, or another one, which must be new or empty. Without types it is much faster. */
export async function build(out = standard, { types = true } = {}) {
  if (out === standard) await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).length > 0) throw new Error(`${out} is not empty.`);
  // Wait for both, so that nothing writes any more when this fails.
  const results = await Promise.allSettled([bundle(out), ...(types ? [declare(out)] : [])]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Makes operations methods of Variable. */
const methods = path.join(root, "src/operations/methods.ts");

/**
 * Every entry, and every namespace below, reaches the methods of Variable. So they share a chunk with Variable itself, and no bundler of a user can drop
 * them as a module of which no export is used.
 * @type {esbuild.Plugin}
 */
const withMethods = {
  name: "with-methods",
  setup(build) {
    const sources = new Set([...entries.map(({ source }) => source), ...Object.values(namespaces)].map((source) => path.join(root, source)));
    build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      if (!sources.has(file)) return null;
      return { contents: `import ${JSON.stringify(methods)};\n${await readFile(file, "utf8")}`, loader: "ts" };
    });
  },
};

/**
 * `export * as cost` and the like stay what they are, modules of their own: then bundlers that drop what is unused can drop single costs, such as CTC
 * with all that belongs to it. Bundled here each would be an object of which everything is used.
 */
const namespaces = {
  cost: "src/cost/index.ts", metric: "src/train/metric.ts", option: "src/support/option.ts", schedule: "src/optimizers/schedule.ts",
};

/** @type {esbuild.Plugin} */
const withNamespaces = {
  name: "with-namespaces",
  setup(build) {
    for (const [name, source] of Object.entries(namespaces)) {
      const filter = new RegExp(`/${name}(/index)?\\.ts$`);
      build.onResolve({ filter }, ({ kind, path: file, resolveDir }) => {
        const isIt = kind !== "entry-point" && path.join(resolveDir, file) === path.join(root, source);
        return isIt ? { path: placeholder(name), external: true } : null;
      });
    }
  },
};

/** Is it in a room that no entry exports from? @param {string} file */
const isInner = (file) => /^src[/\\](plan|devices|kernels)[/\\]/.test(file);

/**
 * Errors, messages and printed objects say the name of a class, which bundlers and minifiers change: `class RmsProp` becomes `class _RmsProp` or `class g`.
 * So every exported class gets its name as a literal, but for those of rooms that no entry exports from.
 * @param {string} text
 */
const withNames = (text) => text.replace(/^(export (?:abstract )?class (\w+).*\{)(\}?)$/gm, '$1 static get name() { return "$2"; }$3');

/** A file and what it imports, and so on. @param {string} file @param {Set<string>} found */
function reached(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  for (const { fileName } of ts.preProcessFile(readFileSync(file, "utf8")).importedFiles) {
    if (fileName.startsWith(".")) reached(path.resolve(path.dirname(file), fileName), found);
  }
  return found;
}

/**
 * To make a constant at the top of a file has no effect in this library, so what nobody uses need not be made: an operation, its kernels, a table. Bundlers
 * cannot know that of a call unless it is marked as pure. It is where it may help: what the methods of Variable reach is part of every program.
 * @param {string} text
 */
function withPureConstants(text) {
  /** @type {Set<number>} */
  const calls = new Set();
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) calls.add(node.getStart());
    ts.forEachChild(node, visit);
  };
  ts.createSourceFile("", text, ts.ScriptTarget.Latest, true).statements.filter(ts.isVariableStatement).forEach(visit);
  return [...calls].sort((a, b) => b - a).reduce((marked, at) => `${marked.slice(0, at)}/* @__PURE__ */ ${marked.slice(at)}`, text);
}

/** @type {esbuild.Plugin} */
const withMarks = {
  name: "with-marks",
  setup(build) {
    const always = reached(methods);
    build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      if (isInner(path.relative(root, file))) return null;
      const text = withNames(await readFile(file, "utf8"));
      return { contents: always.has(file) ? text : withPureConstants(text), loader: "ts" };
    });
  },
};

/**
 * The program of the workers is a text, which no bundler of a user makes smaller.
 * @type {esbuild.Plugin}
 */
const withSmallTexts = {
  name: "with-small-texts",
  setup(build) {
    build.onLoad({ filter: /\/wasm\/team\.ts$/ }, async ({ path: file }) => {
      const source = await readFile(file, "utf8");
      const [whole, program] = /(?<=const program = )`([^`]*)`/.exec(source) ?? [];
      if (whole === undefined || program === undefined) throw new Error(`${file} has no text of the workers' program.`);
      const { code } = await esbuild.transform(program, { minify: true, target: "es2022" });
      return { contents: source.replace(whole, () => JSON.stringify(code.trim())), loader: "ts" };
    });
  },
};

/** What files declare a name of, as `readonly length: number`, in TypeScript's own description of the language and of browsers. */
function languageNames() {
  const lib = path.dirname(fileURLToPath(import.meta.resolve("typescript")));
  const texts = readdirSync(lib).filter((file) => /^lib\..*\.d\.ts$/.test(file)).map((file) => readFileSync(path.join(lib, file), "utf8"));
  return texts.flatMap((text) => [...text.matchAll(/^\s+(?:(?:readonly|get|set|static) )*(\w+)\??[(:<]/gm)].map(([, name]) => name));
}

/** What entries export by name. */
function shownNames() {
  const lists = entries.flatMap(({ source }) => readFileSync(path.join(root, source), "utf8").match(/(?<=^export (?:type )?)\{[^}]*\}/gm) ?? []);
  return new Set(lists.flatMap((list) => list.match(/\w+/g)));
}

/**
 * Names of members and properties in inner rooms and the engine, which no user sees or extends: those that nothing else has, neither the language nor what
 * entries export, another room, a text of src/ or a type of a file's own, which may say what the environment has.
 */
function hiddenNames() {
  /** @type {Set<string>} */
  const hidden = new Set();
  const others = new Set(languageNames());
  const shown = shownNames();
  /** @param {ts.Node} node @param {boolean} isPublic */
  function visit(node, isPublic) {
    const isMember = ts.isClassElement(node) || ts.isTypeElement(node) || ts.isObjectLiteralElement(node);
    if ((isMember || (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent))) && node.name !== undefined) {
      (isPublic ? others : hidden).add(node.name.getText());
    }
    if (ts.isStringLiteralLike(node)) others.add(node.text);
    // A program that is a text: each of its words.
    if (ts.isNoSubstitutionTemplateLiteral(node)) for (const word of node.text.match(/\w+/g) ?? []) others.add(word);
    ts.forEachChild(node, (child) => visit(child, isPublic));
  }
  for (const file of readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const isOuter = !isInner(path.join("src", file)) && !file.startsWith("engine");
    const { statements } = ts.createSourceFile(file, readFileSync(path.join(root, "src", file), "utf8"), ts.ScriptTarget.Latest, true);
    for (const statement of statements) {
      const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
      const isOwn = isType && !statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
      const isShown = (isType || ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) && shown.has(statement.name?.text ?? "");
      visit(statement, isOuter || isOwn || isShown);
    }
  }
  return [...hidden].filter((name) => !others.has(name) && /^\w+$/.test(name));
}

/** Stands for the module of a namespace until it is known where it is imported from. */
const placeholder = (/** @type {string} */ name) => `flimsy-ml:${name}`;

/** @param {string} out */
async function bundle(out) {
  await bundleEntries(out);
  for (const file of await readdir(out, { recursive: true })) {
    if (!file.endsWith(".js")) continue;
    let text = await readFile(path.join(out, file), "utf8");
    for (const name of Object.keys(namespaces)) {
      text = text.replaceAll(`"${placeholder(name)}"`, JSON.stringify(`./${path.posix.relative(path.posix.dirname(file), `${name}.js`)}`));
    }
    await writeFile(path.join(out, file), marked(text));
  }
}

/**
 * A file that tells errors.ts which code is in it: by errors made at its beginning and at its end. One is made in a function, for bundlers that give
 * a module a function of its own leave its functions before that.
 * @param {string} text
 */
function marked(text) {
  const hasCode = /^(?!import|export|\/\/|\s|\}|$)/m.test(text);
  if (!hasCode) return text;
  const names = ["flimsyBegin", "flimsyFirst"];
  if (names.some((name) => text.includes(name))) throw new Error(`${names} are names that the build needs for itself.`);
  const [begin, first] = names;
  return `function ${first}() { return Error(); }
const ${begin} = Error();
${text}
(globalThis[Symbol.for("flimsy-ml")] ??= []).push([${begin}, ${first}(), Error()]);
`;
}

/** @param {string} out */
function bundleEntries(out) {
  return esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      ...entries.map(({ source, output }) => ({ in: source, out: output })),
      ...Object.entries(namespaces).map(([name, source]) => ({ in: source, out: name })),
    ],
    outdir: out,
    chunkNames: "chunk-[hash]",
    define: { isBuilt: "true" },
    // Names of properties are what a bundler of a user could not make shorter. The assembler's methods, one for each instruction, weigh most.
    mangleProps: new RegExp(`^(?:(?:[if](?:32|64)(?:x[24])?|v128)[A-Z].*|${hiddenNames().join("|")})$`),
    bundle: true,
    minifySyntax: true,
    plugins: [withMethods, withNamespaces, withSmallTexts, withMarks],
    splitting: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

/**
 * Type declarations. The compiler checks src/ once more on the way.
 * @param {string} out
 */
async function declare(out) {
  await tsc("-p", path.join(root, "tsconfig.build.json"), "--outDir", out);
  // The compiler leaves `./shape.ts` as it is in declarations, where it has to be `./shape.js`.
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith(".d.ts"));
  await Promise.all(
    files.map(async (file) => {
      const text = await readFile(path.join(out, file), "utf8");
      // Before TypeScript 5.7 typed arrays take no type argument.
      const rewritten = text.replace(/\b(from |import\()"(\.[^"]*)\.ts"/g, '$1"$2.js"').replace(/\b(\w+Array)<ArrayBuffer>/g, "$1");
      await writeFile(path.join(out, file), rewritten);
    }),
  );
  // They must stand on their own: without the types of Node or of browsers, and without what is marked @internal.
  const users = entries.map(({ output }) => path.join(out, `${output}.d.ts`));
  const language = ["--strict", "--target", "es2022", "--lib", "es2022", "--module", "nodenext"];
  await tsc("--ignoreConfig", "--noEmit", ...language, ...users);
}

/** @param {string[]} options */
async function tsc(...options) {
  const compiler = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
  try {
    await promisify(execFile)(process.execPath, [compiler, ...options], { cwd: root });
  } catch (error) {
    const { stdout } = /** @type {{ stdout?: string }} */ (error);
    throw stdout ? new Error(`The type declarations could not be built:\n${stdout}`) : error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { out } = parseArgs({ options: { out: { type: "string" } } }).values;
  const start = performance.now();
  try {
    await build(out === undefined ? undefined : path.resolve(out));
    console.log(`Built ${out ?? "dist"} in ${((performance.now() - start) / 1000).toFixed(1)} s.`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
