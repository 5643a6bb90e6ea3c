import { expect, it } from "vitest";
import { fuzz } from "./fuzzing.ts";

// `npm run fuzz` tries 100,000 and more.
it("a mutated file is restored whole, or refused with an error that says why", { timeout: 120_000 }, () => {
  const { mutations, restored, errors } = fuzz(3000, 1);
  expect(mutations).toBe(3000);
  // Mutations reach all of the reader: some do no harm, some are found by the header, some by what it means.
  expect(restored).toBeGreaterThan(100);
  expect(errors.CheckpointError).toBeGreaterThan(1000);
  expect(errors.ValueError).toBeGreaterThan(30);
  expect(errors.ShapeError).toBeGreaterThan(0);
});
