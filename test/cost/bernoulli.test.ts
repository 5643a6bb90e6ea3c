import { describe, expect, it } from "vitest";
import { ValueError } from "../../src/support/errors.ts";
import { cost, gradients, input, parameter, setDevice, sigmoid, sum } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { check, gradientOf, onDevices } from "./on-devices.ts";

const { bernoulliCrossEntropy, bernoulliCrossEntropyWithScores } = cost;

onDevices("bernoulliCrossEntropyWithScores", (close, device) => {
  it("is the negative log likelihood", () => {
    setDevice(device);
    const random = new Random(1);
    const x = random.uniformArray(12, -4, 4);
    const y = Array.from({ length: 12 }, () => random.integer(0, 2));
    const expected = x.reduce((total, score, i) => total - Math.log(1 / (1 + Math.exp(y[i] === 1 ? -score : score))), 0);
    for (const shape of [[12], [4, 3], [2, 2, 3], [12, 1]]) {
      for (const target of [y, Int32Array.from(y), y.map((label) => label === 1), input(y, shape)]) {
        close(bernoulliCrossEntropyWithScores(input(x, shape), target).item(), expected);
        close(bernoulliCrossEntropy(sigmoid(input(x, shape)), target).item(), expected);
      }
    }
    close(bernoulliCrossEntropyWithScores(input(2), true).item(), Math.log1p(Math.exp(-2)));
    close(bernoulliCrossEntropyWithScores(input(2), 0).item(), Math.log1p(Math.exp(2)));
    // Targets between.
    close(bernoulliCrossEntropyWithScores(input([2]), [0.25]).item(), 0.25 * Math.log1p(Math.exp(-2)) + 0.75 * Math.log1p(Math.exp(2)));
  });

  it("keeps its digits for scores of any size", () => {
    setDevice(device);
    for (const score of [-1e6, -1e3, -100, -40, -20, -1e-3, 0, 1e-3, 20, 33, 34, 40, 100, 1e3, 1e6]) {
      for (const target of [0, 1]) {
        const signed = target === 1 ? -score : score;
        const w = parameter([score]);
        const found = bernoulliCrossEntropyWithScores(w, [target]).item();
        const expected = Math.max(signed, 0) + Math.log1p(Math.exp(-Math.abs(score)));
        if (expected > 1e-30) close(found / expected, 1);
        else expect(found).toBeLessThan(1e-30);
        const slope = 1 / (1 + Math.exp(-signed)) * (target === 1 ? -1 : 1);
        const [gradient] = gradientOf(() => bernoulliCrossEntropyWithScores(w, [target]), w);
        if (Math.abs(slope) > 1e-30) close(gradient / slope, 1);
        else expect(Math.abs(gradient)).toBeLessThan(1e-30);
      }
    }
  });

  it("passes gradients to scores, targets and weights, to second order also at 0", () => {
    setDevice(device);
    const x = parameter([[0, -2, 0.5], [40, 3, 0]]);
    const y = parameter([[0.1, 0.9, 0.5], [0.3, 0.5, 0.5]]);
    const weight = parameter([0.5, 2]);
    check(() => bernoulliCrossEntropyWithScores(x, y, { weight, reduction: "mean" }), { x, y, weight });
    check(() => sum(gradients(() => bernoulliCrossEntropyWithScores(x, y, { weight }), [x])[0].pow(2)), { x, y, weight });
  });

  it("leaves padding out, whatever it holds", () => {
    setDevice(device);
    const w = parameter([[1, 2], [NaN, Infinity], [3, -1]]);
    const target = [[1, 0], [-1, 7], [0, 1]];
    const expected = Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(2)) + Math.log1p(Math.exp(3)) + Math.log1p(Math.exp(1));
    const f = () => bernoulliCrossEntropyWithScores(w, target, { mask: [1, 0, 1], reduction: "mean" });
    close(f().item(), expected / 2);
    const found = gradientOf(f, w);
    expect(found.slice(2, 4)).toEqual([0, 0]);
    close(found[0], -0.5 / (1 + Math.exp(1)));
    const clean = parameter([[1, 2], [0, 0], [3, -1]]);
    check(() => bernoulliCrossEntropyWithScores(clean, target, { mask: [1, 0, 1], reduction: "mean", weight: [1, 2, 3] }), { clean });
  });

  it("takes nothing, and says NaN where the data are", () => {
    setDevice(device);
    const none = parameter([], [0, 3]);
    expect(gradientOf(() => bernoulliCrossEntropyWithScores(none, [], { reduction: "mean" }), none)).toEqual([]);
    expect(bernoulliCrossEntropyWithScores(none, []).item()).toBe(0);
    expect(bernoulliCrossEntropyWithScores(input([NaN]), [1]).item()).toBeNaN();
    expect(bernoulliCrossEntropy(input([NaN]), [1]).item()).toBeNaN();
  });
});

onDevices("bernoulliCrossEntropy", (close, device) => {
  it("is guarded against the logarithm of 0", () => {
    setDevice(device);
    const w = parameter([[0, 1], [1, 0], [1e-30, 0.5]]);
    const target = [[1, 0], [1, 0], [1, 1]];
    const f = () => bernoulliCrossEntropy(w, target);
    close(f().item(), 3 * -Math.log(1e-20) + Math.LN2);
    const found = gradientOf(f, w);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(found.map((x) => x + 0)).toEqual([0, 0, -1, 1, 0, -2]);
  });

  it("passes gradients, to second order", () => {
    setDevice(device);
    const p = parameter([[0.1, 0.5], [0.9, 0.3]]);
    const y = parameter([[0, 1], [0.5, 0.25]]);
    // Central differences step out of [0, 1] where targets are at its ends.
    check(() => bernoulliCrossEntropy(p, y.detach(), { weight: [1, 3] }), { p });
    check(() => sum(gradients(() => bernoulliCrossEntropy(p, y.detach()), [p])[0].pow(2)), { p });
    const inside = parameter([[0.2, 0.7], [0.5, 0.25]]);
    check(() => bernoulliCrossEntropy(p, inside), { p, inside });
  });
});

describe.each(
  [["bernoulliCrossEntropy", bernoulliCrossEntropy], ["bernoulliCrossEntropyWithScores", bernoulliCrossEntropyWithScores]] as const,
)("%s", (name, f) => {
  it("refuses targets that are none", () => {
    for (const target of [-1, 2, NaN]) {
      expect(() => f(input([0.5, 0.5]), [0, target])).toThrow(ValueError);
      expect(() => f(input([0.5, 0.5]), [0, target])).toThrow(`${name} takes targets from 0 to 1, but got ${target}.`);
    }
    expect(() => f(input([0.5, 0.5]), [1])).toThrow(`${name} got an output of shape [2], but targets of shape [1]`);
    expect(() => f(0.5 as never, 1)).toThrow(ValueError);
  });
});
