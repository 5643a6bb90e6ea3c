/** Gradients of tables by the rows that were looked up are those of the whole table, to the bit. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { currentDevice } from "../../src/devices/current.ts";
import type { Program } from "../../src/devices/device.ts";
import { workOf } from "../../src/explain/work.ts";
import {
  Adam, checkGradients, debug, embed, GradientDescent, GradientNoise, gather, grad, gradients, input, linear, memory, Momentum, mul, type Optimizer,
  type Parameter, parameter, Random, setDevice, state, type Variable, ValueError,
} from "../../src/index.ts";
import { kernelById } from "../../src/kernels/kernel.ts";

/** A table that is large enough for gradients by rows; of another one like it `gather` makes gradients as a whole. */
const SIZE = 2 ** 16;
const table = (inner: number, random: Random, rows = Math.ceil(SIZE / inner) + 3): Float32Array =>
  Float32Array.from({ length: rows * inner }, () => random.uniform() - 0.5);

type Values = Variable["data"];
/** Compares all bits, at once: a table is long. */
const isEqual = (a: Values, b: Values): boolean => Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;
const isSame = (a: Variable | null, b: Variable | null): boolean => a === b || (a !== null && b !== null && isEqual(a.data, b.data));
const total = (x: Variable | null): number => [...(x as Variable).data].reduce((a, b) => a + b);

/** The bytes that launches read and write, each array once. */
function bytesOf(step: () => unknown): number {
  const device = currentDevice();
  const { run } = device;
  let bytes = 0;
  device.run = (executable, ...rest) => {
    const { words } = (executable as unknown as { program: Program }).program;
    for (let at = 0; at < words.length; at += words[at + 1]) bytes += workOf(kernelById(words[at]), words, at).bytes;
    return run.call(device, executable, ...rest);
  };
  try {
    step();
  } finally {
    device.run = run;
  }
  return bytes;
}

const optimizers: Record<string, (of: readonly Parameter[]) => Optimizer> = {
  "gradient descent": (of) => new GradientDescent(of, { learningRate: 0.1 }),
  "gradient descent, entries bounded": (of) => new GradientDescent(of, { learningRate: 0.1, clip: { value: 0.01 } }),
  "gradient descent, norm bounded": (of) => new GradientDescent(of, { learningRate: 0.1, clip: { norm: 0.01 } }),
  "gradient descent with noise": (of) => new GradientDescent(of, { learningRate: 0.1, noise: new GradientNoise({ eta: 0.1, random: new Random(3) }) }),
  "a rule that moves all rows": (of) => new Momentum(of, { learningRate: 0.1 }),
};

describe.each(["wasm", "reference"] as const)("on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => {
    debug({ checkNumerics: false, eager: false });
    setDevice("wasm");
  });

  const programs = device === "wasm" ? 4 : 2; // the reference device is slow
  describe.each(Object.keys(optimizers))("%s", (name) => {
    it.each(["plain", "checkNumerics", "eager"] as const)("leaves the same bits, whatever a program does (%s)", (mode) => {
      if (mode !== "plain") debug({ [mode]: true });
      const random = new Random(7);
      const any = <T>(...of: readonly T[]): T => of[Math.floor(random.uniform() * of.length)];
      for (let program = 0; program < (mode === "plain" ? programs : 1); program++) {
        const inner = any(1, 3, 8);
        const data = table(inner, random);
        const rows = data.length / inner;
        const shape = inner === 8 ? any([rows, 8], [rows, 2, 4]) : inner === 1 ? [rows] : [rows, inner];
        const [a, b] = [parameter(data, shape), parameter(data, shape)];
        const [p, q] = [parameter(0.3), parameter(0.3)];
        const pairs = [[a, p, optimizers[name]([a, p]), embed], [b, q, optimizers[name]([b, q]), gather]] as const;
        for (let step = 0; step < 12; step++) {
          const [what, isComputed, isUsedAsAWhole, isLookedAt, range] = [random.uniform(), any(0, 1), any(0, 0, 0, 1), any(0, 0, 1), any(3, rows)];
          if (what < 0.1) for (const [w] of pairs) w.clearGrad();
          else if (what < 0.4) for (const [, , optimizer] of pairs) optimizer.update();
          else {
            const lists = any([5], [1, 300], [64, 7, 600]).map((n) => Float32Array.from({ length: n }, () => Math.floor(random.uniform() * range)));
            for (const [w, scale, , look] of pairs) {
              grad(() => lists.reduce((total: Variable, list, i) => {
                const x = look(w, isComputed === 1 ? input(list).add(0) : i === 0 ? list : input(list, [1, list.length]));
                const next = total.add(mul(x, x).mul(scale).sum());
                if (isLookedAt === 1) next.item();
                return next;
              }, isUsedAsAWhole === 1 ? mul(w, w).sum() : scale.mul(2)));
            }
          }
          if (step % 3 === 0) expect(isSame(a.grad, b.grad)).toBe(true);
        }
        expect(isSame(a, b)).toBe(true);
        expect(p.data).toEqual(q.data);
      }
    });
  });

  it("takes time and memory in proportion to the rows that are looked up", () => {
    const w = parameter(table(32, new Random(1), 20_000), [20_000, 32]);
    const optimizer = new GradientDescent(w, { learningRate: 0.1 });
    const step = (): void => {
      grad(() => embed(w, Float32Array.from({ length: 100 }, (_, i) => (i * 7919) % 20_000)).sum());
      optimizer.update();
    };
    const before = memory().gradients;
    // Some ten arrays of 100 rows, against one of 20,000: the update begins as a copy of the table that is none.
    for (let run = 0; run < 5; run++) expect(bytesOf(step)).toBeLessThan(40 * 100 * 32 * 4);
    expect(memory().gradients - before).toBeLessThan(w.size);
  });

  it("adds up look-ups of one table as they come: sequences, of one element each", () => {
    const random = new Random(5);
    const data = table(8, random);
    const rows = data.length / 8;
    const [a, b, m] = [parameter(data, [rows, 8]), parameter(data, [rows, 8]), input(table(8, random, 8), [8, 8])];
    for (const members of [1, 40]) {
      for (let run = 0; run < 5; run++) {
        const numbers = Array.from({ length: members }, () => Array.from({ length: 12 }, () => Math.floor(random.uniform() * 20)));
        const of = (w: Parameter, look: (w: Variable, index: number) => Variable): void => {
          grad(() => numbers.map((list) => list.reduce((h: Variable, i) => linear(m, h).add(look(w, i)).tanh(), look(w, 0)).sum()).reduce((s, x) => s.add(x)));
        };
        of(a, embed);
        of(b, gather);
        expect(isSame(a.grad, b.grad)).toBe(true);
        for (const w of [a, b]) w.clearGrad();
      }
    }
  });

  it("changes nothing where a step fails", () => {
    const w = parameter(table(4, new Random(2)), [SIZE / 4 + 3, 4]);
    const optimizer = new GradientDescent(w, { learningRate: 0.1 });
    const step = (last: number): void => { grad(() => mul(embed(w, input([1, 2, 2, last]).add(0)), 2).sum()); };
    step(5);
    optimizer.update();
    step(6);
    const gradientOf = () => (w.grad as Variable).data;
    const [value, gradient] = [w.data, gradientOf()];
    for (const last of [-1, SIZE, 0.5]) expect(() => step(last)).toThrow(ValueError);
    expect([isEqual(w.data, value), isEqual(gradientOf(), gradient)]).toEqual([true, true]);
    step(6);
    expect(isEqual(gradientOf(), gradient.map((x) => 2 * x))).toBe(true);
  });

  it("gives gradients that are right, and can be differentiated", () => {
    const w = parameter(table(64, new Random(3), 256), [256, 64]);
    const f = (): Variable => { const x = embed(w, [3, 200, 3]); return mul(mul(x, x), x).sum(); };
    expect(checkGradients(f, new Map([["w", w]]), { maxEntries: 60 }).ok).toBe(true);
    // Of 3 twice: 2·w³, so 6·w² and 12·w.
    const second = gradients(() => gather(gradients(f, [w])[0], [3]).sum(), [w])[0];
    const slope = device === "wasm" ? 5 : 10;
    expect(second.data[3 * 64 + 5]).toBeCloseTo(12 * w.data[3 * 64 + 5], slope);
    expect(second.data[200 * 64 + 5]).toBe(0);
  });

  it("is nothing of an empty list of rows", () => {
    const w = parameter(table(4, new Random(2)), [SIZE / 4 + 3, 4]);
    const before = w.data;
    const optimizer = new GradientDescent(w, { learningRate: 0.1 });
    for (let run = 0; run < 2; run++) {
      grad(() => embed(w, []).sum());
      expect(w.grad?.data.every((x) => x === 0)).toBe(true);
      grad(() => embed(w, []).sum());
      optimizer.update();
    }
    expect(isEqual(w.data, before)).toBe(true);
  });

  it("moves with its parameter from device to device", () => {
    const w = parameter(table(4, new Random(2)), [SIZE / 4 + 3, 4]);
    const before = w.data[5 * 4 + 1];
    grad(() => embed(w, [5]).sum());
    setDevice(device === "wasm" ? "reference" : "wasm");
    grad(() => embed(w, [5, 6]).sum());
    expect(w.grad?.data[5 * 4 + 1]).toBe(2);
    new GradientDescent(w, { learningRate: 0.25 }).update();
    expect(w.data[5 * 4 + 1]).toBe(Math.fround(before - 0.5));
  });

  it("is a gradient like others for those who keep it", () => {
    const w = parameter(table(4, new Random(2)), [SIZE / 4 + 3, 4]);
    const sums = state(new Float32Array(w.size), w.shape);
    for (const i of [5, 6]) grad(() => embed(w, i).sum());
    grad(() => {
      sums.assign(sums.add(w.grad as Variable)); // as it was before the step
      return embed(w, 7).sum();
    });
    expect(total(sums)).toBe(8);
    expect(total(w.grad)).toBe(12);
    const optimizer = new Adam(w);
    optimizer.update();
    expect(w.grad).toBeNull();
    expect(optimizer.slotsOf(w).firstMoment.data.filter((x) => x !== 0)).toHaveLength(12);
  });
});
