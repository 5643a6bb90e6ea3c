import { afterEach, describe, expect, it } from "vitest";
import { ZScore, zscore, zscoreAsync } from "../../src/extras/index.ts";
import { evaluate, input, ones, Random, randn, ready, ShapeError, setDevice, ValueError, type Variable, zeros } from "../../src/index.ts";
import { inFloat32 } from "../device.ts";
import { onBoth, unwaited } from "../devices/unwaited.ts";

afterEach(() => { setDevice("wasm"); });

describe("ZScore", () => {
  const x = input([[1, 10], [2, 10], [6, 13]]);

  it("fits the mean and the standard deviation with n − 1", () => {
    const scale = ZScore.fit(x);
    expect([...scale.mean]).toEqual([3, 11]);
    expect(scale.sigma[0]).toBeCloseTo(Math.sqrt((4 + 1 + 9) / 2), 14);
    expect(scale.sigma[1]).toBeCloseTo(Math.sqrt(3), 14);
  });

  it("brings each feature to mean 0 and deviation 1, and back", () => {
    setDevice("reference");
    const data = randn([200, 3], new Random(1)).mul(input([0.01, 1, 100])).add(input([5, -2, 1e4]));
    const scale = ZScore.fit(data);
    const z = scale.apply(data);
    const again = ZScore.fit(z);
    again.mean.forEach((value) => { expect(Math.abs(value)).toBeLessThan(1e-10); });
    again.sigma.forEach((value) => { expect(Math.abs(value - 1)).toBeLessThan(1e-10); });
    scale.invert(z).data.forEach((value, i) => { expect(Math.abs(value - data.data[i])).toBeLessThan(1e-10); });
  });

  inFloat32()("takes one sample, nested arrays, and sequences in any number of axes; also within a step", () => {
    const scale = new ZScore([1, 2], [2, 4]);
    expect(scale.apply([3, 2]).toArray()).toEqual([1, 0]);
    expect(scale.apply([[[3, 2]], [[-1, 6]]]).toArray()).toEqual([[[1, 0]], [[-1, 1]]]);
    expect(evaluate(() => scale.apply(input([3, 2]).mul(1))).toArray()).toEqual([1, 0]);
    expect(zscore([[0, 5], [2, 5]]).toArray()).toEqual([[-Math.fround(Math.SQRT1_2), 0], [Math.fround(Math.SQRT1_2), 0]]);
  });

  it("is the same for a list of parts as for one array, and for a stream", async () => {
    const all = randn([60, 2], new Random(2)).mul(3).add(100);
    const parts = [all.slice([0, 7]), all.slice([7, 8]), all.slice([8, 8]), all.slice([8, 60]).reshape([4, 13, 2])];
    const whole = ZScore.fit(all);
    async function* stream(): AsyncGenerator<Variable | Variable[]> {
      yield parts.slice(0, 2);
      await Promise.resolve();
      yield parts[2];
      yield parts[3];
    }
    for (const other of [ZScore.fit(parts), await ZScore.fitStream(stream())]) {
      other.mean.forEach((value, j) => { expect(Math.abs(value - whole.mean[j])).toBeLessThan(1e-12); });
      other.sigma.forEach((value, j) => { expect(Math.abs(value - whole.sigma[j])).toBeLessThan(1e-12); });
    }
  });

  it("does not lose small deviations around a large mean", () => {
    setDevice("reference");
    const scale = ZScore.fit(Array.from({ length: 1000 }, (_, i) => [1e8 + (i % 2)]));
    expect(scale.sigma[0]).toBeCloseTo(Math.sqrt(0.25 * (1000 / 999)), 12);
  });

  inFloat32()("divides by minSigma at least: a constant feature becomes 0, one sample too", () => {
    expect(zscore([[7, 1], [7, 3]], { minSigma: 10 }).toArray()).toEqual([[0, -Math.fround(0.1)], [0, Math.fround(0.1)]]);
    expect(zscore([[0.1], [0.1], [0.1]]).toArray()).toEqual([[0], [0], [0]]);
    expect(zscore([[3, 4]]).toArray()).toEqual([[0, 0]]);
    expect(new ZScore([0], [1e-9], { minSigma: 0.5 }).apply([1]).item()).toBe(2);
  });

  it("refuses", async () => {
    expect(() => ZScore.fit([1, 2, 3])).toThrow(ShapeError);
    expect(() => ZScore.fit(zeros([3, 0]))).toThrow(ShapeError);
    expect(() => ZScore.fit(zeros([0, 3]))).toThrow(/no samples/);
    expect(() => ZScore.fit([ones([2, 3]), ones([2, 4])])).toThrow(ShapeError);
    expect(() => ZScore.fit([[1, 2], [3, NaN]])).toThrow(/NaN as feature 1 of sample 1/);
    expect(() => ZScore.fit([[1, 2], [Infinity, 1]])).toThrow(ValueError);
    expect(() => ZScore.fit(x).apply([1, 2, 3])).toThrow(ShapeError);
    expect(() => ZScore.fit(x).invert(input(1))).toThrow(ShapeError);
    expect(() => ZScore.fit(x, { minSigma: 0 })).toThrow(ValueError);
    expect(() => new ZScore([1], [1, 2])).toThrow(ValueError);
    expect(() => new ZScore([], [])).toThrow(ValueError);
    expect(() => new ZScore([1], [-1])).toThrow(ValueError);
    expect(() => new ZScore([NaN], [1])).toThrow(ValueError);
    await expect(ZScore.fitStream((async function* () {})())).rejects.toThrow(/no samples/);
  });
});

describe("ZScore where nobody can wait", () => {
  it("is fitted when the numbers are there", async () => {
    const [scale] = await onBoth(async () => {
      const [a, b] = [input([[1, 10], [3, 10]]).mul(2), input([[5, 40]]).mul(2)];
      const fitted = [await ZScore.fitAsync([a, b]), await ZScore.fitStream((async function* () { yield a.mul(1); yield [b.mul(1)]; })())];
      const z = await ready([await zscoreAsync(a.mul(1)), fitted[0].apply(b), fitted[0].invert(b)]);
      return [[...fitted[0].mean, ...fitted[0].sigma], ...fitted.map(({ mean, sigma }) => [mean, sigma]), ...z.map((each) => each.toArray())];
    });
    expect(scale).toEqual([6, 40, 4, expect.closeTo(Math.sqrt(1200), 10)]);
    expect((await zscoreAsync([[1, 10], [2, 20], [3, 30]])).toArray()).toEqual(zscore([[1, 10], [2, 20], [3, 30]]).toArray());
    await expect(zscoreAsync([1, 2])).rejects.toThrow(ShapeError);
    await expect(ZScore.fitAsync([[1, NaN]])).rejects.toThrow(ValueError);
    await expect(ZScore.fitAsync([[1, 2]], { sigma: 1 } as never)).rejects.toThrow(/got the option "sigma"/);
    unwaited();
    const x = input([[1, 2], [3, 4]]).add(1);
    expect(() => ZScore.fit(x)).toThrow(/await ready\(x\)/);
    expect(ZScore.fit(await ready(x)).mean).toEqual(Float64Array.of(3, 4));
  });
});
