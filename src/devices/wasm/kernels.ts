/** Kernels as functions in one table: generated when a plan first needs them, several at a time in one module. */

import { type Kernel, kernelById } from "../../kernels/kernel.ts";
import { F32, I32, ModuleBuilder } from "./assembler.ts";
import { writeMap } from "./emit-map.ts";
import { writeColumns, writeCopy, writeGather, writeScatterAdd } from "./emit-move.ts";
import { writeRandom } from "./emit-random.ts";
import { writeRow } from "./emit-row.ts";
import { emitRunner } from "./fork.ts";
import { emitProduct, productScratchBytes } from "./product.ts";
import { importMath, mathImports, VectorMath } from "./vector-math.ts";

/** Does the engine have relaxed SIMD, and in it the fused multiply-add? */
export function hasRelaxedSimd(): boolean {
  const module = new ModuleBuilder();
  module.function(null, [], [], (f) => { f.f32x4(0).f32x4(0).f32x4Madd(true, () => f.f32x4(0)).drop(); });
  return WebAssembly.validate(module.finish());
}

/** Scratch memory of a thread: a vector for each operand of a map, then the panels of the product. */
const MAP_SCRATCH_BYTES = 16 * 64;
export const scratchBytes = MAP_SCRATCH_BYTES + productScratchBytes;

/** What kernels ask of the host, by the address of the launch that asks. */
export interface HostCalls {
  fault(launch: number, value: number, limit: number): void;
  host(launch: number): void;
  /** Waits until the workers may be done. */
  wait(): void;
}

/** A module, and how long the table is with it. */
export interface TableModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly places: number;
}

export class KernelTable {
  private readonly table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
  /** How many places are taken. The first is the fork's. */
  private used = 1;
  /** Kernel id -> place in the table, −1 where the kernel has not been generated. */
  private places = new Int32Array(256).fill(-1);
  private readonly imports: WebAssembly.Imports;
  /** Runs the launches from one address to another. */
  readonly run: (from: number, to: number) => void;

  /**
   * @param scratch the address of `scratchBytes` bytes
   * @param onModule is told of every module, so that other threads can have it too
   */
  constructor(
    memory: WebAssembly.Memory,
    private readonly isShared: boolean,
    calls: HostCalls,
    scratch: number,
    private readonly fused: boolean,
    private readonly onModule: (module: TableModule) => void,
  ) {
    this.imports = { env: { memory, table: this.table, scratch, load: () => {}, ...mathImports, ...calls } };
    this.run = this.instantiate(emitRunner(isShared), 1).run as KernelTable["run"];
  }

  private instantiate(bytes: Uint8Array<ArrayBuffer>, places: number): WebAssembly.Exports {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), this.imports);
    this.onModule({ bytes, places });
    return exports;
  }

  /** The place of a kernel that `ensure` has seen. */
  place(kernelId: number): number { return this.places[kernelId]; }

  has(kernelId: number): boolean { return kernelId < this.places.length && this.places[kernelId] >= 0; }

  /** Generates the kernels that are missing. */
  ensure(ids: ReadonlySet<number>): void {
    const module = new ModuleBuilder();
    const imports = {
      math: importMath(module),
      fault: module.importFunction("fault", [I32, F32, I32]),
      host: module.importFunction("host", [I32]),
    };
    module.importMemory("memory", this.isShared);
    module.importTable("table");
    module.importScratch("scratch");
    module.fillTable(this.used, Array.from(ids, (id) => this.emit(module, kernelById(id), imports)));
    const places = this.used + ids.size;
    while (places > this.table.length) this.table.grow(this.table.length);
    this.instantiate(module.finish(), places);
    for (const id of ids) {
      while (id >= this.places.length) {
        const larger = new Int32Array(this.places.length * 2).fill(-1);
        larger.set(this.places);
        this.places = larger;
      }
      this.places[id] = this.used++;
    }
  }

  private emit(module: ModuleBuilder, kernel: Kernel, imports: { math: ReturnType<typeof importMath>; fault: number; host: number }): number {
    const { fused } = this;
    if (kernel.kind === "product") return emitProduct(module, null, { fused, scratch: MAP_SCRATCH_BYTES });
    return module.function(null, [I32], [], (f) => {
      switch (kernel.kind) {
        case "map": return writeMap(f, new VectorMath(f, fused, imports.math), kernel);
        case "row": return writeRow(f, new VectorMath(f, fused, imports.math), kernel);
        case "columns": return writeColumns(f, kernel);
        case "copy": return writeCopy(f, kernel);
        case "gather": return writeGather(f, imports.fault);
        case "scatterAdd": return writeScatterAdd(f, imports.fault);
        case "random": return writeRandom(f);
        case "host": return void f.get(0).call(imports.host);
      }
    });
  }
}
