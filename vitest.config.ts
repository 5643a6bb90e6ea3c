import { defineConfig } from "vitest/config";

/** `import … from "flimsy-ml"` in a test means the sources, as package.json's exports say. */
const conditions = ["flimsy-source", "module", "node", "development|production"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    // Tests of released memory call globalThis.gc().
    execArgv: ["--expose-gc"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
