/** Kernels as functions in one table: generated when a plan first needs them, several at a time in one module. */

import { kernelById, kernelGeneration } from "../../kernels/kernel.ts";
import { F32, I32, ModuleBuilder } from "./assembler.ts";
import { emitRunner } from "./fork.ts";
import { kindOf } from "./kinds.ts";
import { productScratchBytes } from "./product.ts";
import { importMath, mathImports } from "./vector-math.ts";

/** Does the engine have relaxed SIMD, and in it the fused multiply-add? */
export function hasRelaxedSimd(): boolean {
  const module = new ModuleBuilder();
  module.function(null, 0, (f) => { f.f32x4(0).f32x4(0).f32x4Madd(true, () => f.f32x4(0)).drop(); });
  return WebAssembly.validate(module.complete());
}

/** Scratch memory of a thread: a vector for each operand of a map, then the panels of the product. */
const MAP_SCRATCH_BYTES = 16 * 64;
export const scratchBytes = MAP_SCRATCH_BYTES + productScratchBytes;

/** What kernels ask of the host, by the address of the launch that asks. A function of the host is called with so many operands. */
export interface HostCalls {
  fault(launch: number, value: number, limit: number): void;
  host(launch: number, operands: number): void;
  /** Waits until the workers may be done. */
  wait(): void;
}

/** What engines keep of a module beside its code, by measurement: Node takes some 20 kB for one kernel, and ten times its bytes. */
const MODULE_BYTES = 16_384;
const CODE_FACTOR = 10;

/** A module, and how long the table is with it. What it exports by numbers is put there. */
export interface TableModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: number;
}

export class KernelTable {
  table!: WebAssembly.Table;
  /** How many places are taken. The first is the fork's. */
  used = 0;
  /** Kernel id -> place in the table, if the kernel has been generated. */
  private readonly places: number[] = [];
  generation = -1;
  /** What the engine keeps of all kernels, by estimate. */
  bytes = 0;
  /** Runs the launches from one address to another. */
  run!: (from: number, to: number) => void;

  /**
   * @param env what modules import: the memory, the address of `scratchBytes` bytes, what kernels ask of the host
   * @param onModule is told of every module, so that other threads can have it too
   */
  constructor(
    readonly env: HostCalls & { readonly memory: WebAssembly.Memory; readonly scratch: number },
    readonly isShared: boolean,
    private readonly fused: boolean,
    private readonly onModule: (module: TableModule) => void,
  ) {}

  /**
   * Begins anew where the ids of kernels have been forgotten, in a table of its own: engines keep what has ever been in one.
   * @param onForget is told before the first module
   */
  follow(onForget: () => void): void {
    if (this.generation === kernelGeneration()) return;
    onForget();
    this.table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
    this.places.length = 0;
    this.used = 1;
    this.run = this.instantiate(emitRunner(this.isShared), 1).run as KernelTable["run"];
    this.bytes = 0;
    this.generation = kernelGeneration(); // last: where memory ends before, it is begun again
  }

  instantiate(bytes: Uint8Array<ArrayBuffer>, places: number): WebAssembly.Exports {
    const env = { load: () => {}, ...mathImports, ...this.env, table: this.table };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
    this.onModule({ bytes, places });
    this.bytes += MODULE_BYTES + CODE_FACTOR * bytes.length;
    return exports;
  }

  /** The place of a kernel that `ensure` has seen. */
  place(kernelId: number): number { return this.places[kernelId]; }

  has(kernelId: number): boolean { return this.places[kernelId] !== undefined; }

  /** Generates the kernels that are missing. */
  ensure(ids: ReadonlySet<number>): void {
    const module = new ModuleBuilder();
    const surroundings = {
      fused: this.fused, scratch: MAP_SCRATCH_BYTES,
      math: importMath(module),
      fault: module.importFunction("fault", [I32, F32, I32]),
      host: module.importFunction("host", [I32, I32]),
    };
    module.importMemory("memory", this.isShared);
    module.importScratch("scratch");
    // Exported and put into the table from outside: each instance that imports a table keeps a copy of it in older engines.
    let place = this.used;
    for (const id of ids) {
      const kernel = kernelById(id);
      kindOf(kernel).emit(module, String(place++), kernel, surroundings);
    }
    while (place > this.table.length) this.table.grow(this.table.length);
    const exports = this.instantiate(module.complete(), place);
    for (const id of ids) {
      this.table.set(this.used, exports[this.used] as () => void);
      this.places[id] = this.used++;
    }
  }
}
