import { expect, it } from "vitest";
import { main } from "../../examples/logistic-regression.ts";
import { quietly } from "./quietly.ts";

// Of the seeds 1 to 30 the worst in the quick form: 0.09 in training and 0.1 in test on Iris, 0 and 0.16 on the mixture. By guessing: 0.67.
it.each([1, 2, 3])("logistic-regression tells flowers and Gaussians apart (seed %i)", async (seed) => {
  const { iris, mixture } = await quietly(() => main({ quick: true, check: seed === 1, seed }));
  expect(iris.trainError).toBeLessThan(0.2);
  expect(iris.testError).toBeLessThan(0.25);
  expect(mixture.trainError).toBeLessThan(0.1);
  expect(mixture.testError).toBeLessThan(0.3);
});
