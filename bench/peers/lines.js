/**
 * Lines of user code: what stands between "user code" and "end" in a program and in the files of its folder that it imports.
 * After "user code (plain lstm)" lines count only for that form and that cell or program.
 */

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folders = { flimsy: "../workloads/flimsy", torch: "torch", tfjs: "tfjs", jax: "jax" };
const imports = { js: /from "\.\/([\w-]+)\.js"/g, py: /^from (\w+) import/gm };

export function linesOf({ family, variant }, program) {
  const known = new Set([variant, program, program.replace("xor-", "")]);
  const extension = family === "torch" ? "py" : "js";
  const folder = fileURLToPath(new URL(folders[family], import.meta.url));
  const seen = new Set();
  const count = (name) => {
    if (seen.has(name)) return 0;
    seen.add(name);
    let text;
    try {
      text = readFileSync(path.join(folder, `${name}.${extension}`), "utf8");
    } catch {
      return 0; // not of this folder
    }
    const others = [...text.matchAll(imports[extension])].map(([, other]) => other)
      // From there comes also what loads arrays, which is no user code.
      .filter((other) => other !== "training" || /\btraining\(/i.test(text));
    return others.reduce((sum, other) => sum + count(other), marked(text, known));
  };
  return count(extension === "py" ? program.replaceAll("-", "_") : program);
}

/** Code lines: no blank ones, no comments. */
function marked(text, known) {
  let inside = false;
  let lines = 0;
  for (const line of text.split("\n").map((found) => found.trim())) {
    const marker = line.match(/^(?:\/\/|#) user code(?: \((.+)\))?$/);
    if (marker) inside = (marker[1] ?? "").split(" ").every((word) => word === "" || known.has(word));
    else if (/^(\/\/|#) end$/.test(line)) inside = false;
    else if (inside && line !== "" && !/^(\/\/|#|\/\*|\*|""")/.test(line)) lines++;
  }
  return lines;
}
