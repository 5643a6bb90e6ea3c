import { describe, expect, it } from "vitest";
import { Patience, type PatienceOptions } from "../../src/extras/index.ts";
import { ValueError } from "../../src/index.ts";

/** What each value leads to: `+` for an improvement, `.` for none, `!` for none and stop. */
function run(patience: Patience, values: readonly number[]): string {
  return values.map((value) => {
    const stop = patience.observe(value);
    expect(patience.shouldStop).toBe(stop);
    return patience.improved ? "+" : stop ? "!" : ".";
  }).join("");
}

describe("Patience", () => {
  it("stops when more than `patience` epochs in a row bring no improvement", () => {
    const patience = new Patience(2);
    expect(run(patience, [5, 4, 6, 4, 3, 3, 3, 3, 3])).toBe("++..+..!!");
    expect([patience.best, patience.bestEpoch, patience.epoch, patience.frustration]).toEqual([3, 5, 9, 4]);
  });

  it("goes on if things improve after all", () => {
    expect(run(new Patience(0), [2, 2, 1])).toBe("+!+");
  });

  it("has a patience of 1 unless told", () => {
    expect(run(new Patience(), [1, 1, 1])).toBe("+.!");
  });

  it("maximizes", () => {
    const patience = new Patience(1, { maximize: true });
    expect(run(patience, [0.5, 0.7, 0.6, 0.7])).toBe("++.!");
    expect(patience.bestEpoch).toBe(2);
  });

  it("wants more than the tolerance, measured from the best value", () => {
    const patience = new Patience(2, { tolerance: 0.25 });
    expect(run(patience, [2, 1.875, 1.75, 1.5, 1.25])).toBe("+..+.");
    expect(patience.best).toBe(1.5);
  });

  it("counts NaN as no improvement, and infinities for what they are", () => {
    const patience = new Patience(1);
    expect(run(patience, [NaN, Infinity, 3, NaN, -Infinity, -Infinity, NaN])).toBe(".++.+.!");
    const none = new Patience(1);
    expect(run(none, [NaN, NaN])).toBe(".!");
    expect([none.best, none.bestEpoch]).toEqual([null, 0]);
  });

  it.each<[unknown, PatienceOptions]>([
    [-1, {}], [1.5, {}], [NaN, {}], ["3", {}], [1, { tolerance: -1 }], [1, { tolerance: NaN }], [1, null as unknown as PatienceOptions],
  ])(
    "refuses %j, %j", (patience, options) => { expect(() => new Patience(patience as number, options)).toThrow(ValueError); },
  );

  it("refuses what is no number", () => {
    expect(() => new Patience().observe("1" as unknown as number)).toThrow(ValueError);
  });
});
