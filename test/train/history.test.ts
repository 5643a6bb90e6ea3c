import { describe, expect, it } from "vitest";
import { Curve } from "../../src/train/history.ts";

describe("a loss curve", () => {
  it("keeps every step while there are few", () => {
    const curve = new Curve(8);
    for (let step = 1; step <= 7; step++) curve.add(step, step);
    expect(curve.points(7)).toEqual({ every: 1, step: [1, 2, 3, 4, 5, 6, 7], loss: [1, 2, 3, 4, 5, 6, 7] });
  });

  it("has means of equally many steps when there are more, and never more points than its limit", () => {
    const curve = new Curve(8);
    for (let step = 1; step <= 1000; step++) {
      curve.add(step, step);
      expect(curve.points(step).step.length).toBeLessThanOrEqual(8);
    }
    const { every, step, loss } = curve.points(1000);
    expect(every).toBe(128);
    expect(step).toEqual([128, 256, 384, 512, 640, 768, 896, 1000]);
    // Means of consecutive integers, exact in float64.
    expect(loss).toEqual([64.5, 192.5, 320.5, 448.5, 576.5, 704.5, 832.5, 948.5]);
  });

  it("goes on from its state", () => {
    const [a, b] = [new Curve(8), new Curve(8)];
    for (let step = 1; step <= 100; step++) a.add(step, Math.sin(step));
    for (let step = 1; step <= 37; step++) b.add(step, Math.sin(step));
    const c = new Curve(8);
    c.state = JSON.parse(JSON.stringify(b.state));
    for (let step = 38; step <= 100; step++) c.add(step, Math.sin(step));
    expect(c.points(100)).toEqual(a.points(100));
  });
});
