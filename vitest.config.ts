import { configDefaults, defineConfig } from "vitest/config";

/** `import … from "flimsy-ml"` in a test means the sources, as package.json's exports say. */
const conditions = ["flimsy-source", "module", "node", "development|production"];

/** Tests of what things give, not of what the library holds: they may follow each other in one process, in which it is loaded and compiled only once. */
const together = ["components", "cost", "ctc", "data", "explain", "extras", "initialization", "model", "operations", "optimizers", "plan", "random", "synthetic"]
  .map((room) => `test/${room}/**/*.test.ts`);

/** `FLIMSY_DELAYED=wasm npx vitest run …` runs tests on a device that answers later, which has this one behind it. */
const delayed = process.env.FLIMSY_DELAYED === undefined ? [] : ["test/delayed.ts"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: "forks",
    maxWorkers: 2,
    // Tests of released memory call globalThis.gc().
    execArgv: ["--expose-gc"],
    // What a test has built runs as it is; Vite would take it apart again.
    server: { deps: { external: [/\.mjs$/] } },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "alone", include: ["test/**/*.test.ts"], exclude: [...configDefaults.exclude, ...together], setupFiles: delayed } },
      { extends: true, test: { name: "together", include: together, isolate: false, setupFiles: [...delayed, "test/anew.ts"] } },
    ],
  },
});
