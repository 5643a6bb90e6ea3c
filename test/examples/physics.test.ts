import { expect, it } from "vitest";
import { main } from "../../examples/physics.ts";
import { quietly } from "./quietly.ts";

it("physics: the equation continues the measurements", async () => {
  const { error, errorWithout, friction, stiffness } = await quietly(() => main({ quick: true, check: true, seed: 1 }));
  // Of the seeds 1 to 10 in the quick form: 0.08 to 0.16 with the equation, 0.29 to 0.68 without; δ 0.46 to 0.67, ω² 12.3 to 14.4, which
  // begin at 0 and 10. The root mean square of the exact solution is 0.4.
  expect(error).toBeLessThan(0.25);
  expect(error).toBeLessThan(0.6 * errorWithout);
  expect(Math.abs(friction - 0.4)).toBeLessThan(0.35);
  expect(Math.abs(stiffness - 16)).toBeLessThan(5);
}, 60_000);
