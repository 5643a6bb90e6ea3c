import { afterEach, describe, expect, it } from "vitest";
import { padSequences, unpadSequences } from "../../src/data/index.ts";
import { cost, evaluate, grad, input, parameter, ShapeError, setDevice, ValueError, zeros } from "../../src/index.ts";
import { onBoth } from "../devices/unwaited.ts";

afterEach(() => { setDevice("wasm"); });

describe("padSequences", () => {
  it("fills shorter sequences up at their end and says which steps are there", () => {
    const { x, mask, lengths } = padSequences([[[1, 2]], input([[3, 4], [5, 6], [7, 8]]), [[9, 10], [11, 12]]]);
    expect(x.toArray()).toEqual([[[1, 2], [0, 0], [0, 0]], [[3, 4], [5, 6], [7, 8]], [[9, 10], [11, 12], [0, 0]]]);
    expect(mask.toArray()).toEqual([[1, 0, 0], [1, 1, 1], [1, 1, 0]]);
    expect(lengths).toEqual(Int32Array.of(1, 3, 2));
  });

  it("takes labels, other values and typed arrays", () => {
    expect(padSequences([[2, 1], Int32Array.of(3)], { value: -1 }).x.toArray()).toEqual([[2, 1], [3, -1]]);
    expect(padSequences([Float32Array.of(0.5)]).x.toArray()).toEqual([[0.5]]);
    expect(Number.isNaN(padSequences([[1], [1, 2]], { value: NaN }).x.data[1])).toBe(true);
  });

  it("takes sequences without steps, and only such", () => {
    const { x, mask, lengths } = padSequences([[], [[1, 2]], zeros([0, 2])]);
    expect(x.toArray()).toEqual([[[0, 0]], [[1, 2]], [[0, 0]]]);
    expect(mask.toArray()).toEqual([[0], [1], [0]]);
    expect([...lengths]).toEqual([0, 1, 0]);
    expect(padSequences([[], []]).x.shape).toEqual([2, 0]);
    expect(padSequences([zeros([0, 3])]).x.shape).toEqual([1, 0, 3]);
  });

  it("pads to a number of steps, or to a multiple", () => {
    expect(padSequences([[1], [1, 2]], { steps: 5 }).mask.toArray()).toEqual([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]);
    expect(padSequences([[1, 2, 3]], { multipleOf: 4 }).x.shape).toEqual([1, 4]);
    expect(padSequences([[1, 2, 3, 4]], { multipleOf: 4 }).x.shape).toEqual([1, 4]);
  });

  it("keeps the precision of the device", () => {
    setDevice("reference");
    expect(padSequences([[0.1], [0.2, 0.3]]).x.toArray()).toEqual([[0.1, 0], [0.2, 0.3]]);
  });

  it("is undone by unpadSequences", () => {
    const { x, lengths } = padSequences([[[1, 2]], [], [[3, 4], [5, 6]]]);
    expect(unpadSequences(x, lengths).map((sequence) => sequence.toArray())).toEqual([[[1, 2]], [], [[3, 4], [5, 6]]]);
    expect(unpadSequences(x, lengths)[1].shape).toEqual([0, 2]);
    const sums = evaluate(() => unpadSequences(x.mul(2), lengths).map((sequence) => sequence.sum()));
    expect(sums.map((sum) => sum.item())).toEqual([6, 0, 36]);
  });

  it("gives a masked cost the gradient of the sequences alone", () => {
    const sequences = [[[1, -1], [0.5, 2]], [[3, 0]]];
    const labels = [[0, 1], [1]];
    const { x, mask } = padSequences(sequences);
    const { x: y } = padSequences(labels);
    const w = parameter([[1, 0], [0, 1]]);
    const padded = grad(() => cost.categoricalCrossEntropyWithScores(x.matmul(w), y, { mask }));
    const gradient = w.grad?.data;
    w.clearGrad();
    const alone = grad(() => sequences.map((s, i) => cost.categoricalCrossEntropyWithScores(input(s).matmul(w), labels[i])).reduce((a, b) => a.add(b)));
    expect(padded.item()).toBeCloseTo(alone.item(), 5);
    w.grad?.data.forEach((value, i) => { expect(value).toBeCloseTo(gradient?.[i] as number, 5); });
  });

  it("leaves on a device that cannot be waited for what is there", async () => {
    for (const options of [{}, { steps: 5, value: -1 }, { multipleOf: 3 }]) {
      await onBoth(async () => {
        const sequences = [evaluate(() => input([[1, 2], [3, 4], [5, 6]]).mul(2)), [[7, 8]], zeros([0, 2]), []];
        const { x, mask, lengths } = padSequences(sequences, options);
        const inside = evaluate(() => padSequences(sequences, options).x.mul(2));
        return [x.shape, ...(await Promise.all([x, mask, inside].map((each) => each.read()))), lengths];
      });
    }
  });

  it("refuses", () => {
    expect(() => padSequences([])).toThrow(ValueError);
    expect(() => padSequences(5 as unknown as number[][])).toThrow(ValueError);
    expect(() => padSequences([[[1, 2]], [[1, 2, 3]]])).toThrow(ShapeError);
    expect(() => padSequences([[1], [[1]]])).toThrow(ShapeError);
    expect(() => padSequences([input(1)])).toThrow(ShapeError);
    expect(() => padSequences([[1, 2, 3]], { steps: 2 })).toThrow(ShapeError);
    expect(() => padSequences([[1]], { steps: 1.5 })).toThrow(ValueError);
    expect(() => padSequences([[1]], { multipleOf: 0 })).toThrow(ValueError);
    expect(() => padSequences([[1]], { value: "0" as unknown as number })).toThrow(ValueError);
    expect(() => unpadSequences(zeros([2, 3]), [1])).toThrow(ShapeError);
    expect(() => unpadSequences(zeros([2, 3]), [1, 4])).toThrow(ShapeError);
    expect(() => unpadSequences(zeros([2]), [1, 1])).toThrow(ShapeError);
    expect(() => unpadSequences([[1]] as unknown as ReturnType<typeof zeros>, [1])).toThrow(ValueError);
  });
});
