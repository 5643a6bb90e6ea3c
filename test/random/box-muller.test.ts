import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boxMuller } from "../../src/random/box-muller.ts";

const TWO_24 = 2 ** 24;
const bits = fc.integer({ min: 0, max: TWO_24 - 1 });

describe("boxMuller", () => {
  it("is the formula", () => {
    fc.assert(
      fc.property(bits, bits, (a, b) => {
        const expected = Math.sqrt(-2 * Math.log1p(-a / TWO_24)) * Math.cos((2 * Math.PI * b) / TWO_24);
        // The angle 2πb/2²⁴ is itself rounded: by up to 2⁻⁵¹, times a radius of up to 5.77.
        expect(Math.abs(boxMuller(a, b) - expected)).toBeLessThan(6 * 2 ** -50);
      }),
      { numRuns: 5000 },
    );
  });

  it("is exact on the axes and finite at the ends", () => {
    expect(boxMuller(0, 12345)).toBeCloseTo(0, 15);
    expect(boxMuller(TWO_24 - 1, 0)).toBeCloseTo(Math.sqrt(48 * Math.LN2), 14);
    expect(boxMuller(TWO_24 - 1, TWO_24 / 2)).toBeCloseTo(-Math.sqrt(48 * Math.LN2), 14);
    expect(boxMuller(123, TWO_24 / 4)).toBeCloseTo(0, 20);
    expect(boxMuller(123, (TWO_24 / 4) * 3)).toBeCloseTo(0, 20);
  });
});
