import { expect, it } from "vitest";
import { main } from "../../examples/char-lm.ts";
import { quietly } from "./quietly.ts";

it("char-lm learns more of a book than how often each character occurs", async () => {
  const { bits, one, five, sample } = await quietly(() => main({ quick: true, check: true }));
  // Counting is exact arithmetic on a fixed text.
  expect(one).toBeCloseTo(4.391, 2);
  expect(five).toBeCloseTo(2.425, 2);
  // With seeds 1 to 5 it was 2.92 to 2.98.
  expect(bits).toBeLessThan(3.3);
  expect(sample).toMatch(/^Call me .{92}$/s);
}, 60_000);
