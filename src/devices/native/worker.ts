/** What the workers of a native device do before all else: they open the library too. */

import type { ForeignHost } from "../../support/platform.ts";
import type { Blas } from "./blas.ts";
import { type Look, program as foreign } from "../../support/foreign.ts";
import { products, takes } from "./products.ts";

/** What a worker is told. */
interface Told {
  readonly path: string;
  readonly prefix: string;
  readonly koffi: string | null;
  readonly takes: typeof takes;
}

/** Puts what the module of the foreign products imports where the workers' program looks, when the memory has come. In a worker all this is text. */
function serve(looks: readonly Look[], make: typeof products, { path, prefix, koffi, takes }: Told): (message: { memory: WebAssembly.Memory }) => void {
  for (const look of looks) {
    const way = look(globalThis as ForeignHost, koffi, () => {});
    if (way === null) continue;
    const library = way.open(path);
    try {
      library.find("omp_set_num_threads", "void", ["i32"])(1); // OpenMP has a number for each thread
    } catch {
      // a library without OpenMP
    }
    const calls = { gemm: library.find(`${prefix}cblas_sgemm`, "void", takes.gemm), gemv: library.find(`${prefix}cblas_sgemv`, "void", takes.gemv) };
    return ({ memory }) => { Object.assign(Math, make(memory, calls, way.addressOf)); };
  }
  throw new Error("a worker cannot call functions of other libraries");
}

const program = `
const open = (${serve});
const make = ${products};
`;

/** The text before the workers' program. It hears the first message first. */
export function prelude({ path, prefix, koffi }: Blas): string {
  const told: Told = { path, prefix, koffi, takes };
  return `${foreign}${program}require("node:worker_threads").parentPort.once("message", open(looks, make, ${JSON.stringify(told)}));`;
}
