import { expect, it } from "vitest";
import { Random } from "../../src/index.ts";
import { killSaves, killTraining } from "./kill.ts";

// `npm run fuzz` kills several hundred.
it("a process that is killed while it saves leaves the old or the new file, whole", { timeout: 120_000 }, async () => {
  const { kills, interrupted } = await killSaves(30, 200_000, new Random(1));
  expect(kills).toBeGreaterThanOrEqual(30);
  expect(interrupted).toBeGreaterThan(0); // some were in the middle of it
});

it("a training that is killed leaves a checkpoint and a history that agree, and goes on from them", { timeout: 120_000 }, async () => {
  expect(await killTraining(8, new Random(2))).toBeGreaterThan(8);
});
