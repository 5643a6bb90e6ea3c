/** A BLAS that is on the machine. */

import { DeviceError } from "../../support/errors.ts";
import { environment } from "../../support/environment.ts";
import { installed } from "../../support/installed.ts";
import type { ForeignHost } from "../../support/platform.ts";
import { type Foreign, type ForeignFunction, forbidden, foreign, type Library } from "../../support/foreign.ts";
import { type Calls, takes } from "./products.ts";

export interface Blas {
  /** Its name as the system knows it, or its path. */
  readonly path: string;
  /** What comes before the names of its functions. */
  readonly prefix: string;
  /** Name, version and the kernel that it has chosen for this processor, as far as it tells. */
  readonly title: string;
  readonly foreign: Foreign;
  readonly koffi: string | null;
  readonly calls: Calls;
  /** How many threads compute a product, and how to change it; null where the library has no such function. */
  readonly threads: { get(): number; set(count: number): void } | null;
}

/** By platform. Those that are not OpenBLAS or BLIS on Linux have not been tested. */
const names: Readonly<Record<string, readonly string[]>> = {
  linux: ["libopenblas.so.0", "libopenblas.so", "libblis.so.4", "libblis.so", "libmkl_rt.so.2", "libmkl_rt.so"],
  darwin: [
    "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "/usr/local/opt/openblas/lib/libopenblas.dylib",
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
  ],
  win32: ["libopenblas.dll", "openblas.dll", "mkl_rt.2.dll"],
};
const advice: Readonly<Record<string, string>> = {
  linux: "Debian and Ubuntu: apt-get install libopenblas0",
  darwin: "brew install openblas",
  win32: "put libopenblas.dll, from github.com/OpenMathLib/OpenBLAS/releases, on the PATH",
};

const variable = "FLIMSY_BLAS";

/**
 * Opens the library that the environment names, or the first that there is.
 * @throws DeviceError where foreign functions cannot be called here, there is no library, or it is not one that can be used
 */
export function openBlas(): Blas {
  const koffi = installed("koffi");
  const way = foreign(koffi);
  const denied = forbidden();
  const platform = (globalThis as ForeignHost).process?.platform ?? "";
  const missing = (why: string): DeviceError => new DeviceError(`The device native needs a BLAS, and ${why}`, "missing");
  if (denied !== "") throw missing(`may open none. ${denied}`);
  const chosen = environment(variable);
  const paths = chosen ? [chosen] : names[platform] ?? names.linux;
  const reasons: string[] = [];
  for (const path of paths) {
    try {
      return described(way, koffi, path, way.open(path));
    } catch (error) {
      if (error instanceof DeviceError) throw error;
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (chosen) throw missing(`${chosen}, which ${variable} names, cannot be opened: ${reasons[0]}`);
  throw missing(`found none of ${paths.join(", ")}. ${advice[platform] ?? advice.linux}; or set ${variable} to the path of one.`);
}

/** What comes before all names of some builds, as of those in Python's packages. */
const prefixes = ["", "scipy_"];

type Find = (...of: Parameters<Library["find"]>) => ForeignFunction | undefined;

/** What can be found out of an open library. */
function described(way: Foreign, koffi: string | null, path: string, library: Library): Blas {
  const findWith = (prefix: string): Find => (name, gives, takes) => {
    try {
      return library.find(prefix + name, gives, takes);
    } catch {
      return undefined;
    }
  };
  for (const prefix of prefixes) {
    const find = findWith(prefix);
    const gemm = find("cblas_sgemm", "void", takes.gemm);
    const gemv = find("cblas_sgemv", "void", takes.gemv);
    const dot = find("cblas_sdot", "f32", ["i64", "address", "i32", "address", "i32"]);
    if (gemm === undefined || gemv === undefined || dot === undefined) continue;
    // As 64 bits the length is negative, as 32 it is two.
    const ones = Float32Array.of(1, 1);
    const address = way.addressOf(ones);
    if (dot(-(2n ** 63n) + 2n, address, 1, address, 1) !== 2) {
      throw new DeviceError(`${path} takes integers of 64 bits, and Flimsy gives 32. Set ${variable} to a library that takes those.`, "missing");
    }
    return { path, prefix, title: titleOf(path, find), foreign: way, koffi, calls: { gemm, gemv }, threads: threadsOf(find, findWith("")) };
  }
  throw new DeviceError(`${path} cannot be used as a BLAS: it has no function cblas_sgemm.`, "missing");
}

function titleOf(path: string, find: Find): string {
  const text = (name: string): string => String(find(name, "text", [])?.() ?? "");
  const [, openblas] = /^(OpenBLAS \S+)/.exec(text("openblas_get_config")) ?? [];
  const blis = text("bli_info_get_version_str");
  const architecture = find("bli_arch_query_id", "i32", []);
  const kernel = openblas ? text("openblas_get_corename") : architecture && String(find("bli_arch_string", "text", ["i32"])?.(Number(architecture())) ?? "");
  return [openblas ?? (blis ? `BLIS ${blis}` : path), ...(kernel ? [`kernels for ${kernel}`] : [])].join(", ");
}

/** @param findPlain finds functions of what the library is linked with */
function threadsOf(find: Find, findPlain: Find): Blas["threads"] {
  const pair = (getter: ForeignFunction | undefined, setter: ForeignFunction | undefined, isWide = false): Blas["threads"] =>
    getter && setter ? { get: () => Number(getter()), set: (threads) => { setter(isWide ? BigInt(threads) : threads); } } : null;
  const set = find("openblas_set_num_threads", "void", ["i32"]);
  // OpenMP has a number for each thread, of which the library's own knows nothing.
  const hasOpenMp = find("openblas_get_parallel", "i32", [])?.() === 2;
  return (hasOpenMp ? pair(findPlain("omp_get_max_threads", "i32", []), set) : null) ??
    pair(find("openblas_get_num_threads", "i32", []), find("openblas_set_num_threads_local", "void", ["i32"]) ?? set) ??
    pair(find("bli_thread_get_num_threads", "i64", []), find("bli_thread_set_num_threads", "void", ["i64"]), true) ??
    pair(find("MKL_Get_Max_Threads", "i32", []), find("MKL_Set_Num_Threads_Local", "i32", ["i32"]));
}
