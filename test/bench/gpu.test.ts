/** The programs that are measured on a GPU, in their small sizes: that there are such, and what those compute that no other test knows. */

import { describe, expect, it } from "vitest";
import { type Measured, sizesOf } from "../../bench/gpu/sizes.js";
import { problemOf } from "../../bench/workloads/problem.js";

const small = sizesOf(true);
const programOf = (name: string) => import(`../../bench/workloads/flimsy/${name}.js`);
const lossOf = async ({ program, workload, sizes }: Measured): Promise<number> =>
  (await programOf(program)).create(problemOf(workload, sizes)).step(0);

describe("what is measured on a GPU", () => {
  it("trains, in all its rows", async () => {
    for (const row of [...small.steps, ...small.peers]) expect(await lossOf(row), row.name).toBeGreaterThan(0);
    for (const row of small.breakEven) {
      const loss = await lossOf({ ...row, sizes: { ...row.sizes, [row.size]: row.values[0] } });
      expect(Math.abs(loss), row.name).toBeGreaterThan(0);
    }
  });

  // The reflection has undone itself: what is left is the first row of the first matrix, i·7919 mod 1009, over 1009.
  it("multiplies by a reflection, which undoes itself", async () => {
    for (const row of small.products) {
      let sum = 0;
      for (let i = 0; i < (row.sizes?.n ?? 0); i++) sum += ((i * 7919) % 1009) / 1009;
      expect(await lossOf(row) / sum, row.name).toBeCloseTo(1, 5);
    }
  });

  it("adds up a long array, of which the numbers run through all rests of 1009, and are 504 / 1009 on the average", async () => {
    const row = small.steps.find(({ name }) => name === "sum") as Measured;
    expect(await lossOf({ ...row, sizes: { length: 1009 * 200 } }) / (504 * 200)).toBeCloseTo(1, 6);
  });
});
