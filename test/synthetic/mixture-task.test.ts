import { describe, expect, it } from "vitest";
import { ValueError } from "../../src/support/errors.ts";
import { Random, seed } from "../../src/random/random.ts";
import { MixtureTask } from "../../src/synthetic/index.ts";

describe("MixtureTask", () => {
  it("samples labelled vectors", () => {
    const task = new MixtureTask(3, 4, { random: new Random(1) });
    const { x, y } = task.sample(50);
    expect(x.shape).toEqual([50, 3]);
    expect(y).toBeInstanceOf(Int32Array);
    expect(y).toHaveLength(50);
    expect(new Set(y)).toEqual(new Set([0, 1, 2, 3]));
    expect(task.means.map((mean) => mean.length)).toEqual([3, 3, 3, 3]);
    expect(task.covariances.map((covariance) => covariance.length)).toEqual([9, 9, 9, 9]);
  });

  it("gives each class its own mean and covariance, and equal probability", () => {
    const [features, classes, n] = [3, 2, 40_000];
    const task = new MixtureTask(features, classes, { random: new Random(2) });
    const { x, y } = task.sample(n);
    const values = x.data;
    for (let c = 0; c < classes; c++) {
      const rows = Array.from(y.keys()).filter((i) => y[i] === c);
      // Binomial: standard error √(n/4) = 100.
      expect(Math.abs(rows.length - n / classes)).toBeLessThan(400);
      const deviation = (i: number) => Math.sqrt(task.covariances[c][i * features + i]);
      for (let i = 0; i < features; i++) {
        const centred = (row: number, k: number) => values[row * features + k] - task.means[c][k];
        const shift = rows.reduce((sum, row) => sum + centred(row, i), 0) / rows.length;
        expect(Math.abs(shift)).toBeLessThan((5 * deviation(i)) / Math.sqrt(rows.length));
        for (let j = 0; j < features; j++) {
          const covariance = rows.reduce((sum, row) => sum + centred(row, i) * centred(row, j), 0) / rows.length;
          const error = Math.abs(covariance - task.covariances[c][i * features + j]);
          expect(error).toBeLessThan(5 * deviation(i) * deviation(j) * Math.sqrt(2 / rows.length));
        }
      }
    }
  });

  it("has the covariances of ν = 2 · features on average, and means around 0", () => {
    // E[Σ] = I/(2d − d − 1) = I/5. A diagonal entry has variance 2/(5²·3) = 0.16², so its average over 6000 draws
    // has a standard error of 0.002; the means have variance 1/5, so theirs is 0.006.
    const features = 6;
    const task = new MixtureTask(features, 6000, { random: new Random(3) });
    for (let i = 0; i < features; i++) {
      expect(Math.abs(task.means.reduce((sum, mean) => sum + mean[i], 0) / 6000)).toBeLessThan(0.025);
      for (let j = 0; j < features; j++) {
        const average = task.covariances.reduce((sum, covariance) => sum + covariance[i * features + j], 0) / 6000;
        expect(Math.abs(average - (i === j ? 0.2 : 0))).toBeLessThan(0.009);
      }
    }
  });

  it("is determined by its generator", () => {
    const make = (start: number) => {
      const task = new MixtureTask(2, 3, { random: new Random(start) });
      const { x, y } = task.sample(20);
      return { means: task.means, covariances: task.covariances, x: x.toArray(), y };
    };
    expect(make(4)).toEqual(make(4));
    expect(make(4).x).not.toEqual(make(5).x);
  });

  it("draws from the default generator unless given another", () => {
    seed(6);
    const task = new MixtureTask(2, 3);
    expect(task.means).toEqual(new MixtureTask(2, 3, { random: new Random(6) }).means);
    const first = task.sample(5).x.toArray();
    expect(task.sample(5).x.toArray()).not.toEqual(first);
    seed(0);
  });

  it("works with a single feature and a single class", () => {
    const { x, y } = new MixtureTask(1, 1, { random: new Random(7) }).sample(1);
    expect(x.shape).toEqual([1, 1]);
    expect([...y]).toEqual([0]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "3", undefined])("rejects %s as a number of anything", (bad) => {
    const n = bad as number;
    expect(() => new MixtureTask(n, 3)).toThrow(ValueError);
    expect(() => new MixtureTask(3, n)).toThrow(ValueError);
    expect(() => new MixtureTask(3, 3).sample(n)).toThrow(ValueError);
  });
});
