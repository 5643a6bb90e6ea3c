import { describe, expect, it } from "vitest";
import { Dropout } from "../../src/components/index.ts";
import { evaluate, grad, ones, parameter, seed, ValueError } from "../../src/index.ts";

describe("Dropout", () => {
  it("acts inside grad only", () => {
    seed(1);
    const layer = new Dropout({ p: 0.25 });
    const x = ones([4000]);
    expect(evaluate(() => layer.forward(x)).data).toEqual(x.data);
    const w = parameter([1]);
    const { y } = grad(() => {
      const dropped = layer.forward(x);
      return { loss: dropped.mul(w).sum(), y: dropped };
    });
    expect(new Set(y.data)).toEqual(new Set([0, Math.fround(4 / 3)]));
    // 4000 draws of probability ¼: deviation √750; five of them.
    expect(Math.abs(y.data.filter((value) => value === 0).length - 1000)).toBeLessThan(5 * Math.sqrt(750));
  });

  it("refuses what is no probability", () => {
    for (const p of [-0.1, 1, NaN, "0.5" as never]) expect(() => new Dropout({ p })).toThrow(ValueError);
    expect(() => new Dropout({} as never)).toThrow("Dropout takes as p the share that is dropped, from 0 to less than 1, but got undefined.");
  });
});
