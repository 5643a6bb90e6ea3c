import { afterEach, describe, expect, it } from "vitest";
import { Adam, type DeviceName, GradientDescent, grad, input, Momentum, type Parameter, parameter, setDevice, ValueError } from "../../src/index.ts";
import { isOnGpu } from "../device.ts";
import { testOperations } from "../operations/suite.ts";
import { entries } from "../operations/table/clip.ts";

testOperations(entries);

afterEach(() => { setDevice("wasm"); });

/** Gives parameters these gradients, as Σ c·θ does. */
function give(parameters: readonly Parameter[], gradients: readonly (readonly number[])[]): void {
  grad(() => parameters.map((p, i) => p.mul(input(gradients[i] ?? 0)).sum()).reduce((a, b) => a.add(b)));
}

describe.each(["reference", "wasm"] as DeviceName[])("clip on %s", (device) => {
  it("by norm: all gradients together, only where it is exceeded", () => {
    setDevice(device);
    const θ = [parameter([0, 0]), parameter([0])];
    const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: 2 } });
    give(θ, [[3, 0], [4]]);
    optimizer.update();
    expect(θ[0].data[0]).toBeCloseTo(-6 / 5, 6);
    expect(θ[1].data[0]).toBeCloseTo(-8 / 5, 6);
    θ.forEach((p) => { p.assign(p.shape[0] === 2 ? [0, 0] : [0]); });
    give(θ, [[1, 0], [-1]]);
    optimizer.update();
    expect(θ.flatMap((p) => [...p.data])).toEqual([-1, 0, 1]);
  });

  // The largest norms are beyond float32, which ends at 3.4·10³⁸; the smallest are denormal there, with three digits at 10⁻⁴².
  it.each([1e38, 3e37, 1e25, 1e19, 1e10, 1, 1e-10, 1e-22, 1e-30, 1e-38, 1e-42])("by norm, be the gradients of the size of %s", (size) => {
    setDevice(device);
    const slopes = [[3, -1, 0.5, 2].map((x) => Math.fround(x * size)), [-2 * size, 3 * size].map(Math.fround)];
    const norm = Math.hypot(...slopes.flat());
    for (const share of [0.5, 1e-3, 2]) {
      const θ = [parameter([0, 0, 0, 0]), parameter([0, 0])];
      const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: norm * share } });
      give(θ, slopes);
      optimizer.update();
      // Some roundings of 6·10⁻⁸, and of the half of a denormal number where the result is one.
      const least = device === "wasm" ? (isOnGpu ? 2 ** -126 : 2 ** -149) : 0;
      θ.flatMap((p) => [...p.data]).forEach((value, i) => {
        const expected = -slopes.flat()[i] * Math.min(1, share);
        expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected) + least);
      });
    }
  });

  it("by norm, exactly where quotients are exact", () => {
    setDevice(device);
    for (let size = 1; size <= 300; size++) {
      const θ = parameter([0]);
      const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: 1 } });
      give([θ], [[size]]);
      optimizer.update();
      expect(θ.item()).toBe(-1);
    }
  });

  it("by norm, of many entries of which each is small", () => {
    setDevice(device);
    for (const size of [1e-30, 1e36]) {
      const θ = parameter(new Float32Array(10_000));
      const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: size } });
      give([θ], [new Array(10_000).fill(size)]);
      optimizer.update();
      // The norm is 100 times an entry. 10⁴ roundings of 2⁻²⁴ at most.
      for (const value of θ.data) expect(Math.abs(value / (-size / 100) - 1)).toBeLessThan(6e-4);
    }
  });

  // PyTorch 1.13: clip_grad_norm_([[1, x], [2]], 1) for x = NaN and ∞; without a limit of its own it scales by 1 / (norm + 10⁻⁶).
  it("by norm: a NaN reaches all gradients, and an infinity leaves nothing of the others", () => {
    setDevice(device);
    for (const [x, expected] of [[NaN, [NaN, NaN, NaN]], [Infinity, [0, NaN, 0]], [-Infinity, [0, NaN, 0]]] as const) {
      const θ = [parameter([0, 0]), parameter([0])];
      const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: 1 } });
      give(θ, [[1, x], [2]]);
      optimizer.update();
      expect(θ.flatMap((p) => [...p.data].map((value) => value + 0))).toEqual(expected);
    }
  });

  it("by norm: to 0, nothing but empty arrays, a bound that is beyond float32", () => {
    setDevice(device);
    const clipped = (norm: number, slopes: number[]): number[] => {
      const θ = [parameter(slopes.map(() => 0)), parameter([], [0, 2])];
      give(θ, [slopes]);
      new GradientDescent(θ, { learningRate: 1, clip: { norm } }).update();
      return [...θ[0].data].map((value) => value + 0);
    };
    expect(clipped(0, [3, 4])).toEqual([0, 0]);
    expect(clipped(0, [0, 0])).toEqual([0, 0]);
    expect(clipped(1e60, [3, 4])).toEqual([-3, -4]);
    expect(clipped(1, [])).toEqual([]);
  });

  it("by value: each entry", () => {
    setDevice(device);
    const θ = parameter([0, 0, 0]);
    const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { value: 0.5 } });
    give([θ], [[3, -4, 0.25]]);
    optimizer.update();
    expect(θ.toArray()).toEqual([-0.5, 0.5, -0.25]);
  });

  it("is before the rule: the rule remembers clipped gradients", () => {
    setDevice(device);
    const θ = [parameter([0, 0])];
    const norm = new Momentum(θ, { learningRate: 1, clip: { norm: 5 } });
    give(θ, [[6, 8]]);
    norm.update();
    expect(norm.slotsOf(θ[0]).velocity.toArray()).toEqual([-3, -4]);
    const value = new Adam(θ, { clip: { value: 1 }, beta1: 0.5 });
    give(θ, [[6, -8]]);
    value.update();
    expect(value.slotsOf(θ[0]).firstMoment.toArray()).toEqual([0.5, -0.5]);
  });

  it("spans groups", () => {
    setDevice(device);
    const [a, b] = [parameter([0]), parameter([0])];
    const optimizer = new GradientDescent([{ parameters: a }, { parameters: b, learningRate: 10 }], { learningRate: 1, clip: { norm: 1 } });
    give([a, b], [[3], [4]]);
    optimizer.update();
    expect(a.item()).toBeCloseTo(-0.6, 6);
    expect(b.item()).toBeCloseTo(-8, 5);
  });
});

it.each([{}, { norm: 1, value: 1 }, { norm: -1 }, { value: NaN }, { scale: 1 }, 5, "norm"])("refuses clip %j", (clip) => {
  expect(() => new GradientDescent(parameter([1]), { learningRate: 1, clip: clip as { norm: number } })).toThrow(ValueError);
});
