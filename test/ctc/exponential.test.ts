import { describe, expect, it } from "vitest";
import { exponentials } from "../../src/ctc/exponential.ts";
import { Random } from "../../src/random/random.ts";

const one = (z: number): number => {
  const y = new Float64Array(1);
  exponentials(Float64Array.of(z), 0, 1, 0, y);
  return y[0];
};

describe("exponentials", () => {
  it("are those of Math.exp", () => {
    const random = new Random(1);
    let worst = 0;
    for (const size of [1e-12, 1e-3, 1, 10, 100, 700]) {
      for (let i = 0; i < 20_000; i++) {
        const z = random.uniform(-size, size);
        worst = Math.max(worst, Math.abs(one(z) / Math.exp(z) - 1));
      }
    }
    // The last product and sum round by 2⁻⁵³ each, and so does the table; Math.exp itself is within 2⁻⁵².
    expect(worst).toBeLessThan(2 ** -51 + 2 ** -52);
  });

  it("are exact where they can be", () => {
    expect([one(0), one(-0)]).toEqual([1, 1]);
    // Powers of two come from the table alone, and the rest is as far from 0 as z from its logarithm.
    for (const k of [-1021, -1000, -1, 1, 100, 1000]) expect(Math.abs(one(k * Math.LN2) / 2 ** k - 1)).toBeLessThan(2 ** -52 * (1 + Math.abs(k)));
  });

  it("have limits", () => {
    expect(one(-708)).toBeGreaterThan(0);
    for (const z of [-709, -710, -1e10, -1e300, -Infinity]) expect(one(z)).toBe(0);
    expect(one(-708.4)).toBe(0); // below 2⁻¹⁰²²
    for (const z of [701, 1e10, 1e300, Infinity]) expect(one(z)).toBe(one(700));
    expect(one(Number.NaN)).toBeNaN();
  });

  it("take part of a row, less a shift, and add up", () => {
    const x = Float32Array.of(9, 3, 2, 1, 9);
    const y = new Float64Array(4).fill(7);
    const sum = exponentials(x, 1, 3, 3, y);
    expect([...y]).toEqual([1, one(-1), one(-2), 7]);
    expect(sum).toBe(1 + one(-1) + one(-2));
    expect(exponentials(Float64Array.of(0, Number.NaN, 0), 0, 3, 0, y)).toBeNaN();
    expect(exponentials(x, 0, 0, 0, y)).toBe(0);
  });
});
