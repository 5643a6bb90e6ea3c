/** The other side of the delaying device: a thread that does what it is asked for in order, each after a random while. */

import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { Device, Program, Region } from "../../src/devices/device.ts";
import { LaunchFault } from "../../src/devices/fault.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import type { Buffer } from "../../src/devices/residency.ts";
import { WasmDevice } from "../../src/devices/wasm/wasm.ts";
import { ColumnsKernel } from "../../src/kernels/columns.ts";
import { CopyKernel } from "../../src/kernels/copy.ts";
import { Expr } from "../../src/kernels/expression.ts";
import { GatherKernel } from "../../src/kernels/gather.ts";
import { HostKernel } from "../../src/kernels/host.ts";
import type { HostArray, HostFunction, Kernel } from "../../src/kernels/kernel.ts";
import { MapKernel } from "../../src/kernels/map.ts";
import { ProductKernel } from "../../src/kernels/product.ts";
import { FixedKernel } from "../../src/kernels/registry.ts";
import { RowKernel } from "../../src/kernels/row.ts";
import { ScanKernel } from "../../src/kernels/scan.ts";
import type { Answer, Asked, HostCall, Place, Settings } from "./delaying-messages.ts";

const { port, calls, shared, delay, seed, inner } = workerData as Settings & { readonly port: MessagePort; readonly calls: MessagePort };
const words = new Int32Array(shared);
const device: Device = inner === "wasm" ? new WasmDevice({ shared: false }) : new ReferenceDevice();

/** Marsaglia's xorshift: delays need no better one. */
let state = seed | 1;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

const never = new Int32Array(new SharedArrayBuffer(4));
function pause(): void {
  const milliseconds = random() < 0.5 ? 0 : delay * 2 * random();
  if (milliseconds > 0) Atomics.wait(never, 0, 0, milliseconds);
}

// -- kernels, which have lost their classes on the way ---------------------------------------------------

const classes: { readonly [K in Kernel["kind"]]: object } = {
  map: MapKernel.prototype, row: RowKernel.prototype, columns: ColumnsKernel.prototype, product: ProductKernel.prototype, copy: CopyKernel.prototype,
  gather: GatherKernel.prototype, scan: ScanKernel.prototype, host: HostKernel.prototype, scatterAdd: FixedKernel.prototype, random: FixedKernel.prototype,
};

function revived(kernel: Kernel): Kernel {
  const revive = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("inputs" in value && "id" in value) Object.setPrototypeOf(value, Expr.prototype as object);
    for (const part of Object.values(value)) revive(part);
  };
  for (const part of Object.values(kernel)) revive(part);
  Object.setPrototypeOf(kernel, classes[kernel.kind]);
  return kernel;
}

// -- what there is -----------------------------------------------------------------------------------------

const buffers = new Map<number, Buffer>();
const programs = new Map<number, ReturnType<Device["prepare"]>>();
const regions = new Map<number, Region>();
/** The run that has failed and has not been reported. */
let failed: Extract<Answer, { kind: "failed" }> | null = null;

const bufferAt = (place: Place): Buffer => {
  if (place.of === "buffer") {
    const buffer = buffers.get(place.id) as Buffer;
    return place.size < 0 ? buffer : device.view(buffer, place.offset, place.size);
  }
  return device.view(regions.get(place.id) as Region, place.offset, place.size);
};

const answer = (message: Answer): void => {
  port.postMessage(message);
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
};

/** Calls a function of the host, which is where the user's program is. */
const callHost = (program: number, place: number): HostFunction => (output: HostArray, ...inputs: HostArray[]) => {
  const asked = Atomics.load(words, 1);
  const copy = (array: HostArray): HostArray => ({ ...array, data: array.data.slice() });
  answer({ kind: "host", program, place, output: copy(output), inputs: inputs.map(copy) });
  Atomics.wait(words, 1, asked);
  const { message } = receiveMessageOnPort(calls) as { message: HostCall };
  if (message === null) throw thrown;
  output.data.set(message);
};

/** Stands for what a function of the host has thrown. */
const thrown = new Error("thrown");

function failure(number: number, error: unknown): Extract<Answer, { kind: "failed" }> {
  if (error instanceof LaunchFault) return { kind: "failed", number, fault: [error.launch, error.reason, error.value, error.limit], error: null };
  return { kind: "failed", number, fault: null, error: error === thrown ? null : (error as Error) };
}

const does: { readonly [K in Asked["kind"]]: (asked: Extract<Asked, { kind: K }>) => void } = {
  allocate: ({ id, size, memory }) => { buffers.set(id, device.allocate(size, memory)); },
  write: ({ id, data }) => { device.write(buffers.get(id) as Buffer, data); },
  free: ({ id }) => {
    buffers.get(id)?.free();
    buffers.delete(id);
  },
  prepare: ({ id, program, kernels, functions }) => {
    const ids = new Map([...kernels].map(([kernel, found]) => [kernel, revived(found).id]));
    const words = program.words.slice();
    for (let at = 0; at < words.length; at += words[at + 1]) words[at] = ids.get(words[at]) as number;
    const made: Program = { ...program, words, functions: Array.from({ length: functions }, (_, place) => callHost(id, place)) };
    programs.set(id, device.prepare(made));
  },
  release: ({ id }) => {
    programs.get(id)?.release();
    programs.delete(id);
  },
  run: ({ number, program, scalars, hosts, bound }) => {
    if (failed !== null) return;
    try {
      regions.set(number, device.run(programs.get(program) as never, scalars, hosts, bound.map(bufferAt)));
      Atomics.store(words, 2, number);
    } catch (error) {
      failed = failure(number, error);
    }
  },
  copy: ({ from, to }) => {
    if (failed !== null) return;
    const target = buffers.get(to) as Buffer;
    const values = device.read(bufferAt(from));
    const whole = device.read(target);
    whole.set(values);
    device.write(target, whole);
  },
  endStep: () => {
    regions.clear();
    device.endStep();
  },
  read: ({ request, place }) => {
    answer(failed !== null ? { ...failed, request } : { kind: "read", request, values: device.read(bufferAt(place)) });
  },
  reset: () => { failed = null; },
};

port.on("message", (asked: Asked) => {
  const isSlow = asked.kind === "run" || asked.kind === "read";
  if (isSlow) pause();
  (does[asked.kind] as (asked: Asked) => void)(asked);
  if (isSlow) pause();
});
