/** What the webgpu device does on a page, in a window or a worker, beyond training: looks, faults, losses, many steps. Bundled from the sources. */

import {
  Adam, cost, DeviceError, evaluate, evaluateAsync, grad, input, matmul, MemoryError, memory, minimizeAsync, parameter, randn, seed, setDevice, sigmoid,
  type Variable, zeros,
} from "flimsy-ml";
import { explain } from "flimsy-ml/explain";
import { currentDevice } from "../../../src/devices/current.ts";
import type { WebGpuDevice } from "../../../src/devices/webgpu/webgpu.ts";
import { told } from "./told.ts";

const caught = async (body: () => unknown): Promise<unknown> => {
  try {
    await body();
  } catch (error) {
    return error;
  }
  return null;
};

/** Newton's method for √2, until it stands still. */
function root(): Variable {
  const x = input(2);
  let y: Variable = x;
  for (let last = Infinity; y.item() < last; ) {
    last = y.item();
    y = y.add(x.div(y)).mul(0.5);
  }
  return y;
}

const bits = [1, 0, 1, 1, 0, 0, 1, 0];
const parities = bits.map((_, t) => bits.slice(0, t + 1).reduce((a, b) => a ^ b));

/** Sequential XOR by a small recurrent net. Looks stop a sequence where the loss has grown too large. */
async function xor(steps: number, canWait: boolean): Promise<number[]> {
  seed(5);
  const [w, u, b] = [parameter(randn([8, 8]).mul(0.5)), parameter(randn([8])), parameter(zeros([8]))];
  const [v, c] = [parameter(randn([1, 8])), parameter(zeros([1]))];
  const optimizer = new Adam([w, u, b, v, c], { learningRate: 0.02 });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const f = (): Variable => {
      let [h, total]: Variable[] = [input(zeros([8])), input(0)];
      for (let t = 0; t < bits.length; t++) {
        h = matmul(w, h).add(u.mul(bits[t])).add(b).tanh();
        total = total.add(cost.bernoulliCrossEntropy(sigmoid(matmul(v, h).add(c)), [parities[t]]));
        if (total.item() > 100) break;
      }
      return total;
    };
    losses.push((canWait ? optimizer.minimize(f) : await minimizeAsync(optimizer, f)).item());
  }
  return losses;
}

/** Too much for the device. Afterwards it goes on. */
async function overfull(): Promise<{ isMemoryError: boolean; message: string; after: number[] }> {
  const w = parameter([1, 2]);
  const much = Math.floor((currentDevice() as WebGpuDevice).limits.heap / 4 / 1.5);
  const error = await caught(() => evaluate(() => zeros([much]).add(w.sum()).exp().sub(zeros([much]).mul(w.sum()))));
  return { isMemoryError: error instanceof MemoryError, message: String(error), after: Array.from(await w.mul(2).read()) };
}

declare const gc: () => void;
/** What nobody holds goes in a turn of the event loop. */
async function collected(): Promise<object> {
  for (let turn = 0; turn < 3; turn++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve));
  }
  return memory();
}

async function manySteps(steps: number): Promise<{ before: object; after: object; seconds: number }> {
  seed(3);
  const [w, x] = [parameter(randn([8, 8])), randn([16, 8])];
  const optimizer = new Adam(w, { learningRate: 0.001 });
  const run = async (count: number): Promise<void> => {
    for (let step = 1; step <= count; step++) {
      const loss = optimizer.minimize(() => matmul(x, w).pow(2).mean());
      if (step % 100 === 0 || step === count) await loss.read();
    }
  };
  await run(20);
  const before = await collected();
  const start = performance.now();
  await run(steps);
  const seconds = (performance.now() - start) / 1000;
  return { before, after: await collected(), seconds };
}

/** The GPU goes. What has been saved is restored on another one. */
async function lost(): Promise<{ reason: string | null; message: string; again: number[]; isAnother: boolean }> {
  const device = currentDevice() as WebGpuDevice;
  const w = parameter([1, 2]);
  const loss = grad(() => w.mul(w).sum());
  await loss.read();
  device.destroy();
  const error = await caught(() => w.grad?.read());
  await setDevice("webgpu");
  w.clearGrad();
  const again = grad(() => w.mul(w).sum());
  return {
    reason: error instanceof DeviceError ? error.reason : null, message: String(error), again: [...await again.read(), ...await (w.grad as Variable).read()],
    isAnother: currentDevice() !== device,
  };
}

/** Why launches are not measured, or null; and whether what they take are numbers. */
function explained(): { unmeasured: string | null | undefined; areNumbers: boolean } {
  const w = parameter(randn([8, 8]));
  const { gpu, steps } = explain(() => grad(() => matmul(w, w).sum()), { runs: 2 });
  return { unmeasured: gpu?.unmeasured, areNumbers: steps[0].launches.every(({ measured }) => measured >= 0) };
}

told(async () => {
  await setDevice("webgpu");
  const { canWait } = (currentDevice() as WebGpuDevice).later;
  const refusal = await caught(() => evaluate(root));
  return {
    isolated: crossOriginIsolated, canWait,
    refusal: refusal instanceof DeviceError ? refusal.reason : refusal === null ? null : String(refusal),
    root: (canWait ? evaluate(root) : await evaluateAsync(root)).item(),
    losses: await xor(30, canWait),
    explained: explained(),
    overfull: await overfull(),
    many: await manySteps(Number(new URL(import.meta.url).searchParams.get("steps"))),
    lost: await lost(),
  };
});
