import { describe, expect, it } from "vitest";
import { ShapeError, UsageError, ValueError } from "../../src/support/errors.ts";
import { cost, evaluate, grad, gradients, input, parameter, ready, setDevice, sum, type Variable, zeros } from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, randomScores } from "../ctc/brute-force.ts";
import { check, gradientOf, onDevices } from "./on-devices.ts";
import { onBoth, unwaited } from "../devices/unwaited.ts";

const { ctcWithScores } = cost;

const random = new Random(21);
const utterances = [5, 3, 4].map((steps) => randomScores(random, steps, 3));
const targets = [[1, 1], [2, 1], []];
const inputLengths = [5, 3, 4];
const each = utterances.map((scores, i) => -(labellings(scores, 3, 0).get(targets[i].join())?.score ?? NaN));
const padded = (filler: number) => utterances.map((scores) => [...scores, ...Array.from({ length: 5 - scores.length }, () => [filler, 1, filler])]);

onDevices("ctcWithScores", (close, device) => {
  it("weighs the utterances and adds them up", () => {
    setDevice(device);
    close(ctcWithScores(input(utterances[0]), targets[0]).item(), each[0]);
    close(ctcWithScores(input(utterances[0]), targets[0], { weight: 3, reduction: "mean" }).item(), 3 * each[0]);
    const x = input(padded(0));
    const found = ctcWithScores(x, targets, { inputLengths });
    expect(found.shape).toEqual([]);
    close(found.item(), each[0] + each[1] + each[2]);
    close(ctcWithScores(x, targets, { inputLengths, reduction: "mean" }).item(), (each[0] + each[1] + each[2]) / 3);
    for (const weight of [[1, -2, 0.5], input([1, -2, 0.5])]) {
      close(ctcWithScores(x, targets, { inputLengths, weight }).item(), each[0] - 2 * each[1] + 0.5 * each[2]);
    }
    close(ctcWithScores(utterances[0].map((row) => input(row)), targets[0]).item(), each[0]);
  });

  it("leaves utterances out, whatever they hold", () => {
    setDevice(device);
    const w = parameter([utterances[0], padded(NaN)[1].map((row) => row.map(() => NaN)), padded(0)[2]]);
    const options = { inputLengths: [5, 99, 4], mask: [1, 0, 1], targetLengths: [2, -1, 0] };
    const given = [[1, 1], [0, 7, 7, 7, 7, 7], []];
    close(ctcWithScores(w, given, options).item(), each[0] + each[2]);
    close(ctcWithScores(w, given, { ...options, reduction: "mean", weight: [2, NaN, 4] }).item(), each[0] + 2 * each[2]);
    for (const mask of [input([1, 0, 1]), [true, false, true]]) close(ctcWithScores(w, given, { ...options, mask }).item(), each[0] + each[2]);
    const found = gradientOf(() => ctcWithScores(w, given, options), w);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(found.slice(15, 30)).toEqual(new Array(15).fill(0));
    expect(ctcWithScores(input(utterances[0]), [], { mask: 0, reduction: "mean" }).item()).toBe(0);
  });

  it("takes a mask of steps for lengths", () => {
    setDevice(device);
    const w = parameter(padded(NaN));
    const mask = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]];
    const expected = gradientOf(() => ctcWithScores(w, targets, { inputLengths, reduction: "mean" }), w);
    for (const given of [mask, input(mask), mask.map((row) => row.map((x) => x === 1))]) {
      close(ctcWithScores(w, targets, { mask: given }).item(), each[0] + each[1] + each[2]);
      expect(gradientOf(() => ctcWithScores(w, targets, { mask: given, reduction: "mean" }), w)).toEqual(expected);
    }
    close(ctcWithScores(input(padded(NaN)[1]), targets[1], { mask: mask[1] }).item(), each[1]);
  });

  it("passes gradients", () => {
    setDevice(device);
    const w = parameter(padded(0));
    const weight = parameter([1, 2, -0.5]);
    check(() => ctcWithScores(w, targets, { inputLengths, weight, reduction: "mean" }), { w, weight });
    check(() => ctcWithScores(w, targets, { inputLengths, mask: [1, 0, 1] }), { w });
    const one = parameter(utterances[1]);
    check(() => ctcWithScores(one, [0, 1], { blank: 2, weight: 2 }), { one });
    const step = parameter([[1, 2, 3]]);
    check(() => ctcWithScores(step, [1]), { step });
    expect(() => gradients(() => sum(gradients(() => ctcWithScores(one, [1]), [one])[0].pow(2)), [one])).toThrow(UsageError);
  });

  it("gives infeasible targets what was asked for", () => {
    setDevice(device);
    const w = parameter(padded(0));
    expect(() => ctcWithScores(w, [[1, 1, 1], [1, 1], [1]], { inputLengths: [5, 2, 4] })).toThrow(ValueError);
    expect(() => ctcWithScores(w, [[1, 1, 1], [1, 1], [1]], { inputLengths: [5, 2, 4] }))
      .toThrow(/ctcWithScores got a target of 2 labels for utterance 1, which needs 3 steps/);
    const f = () => ctcWithScores(w, [[1, 1, 1], [1, 1], [1]], { inputLengths: [5, 2, 4], infeasible: "infinity" });
    expect(f().item()).toBe(Infinity);
    const found = gradientOf(f, w);
    expect(found.slice(15, 30)).toEqual(new Array(15).fill(0));
    expect(found.every(Number.isFinite)).toBe(true);
    expect(found.some((x) => x !== 0)).toBe(true);
  });

  it("refuses what does not fit, and says what it got", () => {
    setDevice(device);
    const x = input(padded(0));
    expect(() => ctcWithScores(input([1, 2]), [1])).toThrow(/ctcWithScores takes scores of shape/);
    expect(() => ctcWithScores(x, [1, 2])).toThrow(ShapeError);
    expect(() => ctcWithScores(x, targets, { weight: [1, 2] })).toThrow(/ctcWithScores got weight of shape \[2\] for samples of shape \[3\]/);
    expect(() => ctcWithScores(x, targets, { mask: [1, 0] })).toThrow(/ctcWithScores got mask of shape \[2\]/);
    expect(() => ctcWithScores(x, targets, { mask: [1, 0, 2] })).toThrow(/got 2 in its mask/);
    const steps = [[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0]];
    expect(() => ctcWithScores(x, targets, { mask: steps })).toThrow(/with a 1 after a 0 in row 1/);
    expect(() => ctcWithScores(x, targets, { mask: steps.map((row) => row.map((m) => 2 * m)) })).toThrow(/got 2 in its mask/);
    expect(() => ctcWithScores(x, targets, { mask: steps, inputLengths })).toThrow(/inputLengths and a mask of steps/);
  });
});

describe("ctcWithScores where nobody can wait", () => {
  it("takes targets, lengths and masks as Variables that are known, and says how they become so", async () => {
    await onBoth(async () => {
      const scores = parameter([[[1, 0, 2], [0, 1, 0], [2, 1, 0]], [[0, 2, 1], [1, 1, 0], [0, 0, 1]]]);
      const given = [input([[1, 2], [2, 0]]), input([3, 2]), input([2, 1]), input([1, 1])];
      const [targets, inputLengths, targetLengths, mask] = await ready(given.map((x) => x.mul(1)));
      const options = { inputLengths, targetLengths, mask };
      const losses = [grad(() => cost.ctcWithScores(scores, targets, options))];
      losses.push(grad(() => cost.ctcWithScores(scores, [[1], [2]], { mask: input([[1, 1, 1], [1, 1, 0]]) })));
      await ready([losses, scores.grad]);
      return [losses.map((loss) => loss.item()), scores.grad?.toArray()];
    });
    unwaited();
    const scores = zeros([2, 3, 3]);
    const away = (values: readonly number[]): Variable => input(values).mul(1);
    for (const [targets, options] of [
      [input([[1, 2], [2, 1]]).mul(1), {}], [[[1], [2]], { inputLengths: away([3, 3]) }], [[[1], [2]], { targetLengths: away([1, 1]) }],
      [[[1], [2]], { mask: away([1, 0]) }],
    ] as const) expect(() => evaluate(() => cost.ctcWithScores(scores, targets, options))).toThrow(/await ready\(x\)/);
  });
});
