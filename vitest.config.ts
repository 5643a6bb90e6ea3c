import { configDefaults, defineConfig } from "vitest/config";

/** `import … from "flimsy-ml"` in a test means the sources, as package.json's exports say. */
const conditions = ["flimsy-source", "module", "node", "development|production"];

/** Tests of what things give, not of what the library holds: they may follow each other in one process, in which it is loaded and compiled only once. */
const together = ["components", "cost", "ctc", "data", "explain", "extras", "initialization", "model", "operations", "optimizers", "plan", "random", "synthetic"]
  .map((room) => `test/${room}/**/*.test.ts`);

/**
 * `FLIMSY_DELAYED=reference npx vitest run …` runs tests on a device that answers later, which has this one behind it; without it, those of `sample` run there too.
 * What the build makes, and the parts of the wasm device, are tested without any device.
 */
const isDelayed = process.env.FLIMSY_DELAYED !== undefined;
const delayed = isDelayed ? ["test/delayed.ts"] : [];
const withoutDevice = ["test/package.test.ts", "test/browser/**", "test/bench/**", "test/docs/reference.test.ts", "test/docs/guides.test.ts", "test/devices/wasm/**"];
const sample = ["test/bad-input.test.ts", "test/engine/state.test.ts", "test/engine/freeze.test.ts", "test/engine/variable.test.ts", "test/optimizers/optimizer.test.ts"];
const later = { extends: true as const, test: { name: "later", include: sample, env: { FLIMSY_DELAYED: "reference" }, setupFiles: ["test/delayed.ts"] } };

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
      {
        extends: true,
        test: {
          name: "alone", include: ["test/**/*.test.ts"], setupFiles: delayed,
          exclude: [...configDefaults.exclude, ...together, ...(isDelayed ? withoutDevice : [])],
        },
      },
      { extends: true, test: { name: "together", include: together, isolate: false, setupFiles: [...delayed, "test/anew.ts"] } },
      ...(isDelayed ? [] : [later]),
    ],
  },
});
