/** `if (x.greater(0))` is always true: debug({ checkComparisons: true }) says so. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { calledOutside } from "../../src/engine/comparisons.ts";
import {
  Adam, add, argmax, debug, evaluate, grad, gradients, greater, input, less, maximum, NanError, parameter, setDevice, UsageError, type Variable, where, zeros,
} from "../../src/index.ts";

const names = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const;

describe.each(["wasm", "reference"] as const)("debug({ checkComparisons: true }) on %s", (device) => {
  beforeEach(() => {
    setDevice(device);
    debug({ checkComparisons: true });
  });
  afterEach(() => {
    debug({ checkComparisons: false, checkNumerics: false, eager: false });
    setDevice("wasm");
  });

  const x = input([1, 2]);
  const w = parameter([1, 2]);

  it.each(names)("finds %s as a condition, and names the line", (name) => {
    const step = (): number => evaluate(() => (x.sum()[name](1) ? 1 : 2));
    expect(step).toThrow(UsageError);
    expect(step).toThrow(new RegExp(`The result of ${name}, called at .*comparisons\\.test\\.ts:\\d+:\\d+, was not used in the step.*always true.*item\\(\\)`));
  });

  it("finds it in every form, in grad, evaluate, gradients, and beside what is returned", () => {
    expect(() => grad(() => { if (w.sum().less(0)) return w.mean(); return w.sum(); })).toThrow(UsageError);
    expect(() => grad(() => (!greater(w, 1) ? w.mean() : w.sum()))).toThrow(UsageError);
    expect(() => gradients(() => (w.greater(1) && x ? w.sum() : w.mean()), [w])).toThrow(UsageError);
    expect(() => evaluate(() => [x.equal(1) || 1, x.add(1).equal(2)].slice(1))).toThrow(UsageError);
    expect(w.grad).toBeNull();
  });

  it("ends a loop that would never end", () => {
    const loop = (): Variable => evaluate(() => {
      let y = x.sum();
      while (less(y, 100)) y = y.add(1);
      return y;
    });
    expect(loop).toThrow(/less, called at .*comparisons\.test\.ts:\d+:\d+, was not used in the first 1000000 operations of the step/);
    expect(evaluate(() => x.add(1)).toArray()).toEqual([2, 3]);
  }, 60_000);

  it("lets pass what is used, looked at or returned", () => {
    expect(evaluate(() => x.greater(1)).toArray()).toEqual([0, 1]);
    expect(evaluate(() => ({ right: [x.equal(2)] })).right[0].toArray()).toEqual([0, 1]);
    expect(evaluate(() => where(x.less(2), x, 0)).toArray()).toEqual([1, 0]);
    expect(evaluate(() => { let y = x.sum(); while (y.less(100).item() === 1) y = y.add(y); return y; }).item()).toBe(192);
    const { loss, right } = grad(() => ({ loss: w.sum(), right: argmax(w).equal(1) }));
    expect([loss.item(), right.item()]).toEqual([3, 1]);
    new Adam(w, { clip: { norm: 1 } }).update();
    // What reverse rules compare is not the user's.
    grad(() => maximum(w, 1).max());
    expect(gradients(() => w.max(), [w])[0].toArray()).toEqual([0, 1]);
  });

  it("goes together with the other aids", () => {
    debug({ checkNumerics: true, eager: true });
    expect(() => evaluate(() => (x.greater(1) ? 1 : 2))).toThrow(UsageError);
    expect(evaluate(() => where(x.less(2), x, 0)).toArray()).toEqual([1, 0]);
    expect(() => evaluate(() => x.less(2).div(0))).toThrow(NanError);
  });
});

describe("comparisons outside of steps", () => {
  beforeEach(() => debug({ checkComparisons: true }));
  afterEach(() => debug({ checkComparisons: false }));

  /** As many operations as it takes, without computing them. */
  const many = (): void => { for (let i = 0; i < 1e6; i++) calledOutside(one); };
  const one = zeros([]);

  it("are found after a million operations, unless they have been used or looked at", () => {
    const x = input([1, 2]);
    x.greater(1);
    add(x.less(2), 1);
    expect(x.equal(1).toArray()).toEqual([1, 0]);
    expect(() => many()).toThrow(/greater, called at .*comparisons\.test\.ts:\d+:\d+, was not used in 1000000 operations outside of steps/);
    const used = [x.less(2), x.equal(1)];
    expect(add(used[0], used[1]).toArray()).toEqual([2, 0]);
    expect(used[0].toArray()).toEqual([1, 0]);
    expect(() => many()).not.toThrow();
  });
});

it("costs nothing and says nothing unless it is asked for", () => {
  expect(evaluate(() => (input([1]).greater(3) ? 1 : 2))).toBe(1);
});
