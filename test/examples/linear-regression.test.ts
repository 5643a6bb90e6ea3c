import { expect, it } from "vitest";
import { main } from "../../examples/linear-regression.ts";
import { quietly } from "./quietly.ts";

it("linear-regression finds the coefficients of the closed form", async () => {
  const { found, exact, explained, difference, epochs } = await quietly(() => main({ quick: true, check: true }));
  // What numpy.linalg.lstsq says of the same columns, standardized with n − 1 (float64 there, columns rounded to float32 here).
  [0.330988, -0.085863, -0.484814, -0.216887, -0.141976].forEach((value, i) => { expect(exact[i]).toBeCloseTo(value, 5); });
  // It stops where the gradient is 0.01 or less; the least eigenvalue of XᵀX is 145.
  expect(difference).toBeLessThan(1e-4);
  expect(found).toHaveLength(5);
  expect(explained).toBeCloseTo(0.69577, 4);
  expect(epochs).toBeLessThan(1000);
});
