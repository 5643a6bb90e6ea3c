import { expect, it } from "vitest";
import { fuzz } from "./fuzzing.ts";

// `npm run fuzz` tries 100,000 and more.
it("a mutated file is restored whole, or refused with an error that says why", { timeout: 120_000 }, () => {
  const { mutations, restored, errors } = fuzz(1500, 1);
  expect(mutations).toBe(1500);
  // Mutations reach all of the reader: some do no harm, some are found by the header, some by what it means.
  expect(restored).toBeGreaterThan(50);
  expect(errors.CheckpointError).toBeGreaterThan(500);
  expect(errors.ValueError).toBeGreaterThan(15);
  expect(errors.ShapeError).toBeGreaterThan(0);
});
