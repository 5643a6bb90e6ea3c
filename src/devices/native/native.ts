/**
 * The native device: the wasm device, with larger matrix products computed by a BLAS of this machine, where they lie in its memory. Programs are written as
 * there; a launch for BLAS calls another function of the table, which the workers have too.
 */

import { type FloatArray, kernelById, parametersAt } from "../../kernels/kernel.ts";
import type { Device, Executable, Program } from "../device.ts";
import { FORK, forkHeader } from "../wasm/layout.ts";
import { type WasmBuffer, WasmDevice, type WasmExecutable } from "../wasm/wasm.ts";
import type { Blas } from "./blas.ts";
import { type Call, callFor, cutForBlas, hasSmallKernels } from "./choice.ts";
import { foreignFlags } from "../../support/foreign.ts";
import { addForeignProducts, products } from "./products.ts";
import { prelude } from "./worker.ts";

export class NativeDevice extends WasmDevice {
  override readonly name = "native";
  /** The functions in the table of kernels that call BLAS: their places, and which generation of kernels they are of. */
  private places: { readonly [name in Call]: number } = { gemm: 0, gemv: 0 };
  private generation = -1;
  /** Has it kernels for small products? */
  isQuick: boolean;
  /** Which launches of a program BLAS computes, by their places in its words, and by which call. */
  private readonly launches = new WeakMap<Executable, ReadonlyMap<number, Call>>();

  readonly library: NonNullable<Device["library"]>;

  /** @param which products BLAS computes, of those that it can compute */
  constructor(readonly blas: Blas, public which: "all" | "worth it" | "none" = "worth it") {
    super();
    Object.assign(this.kernels.env, products(this.heap.memory, blas.calls, blas.foreign.addressOf));
    this.team.node.prelude = prelude(blas);
    this.team.node.execArgv.push(...foreignFlags());
    this.isQuick = hasSmallKernels(blas.title);
    this.library = { name: blas.title, computes: (words, at) => this.callOf(words, at) !== null };
  }

  /** What of BLAS computes the launch that is in a program's words from `at` on. */
  private callOf(words: Int32Array, at: number): Call | null {
    if (this.which === "none" || kernelById(words[at]).kind !== "product") return null;
    return callFor(words, parametersAt(words, at), this.isQuick, this.which === "all");
  }

  override prepare(program: Program): Executable {
    const { words } = program;
    const executable = super.prepare(program) as WasmExecutable;
    if (this.generation !== this.kernels.generation) {
      this.places = addForeignProducts(this.kernels);
      this.generation = this.kernels.generation;
    }
    const launches = new Map<number, Call>();
    for (let at = 0; at < words.length; at += words[at + 1]) {
      const call = this.callOf(words, at);
      if (call === null) continue;
      launches.set(at, call);
      const cut = executable.cuts.get(at);
      if (cut === undefined) continue;
      const larger = cutForBlas(cut, words, parametersAt(words, at));
      if (larger === null) executable.cuts.delete(at);
      else executable.cuts.set(at, larger);
    }
    if (launches.size > 0) this.launches.set(executable, launches);
    return executable;
  }

  protected override encode(executable: WasmExecutable, arena: number, buffers: readonly WasmBuffer[]): void {
    super.encode(executable, arena, buffers);
    const launches = this.launches.get(executable);
    if (launches === undefined) return;
    const { program: { words }, cuts } = executable;
    const { i32 } = this.heap;
    for (let at = 0, to = executable.address / 4; at < words.length; at += words[at + 1]) {
      const call = launches.get(at);
      for (let parts = cuts.get(at)?.parts ?? 1; parts > 0; parts--) {
        if (i32[to] === FORK) to += forkHeader(i32[to + 2]) / 4;
        if (call !== undefined) i32[to] = this.places[call];
        to += i32[to + 1] / 4;
      }
    }
  }

  /** BLAS computes a part with one thread: else who computes it would matter for the bits. What the program has set is set again after each run. */
  override run(
    prepared: Executable, scalars: Float64Array, hosts: readonly FloatArray[], buffers: readonly WasmBuffer[], times: Float64Array | null = null,
  ): number {
    const { threads } = this.blas;
    const before = threads === null || !this.launches.has(prepared) ? 1 : threads.get();
    if (before === 1) return super.run(prepared, scalars, hosts, buffers, times);
    try {
      threads?.set(1);
      return super.run(prepared, scalars, hosts, buffers, times);
    } finally {
      threads?.set(before);
    }
  }
}
