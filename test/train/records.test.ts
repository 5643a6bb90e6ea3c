import { describe, expect, it } from "vitest";
import type { EpochRecord } from "../../src/train/index.ts";
import { Records, recordsIn } from "../../src/train/records.ts";

const record = (epoch: number, more: Partial<EpochRecord> = {}): EpochRecord =>
  ({ epoch, step: 3 * epoch, steps: 3, samples: 5, loss: 1 / epoch, metrics: {}, validation: null, matrices: {}, learningRate: 0.1, seconds: 0.5, ...more });

describe("records as columns", () => {
  it("give back every number to the bit, also of epochs that had some more or fewer", () => {
    const list = [
      record(1, { metrics: { $: 1, "a/b": -0 }, samples: null }), record(2, { validation: { loss: NaN, score: Infinity } }),
      record(3, { metrics: { late: 0.1 + 0.2 }, validation: { score: 1e-320 } }), ...Array.from({ length: 200 }, (_, i) => record(i + 4)),
      record(204, { metrics: { last: 1 } }), record(205, { matrices: { confusions: [[1, 0], [2, 3]], "validation/a": [[0.5]] } }),
      record(206, { matrices: { confusions: [[1, 2, 3], [4, 5, 6], [7, 8, 9]] } }), record(207, { matrices: { confusions: [[0, 0], [0, 9]] } }),
    ];
    const records = new Records();
    for (const each of list) records.push(each);
    expect(recordsIn(records.state)).toStrictEqual(list);
    expect(recordsIn(new Records().state)).toEqual([]);
  });

  it("of a state that is not whole are refused", () => {
    const records = new Records();
    records.push(record(1));
    expect(() => recordsIn({ ...records.state, count: 2 })).toThrow(TypeError);
    expect(() => recordsIn({ count: 1, columns: [["loss", [1], null]] } as never)).toThrow(TypeError);
  });
});
