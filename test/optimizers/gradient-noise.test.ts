import { afterEach, describe, expect, it } from "vitest";
import {
  type DeviceName, GradientDescent, GradientNoise, grad, input, memory, parameter, Random, seed, setDevice, ValueError, zeros,
} from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

/** One update of zeros with gradient 0 and learning rate 1: minus the noise. */
function noise(n: number, optimizerOf: (θ: ReturnType<typeof parameter>) => GradientDescent, updates = 1): Float64Array {
  const θ = parameter(zeros([n]));
  const optimizer = optimizerOf(θ);
  for (let i = 0; i < updates; i++) {
    θ.assign(zeros([n]));
    grad(() => θ.mul(0).sum());
    optimizer.update();
  }
  return Float64Array.from(θ.data, (x) => -x);
}

describe("GradientNoise", () => {
  it("has the variance η / (1 + t)^γ", () => {
    const { deviation } = { deviation: (t: number) => new GradientNoise({ eta: 0.3 }).deviation(t) };
    expect(deviation(0) ** 2).toBeCloseTo(0.3, 14);
    expect(deviation(9) ** 2).toBeCloseTo(0.3 / 10 ** 0.55, 14);
    expect(new GradientNoise({ eta: 2, gamma: 1 }).deviation(3) ** 2).toBeCloseTo(0.5, 14);
  });

  it.each(["reference", "wasm"] as DeviceName[])("is Box–Muller on the stream of its generator, on %s", (device) => {
    setDevice(device);
    const n = 7;
    const found = noise(n, (θ) => new GradientDescent(θ, { learningRate: 1, noise: new GradientNoise({ eta: 0.25, random: new Random(5) }) }));
    // Each array takes whole blocks of four words: 7 numbers take 8 words.
    const words = new Random(5).uniformArray(16);
    for (let i = 0; i < n; i++) {
      const normal = Math.sqrt(-2 * Math.log(1 - words[i])) * Math.cos(2 * Math.PI * words[8 + i]);
      // float32: the angle of up to 2π is rounded by 2^-22, so the cosine by 2.4e-7, times at most 5.8 · 0.5.
      expect(Math.abs(found[i] - 0.5 * normal)).toBeLessThan(device === "wasm" ? 1e-6 : 1e-12);
    }
  });

  it("is normal, and its variance falls from update to update", () => {
    const n = 40_000;
    for (const [updates, variance] of [[1, 0.3], [4, 0.3 / 4 ** 0.55]]) {
      const found = noise(n, (θ) => new GradientDescent(θ, { learningRate: 1, noise: new GradientNoise({ eta: 0.3, random: new Random(updates) }) }), updates);
      const mean = found.reduce((a, b) => a + b) / n;
      const square = found.reduce((a, b) => a + b * b, 0) / n;
      const fourth = found.reduce((a, b) => a + b ** 4, 0) / n;
      // Five standard errors: of the mean √(σ²/n), of the variance σ²·√(2/n), of the fourth moment σ⁴·√(96/n).
      expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(variance / n));
      expect(Math.abs(square / variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
      expect(Math.abs(fourth / variance ** 2 - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    }
  });

  it("comes from the default generator unless it has its own, and differs between entries, parameters and updates", () => {
    const draw = () => {
      seed(11);
      return noise(6, (θ) => new GradientDescent(θ, { learningRate: 1, noise: new GradientNoise({ eta: 1 }) }), 2);
    };
    const first = draw();
    expect(draw()).toEqual(first);
    expect(new Set(first).size).toBe(6);
    const [a, b] = [parameter(zeros([3])), parameter(zeros([3]))];
    const optimizer = new GradientDescent([a, b], { learningRate: 1, noise: new GradientNoise({ eta: 1, random: new Random(1) }) });
    grad(() => a.add(b).mul(0).sum());
    optimizer.update();
    expect(a.toArray()).not.toEqual(b.toArray());
  });

  it("is added after clipping", () => {
    const found =
      noise(1000, (θ) => new GradientDescent(θ, { learningRate: 1, clip: { norm: 1e-3 }, noise: new GradientNoise({ eta: 1, random: new Random(2) }) }));
    expect(Math.hypot(...found)).toBeGreaterThan(20); // about √1000
    const θ = parameter([0, 0]);
    const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { value: 1 }, noise: new GradientNoise({ eta: 0 }) });
    grad(() => θ.mul(input([5, -5])).sum());
    optimizer.update();
    expect(θ.toArray()).toEqual([-1, 1]);
  });

  it("runs one plan", () => {
    const θ = parameter(zeros([5]));
    const optimizer = new GradientDescent(θ, { learningRate: 0.1, noise: new GradientNoise({ eta: 1 }) });
    const update = () => {
      grad(() => θ.mul(θ).sum());
      optimizer.update();
    };
    for (let i = 0; i < 5; i++) update();
    const { plans } = memory();
    for (let i = 0; i < 10; i++) update();
    expect(memory().plans).toBe(plans);
  });

  it("refuses what is no variance or generator", () => {
    expect(() => new GradientNoise({ eta: -1 })).toThrow(ValueError);
    expect(() => new GradientNoise({ eta: 1, gamma: NaN })).toThrow(ValueError);
    expect(() => new GradientNoise({ eta: 1, random: Math.random as unknown as Random })).toThrow(ValueError);
    expect(() => new GradientNoise(undefined as unknown as { eta: number })).toThrow(ValueError);
    expect(() => new GradientDescent(parameter([1]), { learningRate: 1, noise: { eta: 1 } as unknown as GradientNoise })).toThrow(ValueError);
  });
});
