import { afterEach, describe, expect, it } from "vitest";
import { glorot, he, type InitializationOptions, normal, orthonormal, sparse, spectral, uniform } from "../../src/initialization/index.ts";
import { parameter, Random, type Shape, ShapeError, seed, setDevice, ValueError, type Variable } from "../../src/index.ts";
import { inFloat32 } from "../device.ts";

afterEach(() => { setDevice("wasm"); });

const random = () => new Random(3);
const initializers: Record<string, (shape: Shape, options?: InitializationOptions) => Variable> = {
  glorot, he, normal, orthonormal, sparse, spectral, uniform,
};

function moments(x: Variable) {
  const data = Float64Array.from(x.data);
  const n = data.length;
  const mean = data.reduce((a, b) => a + b, 0) / n;
  return { n, mean, variance: data.reduce((a, b) => a + (b - mean) ** 2, 0) / n, least: Math.min(...data), greatest: Math.max(...data) };
}

/** Mean 0 and this variance, to five standard errors; the variance of the square is `spread` times that of a normal number. */
function expectVariance(x: Variable, variance: number, spread = 1): void {
  const found = moments(x);
  expect(Math.abs(found.mean)).toBeLessThan(5 * Math.sqrt(variance / found.n));
  expect(Math.abs(found.variance / variance - 1)).toBeLessThan(5 * Math.sqrt((2 * spread) / found.n));
}

/** Of a uniform number: (E[x⁴] − E[x²]²) / (2·E[x²]²) = (9/5 − 1)/2. */
const UNIFORM = 0.4;

describe.each(Object.entries(initializers))("%s", (name, make) => {
  it("gives values for a parameter, in its shape", () => {
    expect(parameter(make([3, 4])).shape).toEqual([3, 4]);
  });

  it("is determined by its generator, or by the seed", () => {
    expect(make([3, 4], { random: random() }).toArray()).toEqual(make([3, 4], { random: random() }).toArray());
    seed(3);
    expect(make([3, 4]).toArray()).toEqual(make([3, 4], { random: random() }).toArray());
    expect(make([3, 4], { random: new Random(4) }).toArray()).not.toEqual(make([3, 4], { random: random() }).toArray());
  });

  inFloat32()("has the precision of the device", () => {
    const float32 = make([2, 2], { random: random() }).data;
    setDevice("reference");
    const float64 = make([2, 2], { random: random() }).data;
    expect(float64).toBeInstanceOf(Float64Array);
    expect(Float32Array.from(float64)).toEqual(float32);
    expect([...float64].some((value) => value !== Math.fround(value))).toBe(true);
  });

  it("refuses what is no shape or generator", () => {
    expect(() => make([2, -1])).toThrow(ShapeError);
    expect(() => make(3 as unknown as Shape)).toThrow(ShapeError);
    expect(() => make([2, 2], { random: Math.random as unknown as Random })).toThrow(ValueError);
    expect(() => make([2, 2], null as unknown as object)).toThrow(ValueError);
    if (name !== "normal" && name !== "uniform") {
      for (const shape of [[], [3], [0, 3], [3, 0]]) expect(() => make(shape)).toThrow(ShapeError);
    }
  });
});

describe("glorot", () => {
  it("has variance gain² · 2 / (inputs + outputs), uniform or normal", () => {
    const uniform = glorot([200, 100], { random: random() });
    expectVariance(uniform, 2 / 300, UNIFORM);
    const bound = Math.sqrt(6 / 300);
    expect(moments(uniform).least).toBeGreaterThanOrEqual(-bound * (1 + 1e-7));
    expect(moments(uniform).greatest).toBeGreaterThan(0.99 * bound);
    expect(moments(uniform).greatest).toBeLessThanOrEqual(bound * (1 + 1e-7));
    expectVariance(glorot([100, 200], { distribution: "normal", random: random() }), 2 / 300);
    expectVariance(glorot([100, 200], { gain: 3, random: random() }), 18 / 300, UNIFORM);
    expectVariance(glorot([100, 200], { activation: "relu", random: random() }), 4 / 300, UNIFORM);
  });

  it("counts the window of a convolution", () => {
    expectVariance(glorot([20, 10, 5, 5], { random: random() }), 2 / (30 * 25), UNIFORM);
  });

  it("may be all 0", () => { expect(glorot([2, 2], { gain: 0 }).toArray()).toEqual([[0, 0], [0, 0]]); });
});

it("he has variance gain² / inputs", () => {
  expectVariance(he([300, 100], { random: random() }), 2 / 100);
  expectVariance(he([300, 100], { distribution: "uniform", gain: 1, random: random() }), 1 / 100, UNIFORM);
  expectVariance(he([300, 100], { activation: "tanh", random: random() }), 1.21 / 100);
  expectVariance(he([20, 10, 5, 5], { random: random() }), 2 / 250);
});

it("normal and uniform have the numbers that they are given", () => {
  expectVariance(normal([100, 100], { random: random() }), 1e-4);
  const shifted = normal([10_000], { mean: 5, std: 2, random: random() });
  expect(Math.abs(moments(shifted).mean - 5)).toBeLessThan(0.1); // five standard errors of 0.02
  expectVariance(uniform([100, 100], { random: random() }), 0.01 / 12, UNIFORM);
  const { least, greatest } = moments(uniform([1000], { low: 2, high: 3, random: random() }));
  expect(least).toBeGreaterThanOrEqual(2);
  expect(greatest).toBeLessThan(3);
  expect(normal([], { std: 0, mean: 2 }).item()).toBe(2);
  expect(uniform([0, 3]).shape).toEqual([0, 3]);
});

describe("orthonormal", () => {
  /** The largest difference of w·wᵀ, or wᵀ·w if there are more rows, from gain²·I. */
  function error(shape: [number, number], gain: number, options: object): number {
    setDevice("reference");
    const [rows, columns] = shape;
    const w = orthonormal(shape, { ...options, random: random() });
    const gram = rows <= columns ? w.matmul(w.transpose()) : w.transpose().matmul(w);
    const n = Math.min(rows, columns);
    return Math.max(...Array.from(gram.data, (value, i) => Math.abs(value - (i % (n + 1) === 0 ? gain * gain : 0))));
  }

  it.each<[[number, number]]>([
    [[5, 5]], [[3, 7]], [[7, 3]], [[1, 4]], [[4, 1]], [[1, 1]], [[60, 60]],
  ])("%j has orthogonal rows or columns of length 1", (shape) => {
    expect(error(shape, 1, {})).toBeLessThan(1e-13);
  });

  it("times the gain, or that of the activation", () => {
    expect(error([4, 4], 2.5, { gain: 2.5 })).toBeLessThan(1e-13);
    expect(error([4, 4], Math.SQRT2, { activation: "relu" })).toBeLessThan(1e-13);
    expect(error([4, 4], 1.1, { activation: "tanh" })).toBeLessThan(1e-13);
    expect(error([4, 4], 1.1, { activation: "sigmoid" })).toBeLessThan(1e-13);
    expect(error([4, 4], 1, { activation: "identity" })).toBeLessThan(1e-13);
  });

  it("joins the window of a convolution to the inputs", () => {
    setDevice("reference");
    const w = orthonormal([4, 3, 2, 2], { random: random() }).reshape([4, 12]);
    w.matmul(w.transpose()).data.forEach((value, i) => { expect(value).toBeCloseTo(i % 5 === 0 ? 1 : 0, 13); });
  });

  it("takes every direction equally likely", () => {
    const generator = random();
    let trace = 0;
    const n = 2000;
    for (let i = 0; i < n; i++) {
      trace += Array.from(orthonormal([3, 3], { random: generator }).data).reduce((sum, value, k) => sum + (k % 4 === 0 ? value : 0), 0);
    }
    // Of a uniformly distributed orthogonal matrix the trace has mean 0 and variance 1.
    expect(Math.abs(trace / n)).toBeLessThan(5 / Math.sqrt(n));
  });
});

describe("spectral", () => {
  /** The spectral radius, as the limit of ‖wᵏ‖^(1/k) for k = 2, 4, … 1024. */
  function radius(w: Variable): number {
    let power = w;
    let logarithm = 0; // of what has been divided off, for wᵏ
    let k = 1;
    for (; k < 1024; k *= 2) {
      power = power.matmul(power);
      logarithm *= 2;
      const norm = Math.sqrt(power.mul(power).sum().item());
      power = power.div(norm);
      logarithm += Math.log(norm);
    }
    return Math.exp(logarithm / k);
  }

  it("has about the radius that is asked for", () => {
    // Over 100 seeds: 0.98 to 1.15, with a median of 1.05.
    for (const wanted of [1, 0.3]) {
      const found = radius(spectral([128, 128], { radius: wanted, random: random() })) / wanted;
      expect(found).toBeGreaterThan(0.92);
      expect(found).toBeLessThan(1.18);
    }
  });

  it("is part of a square matrix where it is not square", () => {
    expectVariance(spectral([100, 300], { random: random() }), 1 / 300);
    expectVariance(spectral([300, 100], { radius: 2, random: random() }), 4 / 300);
  });
});

describe("sparse", () => {
  it("connects each output to so many inputs, each equally likely", () => {
    const w = sparse([3000, 10], { connections: 4, random: random() });
    const rows = w.toArray() as number[][];
    expect(rows.every((row) => row.filter((value) => value !== 0).length === 4)).toBe(true);
    // Binomial with p = 0.4: standard error √(0.24/3000) = 0.009.
    for (let j = 0; j < 10; j++) expect(Math.abs(rows.filter((row) => row[j] !== 0).length / 3000 - 0.4)).toBeLessThan(0.045);
    const used = Array.from(w.data).filter((value) => value !== 0);
    const variance = used.reduce((a, b) => a + b * b, 0) / used.length;
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / used.length));
  });

  it("connects to 15, or to all if there are fewer", () => {
    const connections = (w: Variable) => (w.toArray() as number[][]).map((row) => row.filter((value) => value !== 0).length);
    expect(connections(sparse([2, 40], { random: random() }))).toEqual([15, 15]);
    expect(connections(sparse([2, 6], { random: random() }))).toEqual([6, 6]);
    expect(connections(sparse([2, 6], { connections: 0 }))).toEqual([0, 0]);
    expect(Math.max(...sparse([2, 6], { std: 1e-3, random: random() }).data)).toBeLessThan(0.01);
  });
});

it.each<[string, () => unknown]>([
  ["glorot with a negative gain", () => glorot([2, 2], { gain: -1 })],
  ["glorot with a gain and an activation", () => glorot([2, 2], { gain: 1, activation: "relu" })],
  ["glorot with another distribution", () => glorot([2, 2], { distribution: "cauchy" as "normal" })],
  ["orthonormal with an unknown activation", () => orthonormal([2, 2], { activation: "toString" as "relu" })],
  ["orthonormal with gain NaN", () => orthonormal([2, 2], { gain: NaN })],
  ["normal with a negative deviation", () => normal([2], { std: -1 })],
  ["normal with mean NaN", () => normal([2], { mean: NaN })],
  ["uniform with bounds in the wrong order", () => uniform([2], { low: 1, high: 0 })],
  ["spectral with a negative radius", () => spectral([2, 2], { radius: -1 })],
  ["sparse with half a connection", () => sparse([2, 2], { connections: 0.5 })],
  ["sparse with an infinite deviation", () => sparse([2, 2], { std: Infinity })],
])("refused: %s", (_, make) => { expect(make).toThrow(ValueError); });
