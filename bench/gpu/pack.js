/**
 * Makes a folder with which a machine that reaches no registry can measure its GPU: this repository's layout, with the package built, the benchmark, and of
 * other packages what it uses. See bench/gpu.sh.
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { build } from "../../scripts/build.js";
import { root } from "../../scripts/package.js";

const MOST = 64 * 2 ** 20;

const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: "boolean", default: false } } });
if (positionals.length !== 1) {
  console.error("Usage: sh bench/gpu.sh pack FOLDER [--node]");
  process.exit(1);
}
const folder = path.resolve(positionals[0]);
const into = (...parts) => path.join(folder, ...parts);
mkdirSync(folder, { recursive: true });
if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty.`);

await build(into("dist"), { types: false });
cpSync(path.join(root, "package.json"), into("package.json"));
cpSync(path.join(root, "bench"), into("bench"), { recursive: true, filter: (file) => !/[/\\](node_modules|results|__pycache__)$/.test(file) });
await bundle({
  entryPoints: ["functions", "forms"].map((name) => path.join(root, `bench/gpu/${name}.js`)),
  outdir: into("bench/gpu"), external: ["flimsy-ml", "./section.js"],
});

const peers = path.join(root, "bench/peers/node_modules");
const used = ["@jax-js/jax", "@tensorflow/tfjs", "@tensorflow/tfjs-backend-wasm", "@tensorflow/tfjs-backend-webgpu"];
if (!existsSync(path.join(peers, "webgpu"))) throw new Error("First: npm install --prefix bench/peers");
// What several of them import must be there once.
await bundle({
  entryPoints: used.map((name) => ({ in: name, out: `${name}/index` })), absWorkingDir: path.dirname(peers), splitting: true,
  outdir: into("bench/peers/node_modules"), mainFields: ["module", "main"], define: { "process.env.NODE_ENV": '"production"' },
});
for (const name of used) {
  const { version } = JSON.parse(readFileSync(path.join(peers, name, "package.json"), "utf8"));
  writeFileSync(into("bench/peers/node_modules", name, "package.json"), JSON.stringify({ name, version, type: "module", exports: "./index.js" }));
}
const binary = "dist/linux-x64/dawn.node";
for (const file of ["package.json", "index.js", "LICENSE.md", binary]) cpSync(path.join(peers, "webgpu", file), into("node_modules/webgpu", file));

mkdirSync(into("lib"));
const loader = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"].map((place) => path.join(place, "libvulkan.so.1")).find(existsSync);
if (loader === undefined) console.warn("Without Vulkan's loader, which is not here (Debian: apt-get install libvulkan1): the other machine must have one.");
else cpSync(loader, into("lib/libvulkan.so.1"), { dereference: true });
if (options.node) writeFileSync(into("lib/node.gz"), gzipSync(readFileSync(process.execPath), { level: 9 }));

const files = readdirSync(folder, { recursive: true }).map((name) => statSync(path.join(folder, name))).filter((found) => found.isFile());
const bytes = files.reduce((sum, { size }) => sum + size, 0);
console.log(`${folder}: ${(bytes / 2 ** 20).toFixed(1)} MiB.`);
if (bytes > MOST) throw new Error(`That is more than ${MOST / 2 ** 20} MiB.`);

function bundle(options) {
  return esbuild.build({
    bundle: true, minify: true, format: "esm", platform: "node", target: "node20", conditions: ["flimsy-source"], legalComments: "none", logLevel: "error",
    banner: { js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);' },
    ...options,
  });
}
