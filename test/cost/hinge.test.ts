import { expect, it } from "vitest";
import { cost, input, parameter, setDevice } from "../../src/index.ts";
import { ShapeError, ValueError } from "../../src/support/errors.ts";
import { closeAll, gradientOf, onDevices } from "./on-devices.ts";
import { answers, labels, x } from "./pytorch.ts";

const { hinge } = cost;

onDevices("hinge", (close, device) => {
  // The formulas, computed in PyTorch: clamp(margin − t·x, 0), and clamp(margin − x[label] + largest other, 0).
  it("is the shortfall of scores, of yes or no and of classes", () => {
    setDevice(device);
    for (const target of [answers, answers.flat(), answers.map((row) => row.map((answer) => (answer === 1 ? 1 : -1))), input(answers)]) {
      closeAll(close, hinge(input(x), target, { reduction: "none" }), [1.6, 5.0, 6.2]);
      closeAll(close, hinge(input(x), target, { reduction: "none", margin: 0.3 }), [0.4, 2.8, 4.1]);
    }
    for (const target of [labels, Int32Array.from(labels), input(labels)]) {
      closeAll(close, hinge(input(x), target, { reduction: "none" }), [0, 0.4, 3.7]);
      closeAll(close, hinge(input(x), target, { reduction: "none", margin: 0.3 }), [0, 0, 3]);
    }
    close(hinge(input(x[2]), 1).item(), 3.7); // one sample
    closeAll(close, hinge(input([[0.5], [-3]]), [true, true], { reduction: "none" }), [0.5, 4]); // one score for each sample
    closeAll(close, hinge(input([[0.5], [-3]]), [1, 0], { reduction: "none" }), [0.5, 0]);
    close(hinge(input(0.25), false).item(), 1.25);
  });

  it("weighs classes, and its mean divides by their weights", () => {
    setDevice(device);
    const options = { classWeights: [3, 5, 2, 1], reduction: "mean" } as const;
    close(hinge(input(x), labels, options).item(), (3 * 0.4 + 5 * 3.7) / (2 + 3 + 5));
    close(hinge(input(x), [2, -1, 1], { ...options, mask: [1, 0, 1], weight: 2 }).item(), (2 * 5 * 3.7) / (2 + 5));
  });

  it("has gradients at its limits", () => {
    setDevice(device);
    const w = parameter([[1, -1], [1e30, -1e30]]);
    expect(gradientOf(() => hinge(w, [[1, 0], [0, 1]]), w).map((x) => x + 0)).toEqual([0, 0, 1, -1]);
    const v = parameter([[1, 0], [-1e30, 1e30]]);
    expect(gradientOf(() => hinge(v, [0, 0]), v).map((x) => x + 0)).toEqual([0, 0, -1, 1]);
  });

  it("refuses what is neither yes nor no, no class, or weights of none", () => {
    for (const target of [0.5, 2, NaN]) {
      expect(() => hinge(input([1, 2]), [0, target])).toThrow(`hinge takes targets that are 1, or −1 or 0 for no, but got ${target}.`);
    }
    expect(() => hinge(input(x), [0, 1, 4])).toThrow(/hinge got index 4/);
    expect(() => hinge(input(x), [0, 1])).toThrow(ShapeError);
    expect(() => hinge(input(x), answers, { classWeights: [1, 1, 1, 1] })).toThrow(ValueError);
    expect(() => hinge(input(x), labels, { classWeights: [1, 1] })).toThrow(/hinge got classWeights of shape \[2\] for 4 classes/);
    expect(() => hinge(input(x), labels, { classWeights: [1, 1, 1, -1] })).toThrow(/hinge takes a finite number of at least 0 as classWeights/);
    expect(() => hinge(input(x), labels, { margin: -1 })).toThrow(/at least 0 as margin/);
  });
});
