import { configDefaults, defineConfig } from "vitest/config";

/** `import … from "flimsy-ml"` in a test means the sources, as package.json's exports say. */
const conditions = ["flimsy-source", "module", "node", "development|production"];

const files = (...names: string[]): string[] => names.map((name) => `test/${name}.test.ts`);

/**
 * Tests of what the library or a process holds, or that wait for other processes. All others, of what things give, follow each other in one process, in
 * which the library is loaded and compiled only once.
 */
const alone = files(
  "package", "browser/*", "devices/*", "devices/native/*", "devices/wasm/threads", "devices/webgpu/**/*", "docs/{examples,reference,snippets}",
  "engine/{memory,state,step,unclaimed}", "explain/gpu", "io/{fuzz,kill,resume}", "kernels/kernel", "train/{browser,checkpoint,later,report}",
);

/**
 * `FLIMSY_DELAYED=reference npx vitest run …` runs tests on a device that answers later, which has this one behind it; else a few run there too.
 * What is built or bundled, and has a library of its own, and the parts of the wasm device are tested without any.
 */
const isDelayed = process.env.FLIMSY_DELAYED !== undefined;
/** `FLIMSY_DEVICE=native npx vitest run …` runs tests on the native device, with all products by BLAS. */
const device = isDelayed ? ["test/delayed.ts"] : process.env.FLIMSY_DEVICE === "native" ? ["test/native.ts"] : [];
const withoutDevice = ["package.test.ts", "browser/**", "bench/**", "docs/**", "devices/wasm/**"].map((file) => `test/${file}`);
/** Examples that would train for minutes on the reference device: there the wasm device is behind it. */
const long = files("examples/{attention,char-lm,ctc,memory-network,mnist,physics}");
const few = files("bad-input", "engine/state", "engine/freeze");
/** Thousands of kernels, each of which takes a driver many milliseconds. */
const manyKernels = process.env.FLIMSY_DELAYED === "webgpu" ? files("kernels/kernel", "plan/cache") : [];
const exclude = [...configDefaults.exclude, ...(isDelayed ? [...withoutDevice, ...long, ...manyKernels] : [])];
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
      { extends: true, test: { name: "alone", include: alone, exclude, setupFiles: device, globalSetup: "test/built.ts" } },
      {
        extends: true,
        test: { name: "together", include: files("**/*"), exclude: [...exclude, ...alone], isolate: false, setupFiles: [...device, "test/anew.ts"] },
      },
      ...(process.env.FLIMSY_DELAYED === "webgpu" ? [] : [isDelayed ? later("long", long, "wasm") : later("later", few, "reference")]),
    ],
  },
});
