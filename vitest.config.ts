import { configDefaults, defineConfig } from "vitest/config";

/** `import … from "flimsy-ml"` in a test means the sources, as package.json's exports say. */
const conditions = ["flimsy-source", "module", "node", "development|production"];

/** Tests of what things give, not of what the library holds: they may follow each other in one process, in which it is loaded and compiled only once. */
const together = ["components", "cost", "ctc", "data", "explain", "extras", "initialization", "model", "operations", "optimizers", "plan", "random", "synthetic"]
  .map((room) => `test/${room}/**/*.test.ts`);

/**
 * `FLIMSY_DELAYED=reference npx vitest run …` runs tests on a device that answers later, which has this one behind it; else a few run there too.
 * What is built or bundled, and has a library of its own, and the parts of the wasm device are tested without any.
 */
const isDelayed = process.env.FLIMSY_DELAYED !== undefined;
const delayed = isDelayed ? ["test/delayed.ts"] : [];
const withoutDevice = ["package.test.ts", "browser/**", "bench/**", "docs/**", "devices/wasm/**"].map((file) => `test/${file}`);
/** Examples that would train for minutes on the reference device: there the wasm device is behind it. */
const long = ["attention", "char-lm", "ctc", "memory-network", "mnist", "physics"].map((name) => `test/examples/${name}.test.ts`);
const few = ["bad-input", "engine/state", "engine/freeze"].map((name) => `test/${name}.test.ts`);
const later = (name: string, include: string[], behind: string) =>
  ({ extends: true as const, test: { name, include, env: { FLIMSY_DELAYED: behind }, setupFiles: ["test/delayed.ts"] } });

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
          exclude: [...configDefaults.exclude, ...together, ...(isDelayed ? [...withoutDevice, ...long] : [])],
        },
      },
      { extends: true, test: { name: "together", include: together, isolate: false, setupFiles: [...delayed, "test/anew.ts"] } },
      isDelayed ? later("long", long, "wasm") : later("later", few, "reference"),
    ],
  },
});
