/** Kernels as functions in one table: generated when a plan first needs them, several at a time in one module. */

import { type Kernel, kernelById } from "../../kernels/kernel.ts";
import { F32, I32, ModuleBuilder } from "./assembler.ts";
import { writeMap } from "./emit-map.ts";
import { writeColumns, writeCopy, writeGather, writeScatterAdd } from "./emit-move.ts";
import { writeRandom } from "./emit-random.ts";
import { writeRow } from "./emit-row.ts";
import { emitProduct, productScratchBytes } from "./product.ts";
import { importMath, mathImports, VectorMath } from "./vector-math.ts";

/** Does the engine have relaxed SIMD, and in it the fused multiply-add? */
export function hasRelaxedSimd(): boolean {
  const module = new ModuleBuilder();
  module.function(null, [], [], (f) => { f.f32x4(0).f32x4(0).f32x4Madd(true, () => f.f32x4(0)).drop(); });
  return WebAssembly.validate(module.finish());
}

/** Scratch memory of the kernels: a vector for each operand of a map, then the panels of the product. */
const MAP_SCRATCH_BYTES = 16 * 64;
export const scratchBytes = MAP_SCRATCH_BYTES + productScratchBytes;

/** What kernels ask of the host, by the address of the launch that asks. */
export interface HostCalls {
  fault(launch: number, value: number, limit: number): void;
  host(launch: number): void;
}

export class KernelTable {
  private readonly table = new WebAssembly.Table({ element: "anyfunc", initial: 64 });
  private used = 0;
  /** Kernel id -> place in the table, −1 where the kernel has not been generated. */
  private places = new Int32Array(256).fill(-1);
  private readonly imports: WebAssembly.Imports;
  /** Runs the launches from one address to another. */
  readonly run: (from: number, to: number) => void;

  /** @param scratch the address of `scratchBytes` bytes */
  constructor(
    memory: WebAssembly.Memory,
    calls: HostCalls,
    private readonly scratch: number,
    private readonly fused: boolean,
  ) {
    this.imports = { env: { memory, table: this.table, ...mathImports, fault: calls.fault, host: calls.host } };
    const module = new ModuleBuilder();
    module.importMemory("memory");
    module.importTable("table");
    const kernelType = module.type([I32]);
    module.function("run", [I32, I32], [], (f) => {
      f.while(() => f.get(0).get(1).i32LtU(), () => {
        f.get(0).get(0).i32Load().callIndirect(kernelType);
        f.get(0).get(0).i32Load(4).i32Add().set(0);
      });
    });
    this.run = this.instantiate(module).run as (from: number, to: number) => void;
  }

  private instantiate(module: ModuleBuilder): WebAssembly.Exports {
    return new WebAssembly.Instance(new WebAssembly.Module(module.finish()), this.imports).exports;
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
    module.importMemory("memory");
    for (const id of ids) this.emit(module, String(id), kernelById(id), imports);
    const functions = this.instantiate(module);
    for (const id of ids) {
      while (id >= this.places.length) {
        const places = new Int32Array(this.places.length * 2).fill(-1);
        places.set(this.places);
        this.places = places;
      }
      if (this.used === this.table.length) this.table.grow(this.table.length);
      this.table.set(this.used, functions[id] as () => void);
      this.places[id] = this.used++;
    }
  }

  private emit(module: ModuleBuilder, name: string, kernel: Kernel, imports: { math: ReturnType<typeof importMath>; fault: number; host: number }): void {
    const { fused, scratch } = this;
    if (kernel.kind === "product") {
      emitProduct(module, name, { fused, scratch: scratch + MAP_SCRATCH_BYTES });
      return;
    }
    module.function(name, [I32], [], (f) => {
      switch (kernel.kind) {
        case "map": return writeMap(f, new VectorMath(f, fused, imports.math), kernel, scratch);
        case "row": return writeRow(f, new VectorMath(f, fused, imports.math), kernel);
        case "columns": return writeColumns(f, kernel);
        case "copy": return writeCopy(f);
        case "gather": return writeGather(f, imports.fault);
        case "scatterAdd": return writeScatterAdd(f, imports.fault);
        case "random": return writeRandom(f);
        case "host": return void f.get(0).call(imports.host);
      }
    });
  }
}
