import { describe, expect, it } from "vitest";
import { Dropout } from "../../src/components/index.ts";
import { evaluate, grad, ones, parameter, Random, seed, ValueError } from "../../src/index.ts";
import { draw, expectClose, expectValue } from "./plain.ts";

describe("Dropout", () => {
  it("keeps what the generator gives at least p for, and divides it by 1 − p", () => {
    const layer = new Dropout({ p: 0.25 });
    const x = draw([12]);
    const u = new Random(9).uniformArray(12);
    seed(9);
    const w = parameter([1]);
    const { y } = grad(() => { const y = layer.forward(x); return { loss: y.sum().mul(w).sum(), y }; });
    expectClose(y.toArray(), [...x.data].map((value, i) => (u[i] < 0.25 ? 0 : value / 0.75)));
    expectValue(() => layer.forward(x), x.toArray());
  });

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
    expect(new Set(y.data)).toEqual(new Set([0, new (y.data.constructor as Float32ArrayConstructor)([4 / 3])[0]]));
    // 4000 draws of probability ¼: deviation √750; five of them.
    expect(Math.abs(y.data.filter((value) => value === 0).length - 1000)).toBeLessThan(5 * Math.sqrt(750));
  });

  it("refuses what is no probability", () => {
    for (const p of [-0.1, 1, NaN, "0.5" as never]) expect(() => new Dropout({ p })).toThrow(ValueError);
    expect(() => new Dropout({} as never)).toThrow("Dropout takes as p the share that is dropped, from 0 to less than 1, but got undefined.");
  });
});
