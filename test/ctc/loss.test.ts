import { afterEach, describe, expect, it } from "vitest";
import { negativeLogLikelihood } from "../../src/ctc/index.ts";
import { ShapeError, UsageError, ValueError } from "../../src/support/errors.ts";
import {
  affine, checkGradients, evaluate, grad, gradients, input, type Parameter, parameter, setDevice, sum, type Variable,
} from "../../src/index.ts";
import { Random } from "../../src/random/random.ts";
import { labellings, randomLabels, randomScores } from "./brute-force.ts";

const random = new Random(11);
const utterances = [6, 4, 1, 3].map((steps) => randomScores(random, steps, 4));
const targets = [[1, 1, 3], [2, 3], [], [2]];
const inputLengths = [6, 4, 1, 3];
const exact = utterances.map((scores, i) => -(labellings(scores, 4, 0).get(targets[i].join())?.score ?? NaN));
/** As one batch, with something in the padding that must not matter. */
const padded = (filler: number): number[][][] =>
  utterances.map((scores) => [...scores, ...Array.from({ length: 6 - scores.length }, () => [filler, 1, filler, 2])]);

const named = (parameters: Record<string, Parameter>) => new Map(Object.entries(parameters));
const gradientOf = (f: () => Variable, w: Parameter): number[] => {
  w.clearGrad();
  grad(f);
  return [...(w.grad as Variable).data];
};

afterEach(() => setDevice("wasm"));

describe.each([["wasm", 6], ["reference", 12]] as const)("negativeLogLikelihood on %s", (device, digits) => {
  const expectClose = (found: ArrayLike<number>, expected: readonly number[]) => {
    expect(found).toHaveLength(expected.length);
    Array.from(found).forEach((x, i) => {
      expect(x / Math.max(1, Math.abs(expected[i]))).toBeCloseTo(expected[i] / Math.max(1, Math.abs(expected[i])), digits);
    });
  };

  it("is that of brute force, for one utterance and for a batch", () => {
    setDevice(device);
    utterances.forEach((scores, i) => {
      const found = negativeLogLikelihood(input(scores), targets[i]);
      expect(found.shape).toEqual([]);
      expectClose([found.item()], [exact[i]]);
    });
    const found = negativeLogLikelihood(input(padded(NaN)), targets, { inputLengths });
    expect(found.shape).toEqual([4]);
    expectClose(found.data, exact);
  });

  it("takes targets and lengths in every form", () => {
    setDevice(device);
    const x = input(padded(0));
    const expected = [...negativeLogLikelihood(x, targets, { inputLengths }).data];
    const matrix = [[1, 1, 3], [2, 3, -1], [-1, -1, -1], [2, 0, 99]];
    for (const lengths of [inputLengths, Int32Array.from(inputLengths), input(inputLengths)]) {
      for (const labels of [targets, targets.map((target) => Int32Array.from(target))]) {
        expect([...negativeLogLikelihood(x, labels, { inputLengths: lengths }).data]).toEqual(expected);
      }
      for (const targetLengths of [[3, 2, 0, 1], input([3, 2, 0, 1])]) {
        expect([...negativeLogLikelihood(x, matrix, { inputLengths: lengths, targetLengths }).data]).toEqual(expected);
        expect([...negativeLogLikelihood(x, input(matrix), { inputLengths: lengths, targetLengths }).data]).toEqual(expected);
      }
    }
    const one = negativeLogLikelihood(input(utterances[0]), targets[0]).item();
    expect(negativeLogLikelihood(input(utterances[0]), input(targets[0])).item()).toBe(one);
    expect(negativeLogLikelihood(input(utterances[0]), [1, 1, 3, 7], { targetLengths: 3, inputLengths: 6 }).item()).toBe(one);
    // One Variable for each step.
    expect(negativeLogLikelihood(utterances[0].map((row) => input(row)), targets[0]).item()).toBe(one);
    const steps = Array.from({ length: 6 }, (_, t) => input(padded(0).map((scores) => scores[t])));
    expect([...negativeLogLikelihood(steps, targets, { inputLengths }).data]).toEqual(expected);
    // Labels that the step computes are looked at.
    expect(evaluate(() => negativeLogLikelihood(x, input(matrix).add(0), { inputLengths, targetLengths: input([1, 0, -2, -1]).add(2) })).toArray())
      .toEqual(expected);
  });

  it("passes gradients, also weighed, added and through other operations", () => {
    setDevice(device);
    const w = parameter(padded(0));
    checkGradients(() => sum(negativeLogLikelihood(w, targets, { inputLengths })), named({ w }));
    checkGradients(() => sum(negativeLogLikelihood(w, targets, { inputLengths }).mul(input([1, -2, 3, 0.5])).exp().log()), named({ w }));
    const one = parameter(utterances[0]);
    checkGradients(() => negativeLogLikelihood(one, [1, 1, 3]), named({ one }));
    checkGradients(() => negativeLogLikelihood(one, [2], { blank: 3 }), named({ one }));
    checkGradients(() => negativeLogLikelihood(one, []), named({ one }));
    const a = parameter(randomScores(random, 4, 5));
    const b = parameter(randomScores(random, 1, 4)[0]);
    const x = input(randomScores(random, 7, 5));
    checkGradients(() => negativeLogLikelihood(affine(a, x, b), [3, 3, 1]), named({ a, b }));
    // In a list, one Variable for each step.
    const steps = utterances[0].map((row) => parameter(row));
    checkGradients(() => negativeLogLikelihood(steps, [1, 1, 3]), new Map(steps.map((step, t) => [`${t}`, step])));
  });

  it("gives padding no gradient, whatever it holds", () => {
    setDevice(device);
    const [clean, dirty] = [parameter(padded(0)), parameter(padded(NaN))];
    const f = (w: Parameter) => () => sum(negativeLogLikelihood(w, targets, { inputLengths }));
    const expected = gradientOf(f(clean), clean);
    expect(gradientOf(f(dirty), dirty)).toEqual(expected);
    expect(expected.slice(24 + 16, 48)).toEqual(new Array(8).fill(0));
  });

  it("computes the gradient also of a step that trains nothing, and after a look", () => {
    setDevice(device);
    const w = parameter(utterances[0]);
    const expected = gradientOf(() => negativeLogLikelihood(w, [1, 1, 3]), w);
    const inside = evaluate(() => gradients(() => negativeLogLikelihood(w, [1, 1, 3]), [w])[0]);
    expect([...inside.data]).toEqual(expected);
    expect([...gradients(() => negativeLogLikelihood(w, [1, 1, 3]), [w])[0].data]).toEqual(expected);
    let looked = 0;
    expect(gradientOf(() => {
      const loss = negativeLogLikelihood(w, [1, 1, 3]);
      looked = loss.item();
      return loss.mul(looked > 0 ? 1 : 2);
    }, w)).toEqual(expected);
    expectClose([looked], [exact[0]]);
    expect(evaluate(() => negativeLogLikelihood(w, [1, 1, 3])).item()).toBe(looked);
  });

  it("is right when targets change and the structure stays", () => {
    setDevice(device);
    const w = parameter(randomScores(random, 5, 4));
    const scores = w.toArray() as number[][];
    const expected = labellings(scores, 4, 0);
    for (let i = 0; i < 12; i++) {
      const target = randomLabels(random, i % 4, 4);
      const loss = grad(() => negativeLogLikelihood(w, target, { infeasible: "infinity" })).item();
      const likelihood = expected.get(target.join())?.score ?? -Infinity;
      if (likelihood === -Infinity) expect(loss).toBe(Infinity);
      else expectClose([loss], [-likelihood]);
      w.clearGrad();
    }
  });

  it("takes no steps, no utterances, one step", () => {
    setDevice(device);
    const none = parameter([], [0, 3]);
    expect(grad(() => negativeLogLikelihood(none, [])).item()).toBe(0);
    expect((none.grad as Variable).shape).toEqual([0, 3]);
    expect(negativeLogLikelihood(none, []).item()).toBe(0);
    const empty = parameter([], [0, 5, 3]);
    expect(grad(() => sum(negativeLogLikelihood(empty, []))).item()).toBe(0);
    expect(negativeLogLikelihood(empty, []).shape).toEqual([0]);
    const noSteps = parameter([], [2, 0, 3]);
    expect(grad(() => sum(negativeLogLikelihood(noSteps, [[], []]))).item()).toBe(0);
    const step = parameter([[1, 2, 3]]);
    checkGradients(() => negativeLogLikelihood(step, [2]), named({ step }));
    checkGradients(() => negativeLogLikelihood(step, []), named({ step }));
  });

  it("gives an infeasible target +∞ and no gradient if asked to, and refuses it otherwise", () => {
    setDevice(device);
    const w = parameter([utterances[0].slice(0, 2), utterances[1].slice(0, 2)]);
    const f = () => negativeLogLikelihood(w, [[1, 1], [1]], { infeasible: "infinity" });
    expect(f().toArray()).toEqual([Infinity, expect.closeTo((f().toArray() as number[])[1], 9)]);
    const found = gradientOf(() => sum(f()), w);
    expect(found.slice(0, 8)).toEqual(new Array(8).fill(0));
    expect(found.slice(8)).toEqual(gradientOf(() => sum(negativeLogLikelihood(w, [[], [1]])), w).slice(8));
    // More labels than there is room for where targets are kept.
    expect(negativeLogLikelihood(w, [[1, 2, 3, 1, 2, 3, 1], []], { infeasible: "infinity" }).toArray()).toEqual([Infinity, expect.any(Number)]);
    for (const target of [[1, 1], [1, 2, 3]]) expect(() => negativeLogLikelihood(w, [[1], target])).toThrow(ValueError);
    expect(() => negativeLogLikelihood(w, [[1], [1, 1]]))
      .toThrow(/negativeLogLikelihood got a target of 2 labels for utterance 1, which needs 3 steps .* has 2.*infeasible: "infinity"/);
    expect(() => negativeLogLikelihood(input(padded(0)), [[1, 2, 3], [], [1, 2], []], { inputLengths })).toThrow(/utterance 2, which needs 2 steps .* has 1/);
  });

  it("says NaN where scores are none, and leaves other utterances alone", () => {
    setDevice(device);
    const scores = [utterances[0].slice(0, 3), utterances[1].slice(0, 3)];
    scores[0] = [scores[0][0], [NaN, 0, 0, 0], scores[0][2]];
    const w = parameter(scores);
    const losses = negativeLogLikelihood(w, [[1], [2]]).toArray() as number[];
    expect(losses[0]).toBeNaN();
    expectClose([losses[1]], [negativeLogLikelihood(input(scores[1]), [2]).item()]);
    const found = gradientOf(() => sum(negativeLogLikelihood(w, [[1], [2]])), w);
    expect(found.slice(0, 12).every(Number.isNaN)).toBe(true);
    expect(found.slice(12).every(Number.isFinite)).toBe(true);
  });

  it("keeps its digits for scores of any size", () => {
    setDevice(device);
    const w = parameter([[1000, 0, 0], [1000, 0, 0], [1000, 0, 0]]);
    const f = () => negativeLogLikelihood(w, [1, 2]);
    expectClose([f().item()], [2000 - Math.log(3)]);
    expectClose(gradientOf(f, w), [2 / 3, -2 / 3, 0, 2 / 3, -1 / 3, -1 / 3, 2 / 3, 0, -2 / 3]);
  });

  it("cannot be differentiated twice, and says so", () => {
    setDevice(device);
    const w = parameter(utterances[0]);
    const twice = () => sum(gradients(() => negativeLogLikelihood(w, [1]), [w])[0].pow(2));
    expect(() => grad(twice)).toThrow(UsageError);
    expect(() => grad(twice)).toThrow(/second derivatives/);
    expect(() => evaluate(() => gradients(twice, [w]))).toThrow(/second derivatives/);
    // What does not go through the gradient is no trouble.
    const v = parameter(2);
    const penalty = () => gradients(() => negativeLogLikelihood(w, [1]).mul(v), [v])[0].mul(v);
    expect(gradientOf(penalty, v)[0]).toBeCloseTo(negativeLogLikelihood(w, [1]).item(), 5);
  });
});

describe("negativeLogLikelihood", () => {
  it("refuses what does not fit, and says what it got", () => {
    const x = input(padded(0));
    const one = input(utterances[0]);
    expect(() => negativeLogLikelihood(input([1, 2, 3]), [1])).toThrow(/\[steps, symbols\] .* \[samples, steps, symbols\] .* \[3\]/);
    expect(() => negativeLogLikelihood([[1, 2, 3]] as unknown as Variable, [1])).toThrow(/takes a Variable of scores, or a list/);
    expect(() => negativeLogLikelihood([], [1])).toThrow(/an empty list/);
    expect(() => negativeLogLikelihood([x], [1])).toThrow(ValueError);
    expect(() => negativeLogLikelihood(x, targets.slice(1))).toThrow(/3 targets for scores of shape \[4, 6, 4\], that is 4 utterances/);
    expect(() => negativeLogLikelihood(x, [1, 2, 3, 1])).toThrow(ShapeError);
    expect(() => negativeLogLikelihood(one, [[1], [2]])).toThrow(ShapeError);
    expect(() => negativeLogLikelihood(one, input([[1]]))).toThrow(/targets of shape \[1, 1\]/);
    expect(() => negativeLogLikelihood(one, "abc" as unknown as number[])).toThrow(ValueError);
    expect(() => negativeLogLikelihood(one, [4])).toThrow(/label 4 .* 0 to 3/);
    expect(() => negativeLogLikelihood(one, [1.5])).toThrow(/label 1.5/);
    expect(() => negativeLogLikelihood(one, [0])).toThrow(/the blank, 0, as a label/);
    expect(() => negativeLogLikelihood(one, [2], { blank: 2 })).toThrow(/the blank, 2/);
    expect(() => negativeLogLikelihood(one, [1], { blank: -1 })).toThrow(/blank -1/);
    expect(() => negativeLogLikelihood(x, targets, { inputLengths: [1, 2] })).toThrow(/2 inputLengths for 4 utterances/);
    expect(() => negativeLogLikelihood(x, targets, { inputLengths: [6, 7, 1, 3] })).toThrow(/got 7 in inputLengths for utterance 1: .* 0 to 6/);
    expect(() => negativeLogLikelihood(x, targets, { inputLengths, targetLengths: [4, 0, 0, 0] })).toThrow(/got 4 in targetLengths for utterance 0: .* 0 to 3/);
    expect(() => negativeLogLikelihood(x, targets, { inputLengths: "6" as unknown as number })).toThrow(ValueError);
    expect(() => negativeLogLikelihood(one, [1], { infeasible: "zero" as "error" })).toThrow(/"error" or "infinity" as infeasible, but got "zero"/);
  });
});
