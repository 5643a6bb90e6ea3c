/** Lines of user code: what stands between "user code" and "end" in a program and in the files of its folder that it imports. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folders = { flimsy: "../workloads/flimsy", torch: "torch", tfjs: "tfjs", jax: "jax" };
const imports = { js: /from "\.\/([\w-]+)\.js"/g, py: /^from (\w+) import/gm };

export function linesOf(family, program) {
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
    const others = [...text.matchAll(imports[extension])].reduce((sum, [, other]) => sum + count(other), 0);
    return others + marked(text);
  };
  return count(extension === "py" ? program.replaceAll("-", "_") : program);
}

/** Code lines: no blank ones, no comments. */
function marked(text) {
  let inside = false;
  let lines = 0;
  for (const line of text.split("\n").map((found) => found.trim())) {
    if (/^(\/\/|#) user code$/.test(line)) inside = true;
    else if (/^(\/\/|#) end$/.test(line)) inside = false;
    else if (inside && line !== "" && !/^(\/\/|#|\/\*|\*|""")/.test(line)) lines++;
  }
  return lines;
}
