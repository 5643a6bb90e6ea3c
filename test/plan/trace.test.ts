import { describe, expect, it } from "vitest";
import { Mark, nextOperationId, Trace } from "../../src/plan/trace.ts";

const operation = { name: "any", id: nextOperationId() };
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("a trace", () => {
  it.each([0, 1, 2046, 2047, 2048, 100_000])("gives back %i attributes, also of a copy", (count) => {
    const [trace, other] = [new Trace(), new Trace()];
    const x = trace.scalar(1, []);
    trace.mark(Mark.look);
    const node = trace.general(operation, [2], [x, x], upTo(count));
    const after = trace.binary(operation, [2], node, x);
    const names = Int32Array.of(other.scalar(1, []), -1, -1);
    names[node] = other.copy(trace, node, names);
    for (const [found, at] of [[trace, node], [other, names[node]]] as const) {
      expect([found.inputCount(at), found.input(at, 1), found.attributeCount(at)]).toEqual([2, x, count]);
      expect([...found.attributes(at)]).toEqual(upTo(count));
      if (count > 0) expect(found.attribute(at, count - 1)).toBe(count - 1);
    }
    expect([trace.input(after, 0), trace.attributeCount(after)]).toEqual([node, 0]);
  });

  it("has other words for another number of attributes", () => {
    const words = (...attributes: number[][]): string => {
      const trace = new Trace();
      const x = trace.scalar(1, []);
      for (const some of attributes) trace.general(operation, [], [x], some);
      return trace.words.slice(0, trace.length).join();
    };
    const tail = [operation.id, 1, 0];
    expect(words([...upTo(3000), ...tail])).not.toBe(words(upTo(3000), []));
    expect(words(upTo(2047))).not.toBe(words(upTo(2046)));
  });
});
