/** What a report says of a GPU: how fast it is, what it has been asked for, and whether a step is worth it. */

import type { Device, Dispatching, Executable } from "../devices/device.ts";
import { evaluate } from "../engine/grad.ts";
import { watch } from "../engine/switches.ts";
import type { Variable } from "../engine/variable.ts";
import type { Work } from "../kernels/work.ts";
import { full } from "../operations/creation.ts";
import { matmul } from "../operations/product.ts";
import { bytes, count, micro } from "./table.ts";
import { estimate, type Machine, processor } from "./work.ts";

/** What a GPU has been asked for by the last call, and what its launches are estimated by. */
export interface GpuReport {
  /** What the adapter calls itself. */
  readonly adapter: string;
  /** How often commands have been submitted, and numbers read: a read waits until all before it has been done. */
  readonly submits: number;
  readonly reads: number;
  /** Bytes that have been written to it and read from it. */
  readonly bytesWritten: number;
  readonly bytesRead: number;
  /** Operations a second in large products, bytes a second in large elementwise launches, and milliseconds for a dispatch that does next to nothing. */
  readonly flops: number;
  readonly bandwidth: number;
  readonly dispatch: number;
  /** Why these are not this adapter's but those of an integrated GPU, and launches not measured; null where all has been measured. */
  readonly unmeasured: string | null;
}

/** An integrated GPU of these years. */
const integrated: Machine = { flop: 1 / 1e12, byte: 1 / 60e9, launch: 5e-6 };

/** Seconds that are long, also for a clock that ticks every 0.1 ms. */
const LONG = 0.001;

/** The least seconds that a launch of a step takes. */
function least(f: () => Variable): number {
  let found = Infinity;
  for (let run = 0; run < 3; run++) watch(({ times }) => { found = Math.min(found, ...times); }, () => { evaluate(f); });
  return found / 1000;
}

/** Seconds for each unit of what a launch does, by the first size at which it takes long. */
function perUnit(sizes: readonly number[], unitsOf: (size: number) => number, launchOf: (size: number) => () => Variable): number {
  let found = 0;
  for (const size of sizes) {
    const seconds = least(launchOf(size));
    found = seconds / unitsOf(size);
    if (seconds >= LONG) break;
  }
  return found;
}

function measure(): Machine {
  const products = perUnit([64, 128, 256, 512, 1024, 2048], (n) => 2 * n ** 3, (n) => {
    const a = full([n, n], 1);
    return () => matmul(a, a);
  });
  const maps = perUnit([2 ** 14, 2 ** 16, 2 ** 18, 2 ** 20, 2 ** 22], (n) => 8 * n, (n) => {
    const x = full([n], 1);
    return () => x.add(1);
  });
  const small = full([2, 2], 0.5);
  // One after another: before the first one a GPU may have slept.
  const launch = least(() => {
    let x = small;
    for (let i = 0; i < 32; i++) x = matmul(small, x);
    return x;
  });
  // What takes no time by a clock that ticks too seldom is not known.
  return { flop: products || integrated.flop, byte: maps || integrated.byte, launch: launch || integrated.launch };
}

const machines = new WeakMap<Dispatching, Machine>();

/** The GPU that steps run on while they are reported on. */
export class Gpu {
  private begun: Dispatching["traffic"];

  private constructor(private readonly asked: Dispatching, private readonly unmeasured: string | null, readonly machine: Machine) {
    this.begun = { ...asked.traffic };
  }

  /** The one that a device is, and how fast it is, which is measured when first asked for; null for a processor. */
  static of({ later }: Device): Gpu | null {
    const asked = later?.dispatching;
    if (later === null || asked === undefined) return null;
    if (!later.canWait) return new Gpu(asked, "nothing can wait here for what it says", integrated);
    if (!asked.hasClock) return new Gpu(asked, "it has no clock (timestamp-query)", integrated);
    const machine = machines.get(asked) ?? measure();
    machines.set(asked, machine);
    return new Gpu(asked, null, machine);
  }

  /** A call begins, of which `report` tells. */
  begin(): void { this.begun = { ...this.asked.traffic }; }

  /** How many dispatches a run makes; null where that is on another device. */
  dispatchesOf({ later }: Device, executable: Executable): number | null {
    return later?.dispatching === this.asked ? this.asked.dispatchesOf(executable) : null;
  }

  report(): GpuReport {
    const { asked: { adapter, traffic }, begun, unmeasured, machine } = this;
    return {
      adapter, unmeasured, submits: traffic.submits - begun.submits, reads: traffic.reads - begun.reads,
      bytesWritten: traffic.bytesWritten - begun.bytesWritten, bytesRead: traffic.bytesRead - begun.bytesRead,
      flops: 1 / machine.flop, bandwidth: 1 / machine.byte, dispatch: 1000 * machine.launch,
    };
  }
}

/**
 * Whether launches had better run on wasm. Its time is estimated, as the function cannot be run there without moving what it uses.
 * @returns a sentence; none where the GPU takes less
 */
export function sizeNotes(launches: readonly (Work & { readonly measured: number; readonly estimated: number })[], dispatches: number, gpu: Machine): string[] {
  const here = launches.reduce((sum, { measured, estimated }) => sum + (Number.isNaN(measured) ? estimated : measured), 0);
  const there = launches.reduce((sum, launch) => sum + estimate(launch, processor), 0);
  const empty = 1000 * gpu.launch * dispatches;
  if (there >= here && there >= empty) return [];
  return [there < empty
    ? `Too small for a GPU: ${count(dispatches, "dispatch")} of ${micro(1000 * gpu.launch)} µs, ${micro(empty)} µs even if nothing is done; ` +
      `wasm takes ${micro(there)} µs for all, by estimate.`
    : `wasm takes ${micro(there)} µs for this, by estimate: less than this GPU.`];
}

const short = (n: number): string => n.toLocaleString("en-US", { maximumSignificantDigits: 3 });

export function formatGpu({ adapter, unmeasured, submits, reads, bytesWritten, bytesRead, flops, bandwidth, dispatch }: GpuReport): string {
  const rates = `${short(flops / 1e9)} GFLOP/s, ${short(bandwidth / 1e9)} GB/s and ${micro(dispatch)} µs a dispatch`;
  return [
    `${adapter}: in the last call ${count(submits, "submission")} and ${count(reads, "read")}, ` +
      `${bytes(bytesWritten)} written to it, ${bytes(bytesRead)} read from it`,
    unmeasured === null
      ? `  estimated by what large launches and tiny ones take here: ${rates}`
      : `  launches are not measured, as ${unmeasured}; estimated by an integrated GPU: ${rates}`,
  ].join("\n");
}
