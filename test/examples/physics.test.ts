import { expect, it } from "vitest";
import { main } from "../../examples/physics.ts";
import { quietly } from "./quietly.ts";

it("physics: the equation continues the measurements", async () => {
  const { error, errorWithout, friction, stiffness } = await quietly(() => main({ quick: true, check: true, seed: 1 }));
  // Of the seeds 1 to 10 in the quick form: 0.04 to 0.12 with the equation, 0.30 to 0.69 without; δ 0.42 to 0.57, ω² 14.2 to 15.4. The root
  // mean square of the exact solution is 0.4.
  expect(error).toBeLessThan(0.2);
  expect(error).toBeLessThan(0.6 * errorWithout);
  expect(Math.abs(friction - 0.4)).toBeLessThan(0.3);
  expect(Math.abs(stiffness - 16)).toBeLessThan(3);
}, 60_000);
