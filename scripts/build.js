/**
 * Builds the package: JavaScript bundles and type declarations.
 *
 *   node scripts/build.js [--out <folder>]
 *
 * The entries are those of package.json's exports: a new one there is all that it takes.
 * Code that entries share goes into chunks beside them.
 */

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import * as esbuild from "esbuild";
import { minify } from "terser";
import ts from "typescript";
import { entries, nodeEntries, root } from "./package.js";

const standard = path.join(root, "dist");

/** Builds into a folder: `dist`, which is emptied first, or another one, which must be new or empty. Much faster without types or their check. */
export async function build(out = standard, { types = true, checked = true } = {}) {
  if (out === standard) await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  if ((await readdir(out)).length > 0) throw new Error(`${out} is not empty.`);
  // Wait for both, so that nothing writes any more when this fails.
  const results = await Promise.allSettled([bundle(out), ...(types ? [declare(out, checked)] : [])]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Makes operations methods of Variable. */
const methods = path.join(root, "src/operations/methods.ts");

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

/**
 * What constants of numbers at the top of a file are, by name: `const PAGE = 65536`, and `Role.map` of `const Role = { map: 1 } as const`.
 * @param {ts.SourceFile} source @param {boolean} isExported
 */
function numbersOf(source, isExported) {
  /** @type {Map<string, string>} */
  const numbers = new Map();
  /** An expression of numbers, with those of the file for their names; else undefined. @param {ts.Node} node @returns {string | undefined} */
  function written(node) {
    if (ts.isNumericLiteral(node) || ts.isBigIntLiteral(node)) return node.getText(source);
    if (ts.isIdentifier(node)) return numbers.get(node.text);
    if (ts.isPrefixUnaryExpression(node)) return ts.isNumericLiteral(node.operand) ? node.getText(source) : undefined;
    if (!ts.isBinaryExpression(node)) return undefined;
    const [left, right] = [written(node.left), written(node.right)];
    return left === undefined || right === undefined ? undefined : `(${left} ${node.operatorToken.getText(source)} ${right})`;
  }
  const add = (/** @type {string} */ name, /** @type {ts.Node} */ value) => {
    const number = written(value);
    if (number !== undefined) numbers.set(name, `(${number})`);
  };
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement) || !(statement.declarationList.flags & ts.NodeFlags.Const)) continue;
    if (isExported !== (statement.modifiers !== undefined)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      const value = initializer && ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (value === undefined) continue;
      add(name.getText(source), value);
      if (value === initializer || !ts.isObjectLiteralExpression(value)) continue;
      for (const entry of value.properties) if (ts.isPropertyAssignment(entry)) add(`${name.getText(source)}.${entry.name.getText(source)}`, entry.initializer);
    }
  }
  return numbers;
}

/** Numbers that files of src/ export under names that no other file exports. @param {readonly ts.SourceFile[]} sources */
function sharedNumbers(sources) {
  const counts = new Map();
  for (const { text } of sources) {
    const names = text.matchAll(/^export (?:declare |abstract |async )*(?:const|let|function|class) (\w+)/gm);
    for (const name of new Set([...names].map(([, name]) => name))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map(sources.flatMap((source) => [...numbersOf(source, true)].filter(([name]) => counts.get(name.split(".")[0]) === 1)));
}

/**
 * Constants that are numbers stand as numbers where they are used: bundlers would keep each as a variable, and objects of them whole.
 * @param {string} text @param {ReadonlyMap<string, string>} shared
 */
function withNumbers(text, shared) {
  const source = ts.createSourceFile("", text, ts.ScriptTarget.Latest, true);
  const numbers = numbersOf(source, false);
  for (const [name, number] of numbersOf(source, true)) numbers.set(name, number);
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    for (const { name, propertyName } of bindings && ts.isNamedImports(bindings) ? bindings.elements : []) {
      if (propertyName !== undefined) continue;
      for (const [key, number] of shared) if (key === name.text || key.startsWith(`${name.text}.`)) numbers.set(key, number);
    }
  }
  /** Does a declaration leave the names of variables as they are? @param {ts.Node} node */
  const isApart = (node) => ts.isPropertyAccessExpression(node) || ts.isPropertyAssignment(node) || ts.isClassElement(node) || ts.isTypeElement(node) ||
    ts.isTypeAliasDeclaration(node) || ts.isImportSpecifier(node);
  /** Names of something else too. @type {Set<string>} */
  const others = new Set();
  /** @type {[ts.Node, string][]} */
  const uses = [];
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const key = `${node.expression.text}.${node.name.text}`;
      if (numbers.has(key)) {
        uses.push([node, key]);
        return;
      }
    }
    if (ts.isIdentifier(node)) {
      const { name, propertyName, exprName } = /** @type {{ name?: ts.Node, propertyName?: ts.Node, exprName?: ts.Node }} */ (node.parent);
      if (name !== node && propertyName !== node && exprName !== node) uses.push([node, node.text]);
      else if (name === node && !isApart(node.parent) && node.parent.parent?.parent?.parent !== source) others.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return uses.reverse().reduce((changed, [use, key]) => {
    const number = others.has(key.split(".")[0]) ? undefined : numbers.get(key);
    return number === undefined ? changed : changed.slice(0, use.getStart()) + number + changed.slice(use.end);
  }, text);
}

/**
 * The program of the workers is a text, which no bundler of a user makes smaller.
 * @param {string} text of the file that has it, with numbers for its constants
 */
async function withSmallProgram(text) {
  const [whole, program] = /(?<=const program = )`([^`]*)`/.exec(text) ?? [];
  if (whole === undefined || program === undefined) throw new Error("There is no text of the workers' program.");
  const plain = program.replace(/\$\{\((\d+)\)( \/ 4)?\}/g, (_, number, by4) => String(by4 === undefined ? number : number / 4));
  const { code } = await esbuild.transform(plain, { minify: true, target: "es2022" });
  return text.replace(whole, () => JSON.stringify(code.trim()));
}

/**
 * What the build makes of each file before it is bundled. Every entry, and every namespace, reaches the methods of Variable. So they share a chunk with
 * Variable itself, and no bundler of a user can drop them as a module of which no export is used.
 * @param {ReadonlyMap<string, string>} numbers @returns {esbuild.Plugin}
 */
const withChanges = (numbers) => ({
  name: "with-changes",
  setup(build) {
    const always = reached(methods);
    const beginnings = new Set([...entries.map(({ source }) => source), ...Object.values(namespaces)].map((source) => path.join(root, source)));
    build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      let contents = withNumbers(await readFile(file, "utf8"), numbers);
      if (/[/\\]wasm[/\\]team\.ts$/.test(file)) contents = await withSmallProgram(contents);
      if (!isInner(path.relative(root, file))) contents = withNames(contents);
      if (!isInner(path.relative(root, file)) && !always.has(file)) contents = withPureConstants(contents);
      if (beginnings.has(file)) contents = `import ${JSON.stringify(methods)};\n${contents}`;
      return { contents, loader: "ts" };
    });
  },
});

/** Names that the language itself asks objects for. */
const languageNames = [
  "constructor", "name", "length", "prototype", "message", "stack", "cause", "toString", "toLocaleString", "valueOf", "toJSON", "then", "next", "done",
  "return", "throw", "value", "get", "set", "raw",
];

/** The statement of a file that a declaration is part of. @param {ts.Node} node @returns {ts.Node} */
const statementOf = (node) => (node.parent === undefined || ts.isSourceFile(node.parent) ? node : statementOf(node.parent));

/**
 * Names of members and properties that no user sees or extends: those that are private, or declared in inner rooms or the engine by what no entry exports.
 * Wherever src/ has such a name it must mean one of these, as its types tell, and no text may be that name.
 * @param {readonly ts.SourceFile[]} sources @param {ts.TypeChecker} checker
 */
function hiddenNames(sources, checker) {
  /** @type {Set<ts.Node>} */
  const shown = new Set();
  const show = (/** @type {ts.Symbol | undefined} */ module) => {
    for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (symbol.flags & ts.SymbolFlags.ValueModule) show(symbol);
      for (const declaration of symbol.declarations ?? []) shown.add(statementOf(declaration));
    }
  };
  const exporting = new Set(entries.map(({ source }) => path.join(root, source)));
  for (const file of sources) if (exporting.has(path.normalize(file.fileName))) show(checker.getSymbolAtLocation(file));

  /** @param {ts.Node} declaration */
  function isHidden(declaration) {
    if (ts.getCombinedModifierFlags(/** @type {ts.Declaration} */ (declaration)) & ts.ModifierFlags.Private) return true;
    const file = path.relative(root, declaration.getSourceFile().fileName);
    return (isInner(file) || /^src[/\\](?:engine|operations)[/\\]/.test(file)) && !shown.has(statementOf(declaration));
  }
  /** @param {ts.Node} node @returns {node is ts.ClassElement | ts.TypeElement | ts.ParameterDeclaration} */
  const isMember = (node) =>
    ts.isClassElement(node) || ts.isTypeElement(node) || (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent));
  /**
   * Where a node reads, writes or gives a property whose name may be hidden: the name, and what is meant.
   * @param {ts.Node} node @returns {[string, ts.Symbol | undefined] | []}
   */
  function meant(node) {
    const isOpen = (/** @type {string} */ name) => hidden.has(name) && !others.has(name);
    if (ts.isPropertyAccessExpression(node)) {
      const name = node.name.text;
      return isOpen(name) ? [name, checker.getSymbolAtLocation(node.name)] : [];
    }
    if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
      const name = (node.propertyName ?? node.name).getText();
      return isOpen(name) ? [name, checker.getPropertyOfType(checker.getTypeAtLocation(node.parent), name)] : [];
    }
    if (!ts.isObjectLiteralElement(node) || node.name === undefined || !isOpen(node.name.getText())) return [];
    const given = checker.getContextualType(/** @type {ts.ObjectLiteralExpression} */ (node.parent));
    const type = given && checker.getNonNullableType(given); // of an argument that may be left out too
    if (type !== undefined && checker.getIndexInfosOfType(type).length > 0) return [node.name.getText(), undefined]; // looked up by a text
    return [node.name.getText(), (type && checker.getPropertyOfType(type, node.name.getText())) ?? checker.getSymbolAtLocation(node.name)];
  }
  /** @type {Set<string>} */
  const hidden = new Set();
  const others = new Set(languageNames);
  /** @param {ts.Node} node */
  function collect(node) {
    if (ts.isStringLiteralLike(node) && !ts.isIndexedAccessTypeNode(node.parent.parent)) others.add(node.text);
    if (isMember(node) || ts.isObjectLiteralElement(node)) {
      const name = node.name?.getText() ?? "";
      if (isHidden(node)) hidden.add(name);
      else if (isMember(node)) others.add(name);
    }
    ts.forEachChild(node, collect);
  }
  /** @param {ts.Node} node */
  function resolve(node) {
    const [name, symbol] = meant(node);
    if (name !== undefined && !symbol?.declarations?.every(isHidden)) others.add(name);
    ts.forEachChild(node, resolve);
  }
  /** @param {ts.Node} node */
  function collectNames(node) {
    if (ts.isPropertyAccessExpression(node) || ts.isBindingElement(node) || ts.isObjectLiteralElement(node)) others.add(node.name?.getText() ?? "");
    ts.forEachChild(node, collectNames);
  }
  for (const { text } of sources) {
    const [, program] = /const program = `([^`]*)`/.exec(text) ?? [];
    if (program !== undefined) collectNames(ts.createSourceFile("", program, ts.ScriptTarget.Latest, true));
  }
  sources.forEach(collect);
  sources.forEach(resolve);
  return [...hidden].filter((name) => !others.has(name) && /^\w+$/.test(name));
}

/** Stands for the module of a namespace until it is known where it is imported from. */
const placeholder = (/** @type {string} */ name) => `flimsy-ml:${name}`;

/** @param {string} out */
async function bundle(out) {
  await bundleEntries(out);
  let programs = 0;
  for (const file of await readdir(out, { recursive: true })) {
    if (!file.endsWith(".js")) continue;
    let text = await readFile(path.join(out, file), "utf8");
    for (const name of Object.keys(namespaces)) {
      text = text.replaceAll(`"${placeholder(name)}"`, JSON.stringify(`./${path.posix.relative(path.posix.dirname(file), `${name}.js`)}`));
    }
    const { text: whole, found } = await withWholePrograms(await compressed(text));
    programs += found;
    await writeFile(path.join(out, file), marked(whole));
  }
  if (programs !== 3) throw new Error(`There are ${programs} texts of functions for workers, not those for a GPU's engine, foreign functions and a BLAS.`);
}

/**
 * A program of a worker that is made of functions of its file becomes a text: bundlers of users may change functions in ways that let them run only where they
 * are, as by helpers.
 * @param {string} text
 */
async function withWholePrograms(text) {
  const source = ts.createSourceFile("", text, ts.ScriptTarget.Latest, true);
  const functions = new Map(source.statements.filter(ts.isFunctionDeclaration).map((each) => [each.name?.text, each.getText(source)]));
  /** @param {ts.Expression} node */
  const textOf = (node) => (ts.isIdentifier(node) ? functions.get(node.text) : ts.isFunctionLike(node) ? node.getText(source) : undefined);
  const declarations = source.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => declarationList.declarations);
  let [whole, found] = [text, 0];
  for (const { initializer } of declarations.reverse()) {
    if (initializer === undefined || !ts.isTemplateExpression(initializer)) continue;
    const parts = initializer.templateSpans.map(({ expression, literal }) => [textOf(expression), literal.text]);
    if (parts.some(([part]) => part === undefined)) continue;
    const { code } = await esbuild.transform(initializer.head.text + parts.flat().join(""), { minify: true, target: "es2022" });
    whole = whole.slice(0, initializer.getStart(source)) + JSON.stringify(code.trim()) + whole.slice(initializer.end);
    found++;
  }
  return { text: whole, found };
}

/** The same in less code, as far as that needs no other names: those are for the bundler of a user to shorten. @param {string} text */
async function compressed(text) {
  const { code } = await minify(text, {
    module: true,
    ecma: 2022,
    mangle: false,
    compress: { passes: 3, keep_fargs: false, sequences: false, comparisons: false },
    format: { beautify: true, indent_level: 2, preserve_annotations: true },
  });
  return code ?? text;
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
  const { config } = ts.readConfigFile(path.join(root, "tsconfig.json"), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent({ ...config, include: ["src"] }, ts.sys, root);
  const program = ts.createProgram(fileNames, options);
  const sources = fileNames.flatMap((file) => program.getSourceFile(file) ?? []);
  return esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      ...[...entries, ...nodeEntries].map(({ source, output }) => ({ in: source, out: output })),
      ...Object.entries(namespaces).map(([name, source]) => ({ in: source, out: name })),
    ],
    outdir: out,
    chunkNames: "chunk-[hash]",
    define: { isBuilt: "true" },
    // Names of properties are what a bundler of a user could not make shorter. The assembler's methods, one for each instruction, weigh most.
    mangleProps: new RegExp(`^(?:(?:[if](?:32|64)(?:x[24])?|v128)[A-Z].*|${hiddenNames(sources, program.getTypeChecker()).join("|")})$`),
    bundle: true,
    minifySyntax: true,
    plugins: [withNamespaces, withChanges(sharedNumbers(sources))],
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
 * Type declarations. The compiler checks src/ once more on the way, if told.
 * @param {string} out @param {boolean} checked
 */
async function declare(out, checked) {
  await tsc("-p", path.join(root, "tsconfig.build.json"), "--outDir", out, ...(checked ? [] : ["--noCheck"]));
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
