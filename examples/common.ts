/**
 * What the examples share: their options, and how they print. It has nothing to do with machine learning.
 *
 * An example exports `main`, which takes its options as an object, prints with console.log what a person wants to see, and returns the
 * figures that it reached; a test calls it with `{ quick: true }` and asserts on them. Its last line makes it a program, so that importing
 * it runs nothing:
 *
 *     export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
 *       seed(n);
 *       …
 *       if (check) console.log(String(checkGradients(() => θ.cost(x, y), θ)));
 *       …
 *       reached("test error", error);     // test error               => 0.02
 *       return { error };
 *     }
 *
 *     await program(import.meta, main);   // or, with options of its own: program(import.meta, main, { words: { type: "number", help: "…" } })
 *
 * `program` reads the command line, answers `--help` with the comment at the head of the file, runs `main`, and prints how long it took.
 * Only options that were given are passed on, so their defaults stand in `main` and nowhere else. The first paragraph of the comment at the
 * head, one sentence, is what `npm run example` lists.
 */

import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What every example understands. */
export interface Options {
  /** Check the gradients by finite differences first, in float64. */
  readonly check?: boolean;
  /** The shortened form that the tests run: seconds, and still learns something. */
  readonly quick?: boolean;
  /** For `seed`: another random start. */
  readonly seed?: number;
}

/** An option that only one example has. */
export interface OwnOption {
  readonly type: "boolean" | "number" | "string";
  /** Half a sentence for `--help`. */
  readonly help: string;
}

const common: Readonly<Record<string, OwnOption & { readonly short?: string }>> = {
  check: { type: "boolean", short: "c", help: "check the gradients by finite differences first" },
  quick: { type: "boolean", help: "the shortened form, which the tests run" },
  seed: { type: "number", help: "another random start" },
  help: { type: "boolean", short: "h", help: "show this" },
};

/** Runs `main` with the options of the command line if the module of `meta` is what Node was started with. */
export async function program<O extends Options>(
  meta: ImportMeta, main: (options: O) => unknown, own: Readonly<Record<string, OwnOption>> = {},
): Promise<void> {
  const file = fileURLToPath(meta.url);
  if (process.argv[1] === undefined || resolved(process.argv[1]) !== resolved(file)) return;
  const known = { ...own, ...common };
  const options = optionsOf(process.argv.slice(2), known);
  if (typeof options === "string") {
    console.error(`${options}\nThe options are:\n${describe(known)}`);
    process.exitCode = 2;
    return;
  }
  if (options.help === true) {
    console.log(`${headOf(readFileSync(file, "utf8"))}\n\n${describe(known)}`);
    return;
  }
  const seconds = stopwatch();
  await main(options as unknown as O);
  console.log(`took ${seconds().toFixed(1)} s`);
}

/** Prints a figure, such as `reached("test error", 0.02)`. */
export function reached(name: string, value: number | string, unit = ""): void {
  console.log(`${name.padEnd(24)} => ${format(value)}${unit === "" ? "" : ` ${unit}`}`);
}

/** Prints rows with the same fields as a table. */
export function table(rows: readonly Readonly<Record<string, number | string>>[]): void {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => format(row[name])))];
  const widths = names.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) console.log(line.map((cell, i) => cell.padStart(widths[i])).join("   "));
}

/** A function that says how many seconds have passed since it was made. */
export function stopwatch(): () => number {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}

/** The comment at the head of a source file, as plain lines. */
export function headOf(source: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(source.replace(/^#!.*\n/, ""))?.[1] ?? "";
  return comment.split("\n").map((line) => line.replace(/^ \* ?/, "").trimEnd()).join("\n").trim();
}

const format = (value: number | string): string =>
  typeof value === "string" || Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));

const resolved = (file: string): string => {
  try { return realpathSync(path.resolve(file)); } catch { return path.resolve(file); }
};

/** The options that were given, or what is wrong with them. */
function optionsOf(args: string[], known: Readonly<Record<string, OwnOption & { readonly short?: string }>>): Record<string, unknown> | string {
  const config = Object.fromEntries(Object.entries(known).map(([name, { type, short }]) =>
    [name, { type: type === "boolean" ? "boolean" as const : "string" as const, ...(short === undefined ? {} : { short }) }]));
  try {
    const found: Record<string, unknown> = { ...parseArgs({ args, options: config }).values };
    for (const [name, value] of Object.entries(found)) {
      if (known[name].type !== "number") continue;
      if (!/\d/.test(String(value)) || !Number.isFinite(Number(value))) return `--${name} takes a number, but got ${JSON.stringify(value)}.`;
      found[name] = Number(value);
    }
    return found;
  } catch (error) {
    return (error as Error).message;
  }
}

function describe(known: Readonly<Record<string, OwnOption & { readonly short?: string }>>): string {
  const names = Object.entries(known).map(([name, { type, short, help }]) =>
    [`--${name}${type === "boolean" ? "" : type === "number" ? " n" : " text"}${short === undefined ? "" : `, -${short}`}`, help]);
  const width = Math.max(...names.map(([name]) => name.length));
  return names.map(([name, help]) => `  ${name.padEnd(width)}   ${help}`).join("\n");
}
