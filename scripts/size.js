/**
 * Prints how large the built package is: the bytes that a browser loads, and the lines of each room of src/.
 * Fails when a program that trains is larger than it may be: the README's example, without the check of its gradients, which brings the
 * float64 device.
 *
 *   node scripts/size.js     (after a build)
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { rolldown } from "rolldown";
import ts from "typescript";
import { entries, root } from "./package.js";

/** What a browser may have to load for that program, in bytes after gzip. */
const LIMIT = 67 * 1024;

/** What Vite's bundler makes of a small program for browsers. @param {string} program */
async function bundled(program) {
  const folder = mkdtempSync(path.join(tmpdir(), "flimsy-size-"));
  try {
    const input = path.join(folder, "program.ts");
    // As if the package were installed there.
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(root, path.join(folder, "node_modules/flimsy-ml"), "junction");
    writeFileSync(input, program);
    const bundle = await rolldown({ input, platform: "browser", external: /^node:/ });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    const code = output.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("");
    return { plain: Buffer.byteLength(code), gzip: gzipSync(code, { level: 9 }).length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {ts.Node} node @param {ts.SourceFile} file @param {Set<number>} lines */
function markLines(node, file, lines) {
  if (ts.isJSDoc(node)) return;
  const children = node.getChildren(file);
  for (const child of children) markLines(child, file, lines);
  if (children.length > 0 || node.kind === ts.SyntaxKind.EndOfFileToken || node.getWidth(file) === 0) return;
  const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
  const last = file.getLineAndCharacterOfPosition(node.end).line;
  for (let line = first; line <= last; line++) lines.add(line);
}

/** @param {string} name */
function countLines(name) {
  const text = readFileSync(name, "utf8");
  /** @type {Set<number>} */
  const code = new Set();
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
  markLines(file, file, code);
  return { files: 1, lines: text.split("\n").filter((line) => line.trim() !== "").length, code: code.size };
}

/** Files of src/ by room: a file at the top is a room of its own. */
function rooms() {
  const source = path.join(root, "src");
  /** @type {Map<string, { files: number, lines: number, code: number }>} */
  const counts = new Map();
  for (const file of readdirSync(source, { recursive: true, encoding: "utf8" }).sort()) {
    if (!file.endsWith(".ts")) continue;
    const [first, ...rest] = file.split(path.sep);
    const room = rest.length > 0 ? `${first}/` : first;
    const count = countLines(path.join(source, file));
    const sum = counts.get(room) ?? { files: 0, lines: 0, code: 0 };
    counts.set(room, {
      files: sum.files + count.files,
      lines: sum.lines + count.lines,
      code: sum.code + count.code,
    });
  }
  return counts;
}

/** @param {readonly (readonly (string | number)[])[]} rows */
function print(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  for (const row of rows) {
    const [first, ...rest] = row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])));
    console.log([first, ...rest].join("  "));
  }
  console.log();
}

const everything = entries.map(({ specifier }) => ({ name: `import "${specifier}"`, program: `export * from "${specifier}";` }));
/** The first block of the README, without `checkGradients`. */
function example() {
  const block = readFileSync(path.join(root, "README.md"), "utf8").match(/```ts\n([\s\S]*?)```/)?.[1] ?? "";
  return block.replace(" checkGradients,", "").replace(/^checkGradients.*$/m, "");
}
const training = { name: "the README's example", program: example() };
const small = { name: "only { input }", program: 'import { input } from "flimsy-ml"; console.log(input([1, 2]).shape);' };
const sizes = await Promise.all([training, small, ...everything].map(async ({ name, program }) => ({ name, ...(await bundled(program)) })));
const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
print([
  ["What a browser loads", "minified", "gzip"],
  ...sizes.map(({ name, plain, gzip }) => [name, kilobytes(plain), kilobytes(gzip)]),
]);

const counts = [...rooms()];
/** @param {"files" | "lines" | "code"} key */
const total = (key) => counts.reduce((sum, [, count]) => sum + count[key], 0);
print([
  ["Room of src/", "files", "lines", "of code"],
  ...counts.map(([room, { files, lines, code }]) => [room, files, lines, code]),
  ["all", total("files"), total("lines"), total("code")],
]);

const { gzip } = sizes[0];
if (gzip > LIMIT) {
  console.error(`The README's example is ${gzip} bytes after gzip, more than the ${LIMIT} that it may have.`);
  process.exitCode = 1;
}
