import { expect, it } from "vitest";
import { main } from "../../examples/ctc.ts";
import { quietly } from "./quietly.ts";

it("ctc learns to pronounce words without alignments", async () => {
  const { untrained, bestPath, beam, beamWithModel } = await quietly(() => main({ quick: true, check: true }));
  // One that says nothing has the rate 1. Untrained it babbles: 2.1 to 2.2.
  expect(untrained.phonemes).toBeGreaterThan(1);
  // Of the seeds 1 to 5 in the quick form: 0.167 to 0.183 on the best path, as much or 0.001 less with the beam, 0.160 to 0.169 with the
  // model of phonemes, which is better by 0.007 to 0.015.
  expect(bestPath.phonemes).toBeLessThan(0.25);
  expect(Math.abs(beam.phonemes - bestPath.phonemes)).toBeLessThan(0.01);
  expect(beamWithModel.phonemes).toBeLessThan(bestPath.phonemes);
}, 120_000);
