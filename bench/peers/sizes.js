/** What a browser loads: everything of a library, minified and gzipped. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;

async function bundled(contents, resolveDir) {
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir }, bundle: true, minify: true, write: false, format: "esm", platform: "browser", target: "es2022",
    external: ["node:*"], logLevel: "silent",
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
  });
  return gzip(outputFiles[0].contents);
}

/** Bytes after gzip, by title; without those that are not installed. */
export async function packageSizes() {
  const wasm = () => gzip(readFileSync(here("node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm")));
  const all = {
    "flimsy-ml": () => bundled('export * from "./dist/index.js";', here("../..")),
    "flimsy-ml with flimsy-ml/components": () => bundled('export * from "./dist/index.js"; export * from "./dist/components/index.js";', here("../..")),
    "@tensorflow/tfjs (backends cpu and webgl)": () => bundled('export * from "@tensorflow/tfjs";', here(".")),
    "@tensorflow/tfjs with the wasm backend and its .wasm file": async () =>
      await bundled('export * from "@tensorflow/tfjs"; export { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";', here(".")) + wasm(),
    "@jax-js/jax": () => bundled('export * from "@jax-js/jax";', here(".")),
  };
  const sizes = {};
  for (const [title, size] of Object.entries(all)) {
    try {
      sizes[title] = await size();
    } catch (error) {
      console.error(`size of ${title}: ${error.message.split("\n").slice(0, 2).join(" ")}`);
    }
  }
  return sizes;
}
