import { expect, it } from "vitest";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { cost, input, parameter, setDevice, sum, type Variable, gradients } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { check, gradientOf, onDevices } from "./on-devices.ts";

const { mse } = cost;

onDevices("mse", (close, device) => {
  it("is half of the sum of squares", () => {
    setDevice(device);
    close(mse(input(3), 1).item(), 2);
    close(mse(input([1, 2, 3]), [1, 1, 1]).item(), 2.5);
    close(mse(input([[1, 2], [3, 4]]), [[1, 1], [1, 1]]).item(), 7);
    expect(mse(input([[1, 2], [3, 4]]), [[1, 1], [1, 1]]).shape).toEqual([]);
    const random = new Random(1);
    const [x, y] = [random.normalArray(24), random.normalArray(24)].map((values) => values.map(Math.fround));
    const expected = x.reduce((total, a, i) => total + (a - y[i]) ** 2 / 2, 0);
    for (const shape of [[24], [4, 6], [2, 3, 4], [24, 1]]) {
      for (const target of [y, Float32Array.from(y), input(y, shape), input(y), [...y]]) close(mse(input(x, shape), target).item(), expected);
    }
  });

  it("weighs samples, and takes their mean", () => {
    setDevice(device);
    const x = input([[1, 2], [3, 4], [5, 6]]);
    const y = [[0, 0], [0, 0], [0, 0]];
    const each = [2.5, 12.5, 30.5];
    close(mse(x, y, { reduction: "mean" }).item(), 45.5 / 3);
    close(mse(x, y, { weight: -2 }).item(), -91);
    for (const weight of [[1, 0, 2], Float32Array.of(1, 0, 2), Int32Array.of(1, 0, 2), input([1, 0, 2])]) {
      close(mse(x, y, { weight }).item(), each[0] + 2 * each[2]);
      close(mse(x, y, { weight, reduction: "mean" }).item(), (each[0] + 2 * each[2]) / 3);
    }
    close(mse(x, y, { weight: input([[0.5]]) }).item(), 22.75);
    close(mse(x, y, { weight: [0.5], reduction: "mean" }).item(), 22.75 / 3);
    // One sample: its mean is its sum.
    close(mse(input([1, 2]), [0, 0], { reduction: "mean" }).item(), 2.5);
    close(mse(input(3), 0, { reduction: "mean", weight: 2 }).item(), 9);
  });

  it("leaves padding out, whatever it holds", () => {
    setDevice(device);
    const clean = [[[1, 2], [3, 4], [0, 0]], [[5, 6], [0, 0], [0, 0]]];
    const dirty = [[[1, 2], [3, 4], [NaN, Infinity]], [[5, 6], [NaN, 7], [-Infinity, NaN]]];
    const target = [[[0, 1], [0, 1], [NaN, 9]], [[0, 1], [9, NaN], [9, 9]]];
    const mask = [[1, 1, 0], [1, 0, 0]];
    const expected = 0.5 * (1 + 1 + 9 + 9 + 25 + 25);
    const w = parameter(dirty);
    for (const given of [mask, mask.flat(), Uint8Array.from(mask.flat()), input(mask), [[true, true, false], [true, false, false]]]) {
      close(mse(w, target, { mask: given }).item(), expected);
      close(mse(w, target, { mask: given, reduction: "mean" }).item(), expected / 3);
      close(mse(w, target, { mask: given, weight: [1, 2, NaN, 3, NaN, NaN] }).item(), 0.5 * (2 + 36 + 150));
      expect(gradientOf(() => mse(w, target, { mask: given }), w)).toEqual([1, 1, 3, 3, 0, 0, 5, 5, 0, 0, 0, 0]);
    }
    const v = parameter(clean);
    check(() => mse(v, target, { mask, weight: [1, 2, 3, 0.5, 1, 1], reduction: "mean" }), { v });
    // A mask that the step computes.
    check(() => mse(v, target, { mask: input(mask).mul(1), reduction: "mean" }), { v });
    close(gradientOf(() => mse(w, target, { mask: input(mask).mul(1), reduction: "mean" }), w)[2], 1);
    expect(mse(w, target, { mask: new Array(6).fill(0), reduction: "mean" }).item()).toBe(0);
    expect(gradientOf(() => mse(w, target, { mask: new Array(6).fill(0), reduction: "mean" }), w)).toEqual(new Array(12).fill(0));
  });

  it("passes gradients to output, target and weight, to second order", () => {
    setDevice(device);
    const x = parameter([[1, -2, 0.5], [0, 3, 1]]);
    const y = parameter([[0, 1, 2], [-1, 0, 0.5]]);
    const weight = parameter([0.5, 2]);
    for (const reduction of ["sum", "mean"] as const) check(() => mse(x, y, { weight, reduction }), { x, y, weight });
    check(() => sum(gradients(() => mse(x, y, { weight }).pow(2), [x])[0].pow(2)), { x, y, weight });
  });

  it("takes nothing: no samples, no features", () => {
    setDevice(device);
    for (const shape of [[0], [0, 3], [3, 0], [2, 0, 3]]) {
      const w = parameter([], shape);
      for (const reduction of ["sum", "mean"] as const) {
        expect(mse(w, input([], shape), { reduction }).item()).toBe(0);
        expect(gradientOf(() => mse(w, [], { reduction }), w)).toEqual([]);
      }
    }
  });

  it("has a mean of equal costs that is each of them, for any number", () => {
    setDevice(device);
    for (let n = 1; n <= 300; n++) {
      const [x, mask] = [input(new Array(n).fill(2), [n, 1]), new Array(n).fill(1)];
      for (const options of [{}, { weight: 3 }, { mask }, { weight: new Array(n).fill(3) }]) {
        expect(mse(x, new Array(n).fill(0), { reduction: "mean", ...options }).item(), `${n} ${Object.keys(options)}`).toBe("weight" in options ? 6 : 2);
      }
    }
  });

  it("says NaN where the data are", () => {
    setDevice(device);
    expect(mse(input([1, NaN]), [0, 0]).item()).toBeNaN();
    expect(mse(input([1, 1]), [0, NaN]).item()).toBeNaN();
  });

  it("refuses what does not fit, and says what it got", () => {
    setDevice(device);
    const x = input([[1, 2], [3, 4], [5, 6]]);
    expect(() => mse([1, 2] as unknown as Variable, [1, 2])).toThrow(ValueError);
    expect(() => mse(x, [[1, 2, 3], [4, 5, 6]])).toThrow(/mse got an output of shape \[3, 2\], but targets of shape \[2, 3\]/);
    expect(() => mse(x, 1)).toThrow(ShapeError);
    expect(() => mse(x, [[1, 2], [3], [4, 5]])).toThrow(/mse got ragged targets: an array of 1 where others have an array of 2/);
    expect(() => mse(x, [[1, 2], 3, [4, 5]] as never)).toThrow(ShapeError);
    expect(() => mse(x, [[1, 2], [3, [4]], [4, 5]] as never)).toThrow(ShapeError);
    expect(() => mse(x, "a" as never)).toThrow(/mse takes numbers as targets, but got "a"/);
    expect(() => mse(x, [[1, "2"], [3, 4], [5, 6]] as never)).toThrow(ValueError);
    expect(() => mse(x, x, { weight: [1, 2] })).toThrow(/mse got weight of shape \[2\] for samples of shape \[3\]/);
    expect(() => mse(x, x, { weight: NaN })).toThrow(ValueError);
    expect(() => mse(x, x, { weight: [1, Infinity, 1] })).toThrow(/mse takes finite weights, but got Infinity for sample 1/);
    expect(() => mse(x, x, { mask: [1, 0] })).toThrow(/mse got mask of shape \[2\] for samples of shape \[3\]/);
    expect(() => mse(x, x, { mask: [1, 0, 0.5] })).toThrow(/mse got 0.5 in its mask/);
    expect(() => mse(x, x, { reduction: "all" as "sum" })).toThrow(/mse takes "sum", "mean" or "none" as reduction, but got "all"/);
  });
});
