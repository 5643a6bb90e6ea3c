import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Component, GradientDescent, parameter } from "../../src/index.ts";
import { type FitOptions, fit } from "../../src/train/index.ts";
import { crc32c } from "../../src/train/tensorboard.ts";
import { folders } from "./helpers.ts";

const folder = folders();

interface Event {
  step: number;
  time: number;
  version?: string;
  values: Record<string, number>;
  session?: number;
}

/** CRC-32C bit by bit, the polynomial from its highest power. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) for (let bit = 0; bit < 8; bit++) {
    const low = (crc ^ (byte >> bit)) & 1;
    crc = (crc >>> 1) ^ (low === 1 ? 0x82f63b78 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Fields of a protocol buffer message: numbers, and bytes. */
function* fields(bytes: Uint8Array): Generator<[field: number, value: bigint | number | Uint8Array]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) yield [key >> 3, varint()];
    else if (kind === 1) { yield [key >> 3, view.getFloat64(at, true)]; at += 8; }
    else if (kind === 5) { yield [key >> 3, view.getFloat32(at, true)]; at += 4; }
    else if (kind === 2) {
      const length = Number(varint());
      yield [key >> 3, bytes.subarray(at, at + length)];
      at += length;
    } else throw new Error(`wire type ${kind}`);
  }
}

const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);

/** The events of a file, its checksums checked. */
function decode(bytes: Uint8Array): Event[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const check = (from: number, length: number): void => {
    const stored = (view.getUint32(from + length, true) - 0xa282ead8) >>> 0;
    const crc = ((stored << 15) | (stored >>> 17)) >>> 0;
    expect(crc).toBe(slowCrc(bytes.subarray(from, from + length)));
  };
  const events: Event[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    check(at, 8);
    check(at + 12, length);
    const event: Event = { step: 0, time: 0, values: {} };
    for (const [field, value] of fields(bytes.subarray(at + 12, at + 12 + length))) {
      if (field === 1) event.time = value as number;
      if (field === 2) event.step = Number(value);
      if (field === 3) event.version = text(value);
      if (field === 7) event.session = Number([...fields(value as Uint8Array)][0][1]);
      if (field === 5) for (const [, entry] of fields(value as Uint8Array)) {
        const parts = new Map(fields(entry as Uint8Array));
        event.values[text(parts.get(1))] = parts.get(2) as number;
      }
    }
    events.push(event);
    at += 16 + length;
  }
  return events;
}

const read = (where: string): Event[][] => readdirSync(where).sort().map((name) => decode(readFileSync(`${where}/${name}`)));

function train(losses: number[], options: Partial<FitOptions<number>>) {
  class Scalar extends Component { readonly w = parameter(1); }
  const θ = new Scalar();
  return fit(θ, {
    data: losses, cost: (loss) => θ.w.mul(0).add(loss), optimizer: new GradientDescent(θ, { learningRate: 0.5 }), epochs: 1, progress: "none",
    ...options,
  });
}

describe("crc32c", () => {
  // RFC 3720, appendix B.4; and the check value of the catalogue of parametrised CRC algorithms.
  it.each<[string, number[] | Uint8Array, number]>([
    ["32 bytes of zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["32 incrementing bytes", Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ["32 decrementing bytes", Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ["123456789", [...new TextEncoder().encode("123456789")], 0xe3069283],
    ["nothing", [], 0],
  ])("of %s", (_, bytes, crc) => { expect(crc32c(Uint8Array.from(bytes))).toBe(crc); });
});

describe("a TensorBoard event file", () => {
  it("has a version, the steps and the epochs", async () => {
    await train([4, 2], { tensorboard: folder("tb"), validate: () => ({ loss: 1.5, "größe": NaN }) });
    const [events, ...others] = read(folder("tb"));
    expect(others).toEqual([]);
    expect(readdirSync(folder("tb"))[0]).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    expect(events.map(({ step, version, values }) => ({ step, version, values }))).toEqual([
      { step: 0, version: "brain.Event:2", values: {} },
      { step: 1, values: { loss: 4, learningRate: 0.5 } },
      { step: 2, values: { loss: 2, learningRate: 0.5 } },
      { step: 2, values: { "epoch/loss": 3, "validation/loss": 1.5, "validation/größe": NaN } },
    ]);
    for (const { time } of events) expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60);
  });

  it("has steps of more than seven bits, each so many", async () => {
    await train(new Array(400).fill(1), { tensorboard: { folder: folder("tb"), every: 150 } });
    expect(read(folder("tb"))[0].map(({ step }) => step)).toEqual([0, 150, 300, 400]);
  });

  it("voids the steps that a resumed training makes again", async () => {
    const [checkpoint, tensorboard] = [folder("m.safetensors"), folder("tb")];
    await train([1, 2, 3], { tensorboard, checkpoint, onStep: ({ step }) => step < 2 });
    await train([1, 2, 3], { tensorboard, checkpoint: { path: checkpoint, resume: true } });
    const [, second] = read(tensorboard);
    expect(second.map(({ step, session }) => [step, session])).toEqual([[0, undefined], [3, 1], [3, undefined], [3, undefined]]);
  });
});
