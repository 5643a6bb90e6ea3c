import { describe, expect, it } from "vitest";
import { Random } from "../../src/random/random.ts";
import { drawGaussian, Gaussian } from "../../src/synthetic/gaussian.ts";

/** Mean and covariance of n vectors of a sampler. */
function estimate(d: number, n: number, sample: (out: Float64Array) => void): { mean: Float64Array; covariance: Float64Array } {
  const mean = new Float64Array(d);
  const second = new Float64Array(d * d);
  const x = new Float64Array(d);
  for (let s = 0; s < n; s++) {
    sample(x);
    for (let i = 0; i < d; i++) {
      mean[i] += x[i] / n;
      for (let j = 0; j < d; j++) second[i * d + j] += (x[i] * x[j]) / n;
    }
  }
  return { mean, covariance: second.map((value, at) => value - mean[Math.floor(at / d)] * mean[at % d]) };
}

describe("Gaussian", () => {
  it("samples with its own mean and covariance", () => {
    const [d, n] = [4, 100_000];
    const random = new Random(1);
    const gaussian = drawGaussian(d, 1, 2 * d, random);
    const { mean, covariance } = estimate(d, n, (out) => gaussian.sampleInto(out, 0, random));
    const deviation = (i: number) => Math.sqrt(gaussian.covariance[i * d + i]);
    for (let i = 0; i < d; i++) {
      // Five standard errors: of a mean σ/√n, of a covariance at most σᵢσⱼ√(2/n).
      expect(Math.abs(mean[i] - gaussian.mean[i])).toBeLessThan((5 * deviation(i)) / Math.sqrt(n));
      for (let j = 0; j < d; j++) {
        const error = Math.abs(covariance[i * d + j] - gaussian.covariance[i * d + j]);
        expect(error).toBeLessThan(5 * deviation(i) * deviation(j) * Math.sqrt(2 / n));
      }
    }
  });

  it("writes where it is told to", () => {
    const out = Float64Array.of(9, 9, 9, 9);
    new Gaussian(Float64Array.of(1, 2), new Float64Array(4)).sampleInto(out, 1, new Random(0));
    expect([...out]).toEqual([9, 1, 2, 9]);
  });
});

describe("drawGaussian", () => {
  const [d, nu, draws] = [5, 20, 20_000];
  const random = new Random(2);
  const gaussians = Array.from({ length: draws }, () => drawGaussian(d, 4, nu, random));
  const expected = 1 / (nu - d - 1);

  it("draws covariances with the mean of the inverse Wishart distribution, I/(ν − d − 1)", () => {
    // With scale I, the variance of a diagonal entry is 2/((ν−d−1)²(ν−d−3)), that of another is (ν−d−1)/((ν−d)(ν−d−1)²(ν−d−3)).
    const e = nu - d;
    const variance = (i: number, j: number) => (i === j ? 2 : (e - 1) / e) / ((e - 1) ** 2 * (e - 3));
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        let [sum, squares] = [0, 0];
        for (const { covariance } of gaussians) {
          sum += covariance[i * d + j];
          squares += covariance[i * d + j] ** 2;
        }
        const average = sum / draws;
        const standardError = Math.sqrt(variance(i, j) / draws);
        expect(Math.abs(average - (i === j ? expected : 0))).toBeLessThan(4 * standardError);
        // The fourth moment is heavy-tailed; 10% is many times its error at ν − d = 15.
        expect(Math.abs((squares / draws - average ** 2) / variance(i, j) - 1)).toBeLessThan(0.1);
      }
    }
  });

  it("draws means with covariance E[Σ]/κ", () => {
    let next = 0;
    const { mean, covariance } = estimate(d, draws, (out) => out.set(gaussians[next++].mean));
    const variance = expected / 4;
    for (let i = 0; i < d; i++) {
      expect(Math.abs(mean[i])).toBeLessThan(4 * Math.sqrt(variance / draws));
      for (let j = 0; j < d; j++) {
        // The means are a scale mixture: somewhat heavier tails than normal, so somewhat more than √(2/n).
        const error = Math.abs(covariance[i * d + j] - (i === j ? variance : 0));
        expect(error).toBeLessThan(6 * variance * Math.sqrt(2 / draws));
      }
    }
  });

  it("draws symmetric covariances that are positive definite", () => {
    for (const { covariance } of gaussians.slice(0, 100)) {
      // Symmetric elimination: every pivot of a positive definite matrix is positive.
      const m = covariance.slice();
      for (let i = 0; i < d; i++) {
        expect(m[i * d + i]).toBeGreaterThan(0);
        for (let r = i + 1; r < d; r++) {
          expect(covariance[r * d + i]).toBe(covariance[i * d + r]);
          const factor = m[r * d + i] / m[i * d + i];
          for (let c = i; c < d; c++) m[r * d + c] -= factor * m[i * d + c];
        }
      }
    }
  });
});
