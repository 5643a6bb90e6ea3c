import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Range, schedule, type Unit } from "../../../src/devices/webgpu/schedule.ts";

const range = (from: number, to: number, isWritten = false, space = 0): Range => ({ space, from, to, isWritten });
const unit = (module: number, ranges: readonly Range[], more: Partial<Unit> = {}): Unit =>
  ({ module: String(module), threads: 1, ranges, isCheck: false, sum: null, ...more });
/** One that adds to [from, from + 4) and writes that, or elsewhere. */
function adding(from: number, to: number, factor: Range, isFirst = false): Unit {
  const [written, addend] = [range(to, to + 4, true), range(from, from + 4)];
  return unit(7, [written, factor, ...(isFirst ? [] : [addend])], { sum: { form: "4", to: written, addend: isFirst ? null : addend } });
}

const meet = (a: Range, b: Range): boolean => (a.isWritten || b.isWritten) && a.space === b.space && Math.max(a.from, b.from) < Math.min(a.to, b.to);
/** Are both what a thread adds to or writes, and the same elements? */
const isSum = (a: Range, { sum }: Unit, b: Range, { sum: other }: Unit): boolean =>
  (a === sum?.to || a === sum?.addend) && (b === other?.to || b === other?.addend) && a.from === b.from && a.to === b.to && sum?.form === other?.form;
const conflict = (a: Unit, b: Unit): boolean => a.ranges.some((one) => b.ranges.some((other) => meet(one, other)));

describe("schedule", () => {
  it("puts together what is alike and does not depend on each other, and puts off what nobody waits for", () => {
    // Three times: 1 makes a value of the one before, and 2 reads it.
    const units = [0, 4, 8].flatMap((at) => [
      unit(1, [range(at + 4, at + 8, true), range(at, at + 4)]), unit(2, [range(100 + at, 104 + at, true), range(at + 4, at + 8)]),
    ]);
    expect(schedule(units, 10)).toEqual([[[0]], [[2]], [[4]], [[1], [3], [5]]]);
    expect(schedule(units, 2)).toEqual([[[0]], [[2]], [[4]], [[1], [3]], [[5]]]);
  });

  it("lets the same threads add up one after another", () => {
    const units = [adding(0, 0, range(20, 24), true), adding(0, 8, range(24, 28)), adding(8, 0, range(28, 32)), adding(40, 40, range(20, 24))];
    expect(schedule(units, 10)).toEqual([[[0, 1, 2], [3]]]);
    expect(schedule(units, 2)).toEqual([[[0, 1]], [[2], [3]]]);
  });

  it("ends a chain where another kernel comes between, or has a say in what is added", () => {
    const between = [adding(0, 0, range(20, 24), true), unit(1, [range(24, 28, true), range(0, 4)]), adding(0, 0, range(24, 28))];
    expect(schedule(between, 10)).toEqual([[[0]], [[1]], [[2]]]);
    const overwritten = [adding(0, 0, range(20, 24), true), unit(1, [range(0, 2, true)]), adding(0, 0, range(24, 28))];
    expect(schedule(overwritten, 10)).toEqual([[[0]], [[1]], [[2]]]);
    const others = [adding(0, 0, range(20, 24), true), { ...adding(0, 0, range(24, 28)), sum: { form: "2 2", to: range(0, 4, true), addend: range(0, 4) } }];
    expect(schedule(others, 10)).toEqual([[[0]], [[1]]]);
  });

  it("ends a chain where another thread's sums are a factor, or overwrite one", () => {
    expect(schedule([adding(0, 0, range(20, 24), true), adding(0, 8, range(2, 4))], 10)).toEqual([[[0]], [[1]]]);
    expect(schedule([adding(0, 0, range(8, 12), true), adding(0, 8, range(20, 24))], 10)).toEqual([[[0]], [[1]]]);
    expect(schedule([adding(0, 0, range(20, 24), true), adding(0, 2, range(20, 24))], 10)).toEqual([[[0]], [[1]]]);
  });

  it("lets checks come before what outlives the step", () => {
    const check = (at: number): Unit => unit(1, [range(at, at + 4)], { isCheck: true });
    const units = [check(0), unit(2, [range(0, 4, true, 1)]), unit(2, [range(8, 12, true)]), check(4)];
    const order = schedule(units, 10).flat(2);
    expect(order.indexOf(0)).toBeLessThan(order.indexOf(1));
    expect(order.indexOf(0)).toBeLessThan(order.indexOf(3));
  });

  it("keeps the order of all that meet, whatever the program", () => {
    const anyRange = fc.record({ space: fc.constantFrom(-1, 0, 0, 0, 1), at: fc.nat(30), size: fc.nat(8), isWritten: fc.boolean() })
      .map(({ space, at, size, isWritten }) => range(at, at + size, isWritten, space));
    const anyUnit = fc.oneof(
      fc.record({ module: fc.nat(3), threads: fc.constantFrom(1, 2 ** 15, 2 ** 18), ranges: fc.array(anyRange, { maxLength: 4 }), isCheck: fc.boolean() })
        .map(({ module, ...more }) => unit(module, more.ranges, more)),
      fc.tuple(fc.constantFrom(0, 4, 8), fc.constantFrom(0, 4, 8), anyRange, fc.boolean())
        .map(([from, to, factor, isFirst]) => adding(from, to, { ...factor, isWritten: false }, isFirst)),
    );
    fc.assert(fc.property(fc.array(anyUnit, { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), (units, most) => {
      const groups = schedule(units, most);
      expect(groups.flat(2).sort((a, b) => a - b)).toEqual(units.map((_, k) => k));
      const place = new Map(groups.flatMap((chains, g) => chains.flatMap((chain, c) => chain.map((k, n) => [k, [g, c, n]] as const))));
      for (const chains of groups) {
        expect(new Set(chains.flat().map((k) => units[k].module)).size).toBe(1);
        expect(chains.length * Math.max(...chains.map(({ length }) => length))).toBeLessThanOrEqual(most);
      }
      units.forEach((later, k) => units.slice(0, k).forEach((earlier, j) => {
        const outlives = later.ranges.some(({ space, isWritten }) => isWritten && space > 0);
        if (!conflict(earlier, later) && !(earlier.isCheck && (later.isCheck || outlives))) return;
        const [[g, c, n], [g2, c2, n2]] = [j, k].map((unit) => place.get(unit) as readonly [number, number, number]);
        expect(g < g2 || (g === g2 && c === c2 && n < n2)).toBe(true);
        // In the same dispatch only in the same threads, one after another.
        if (g === g2) expect(later.ranges.every((one) => earlier.ranges.every((other) => !meet(one, other) || isSum(one, later, other, earlier)))).toBe(true);
      }));
    }), { numRuns: 1000 });
  });
});
