/** Lists of any kind, also those that another realm made: Jest, frames and `node:vm` have classes of their own. */

import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { greedy, negativeLogLikelihood } from "../../src/ctc/index.ts";
import { minibatches, padSequences } from "../../src/data/index.ts";
import { bagOfWords, errorRate, ZScore } from "../../src/extras/index.ts";
import {
  Adam, argmaxneq, checkGradients, Component, concat, cost, embed, evaluate, gather, grad, gradients, input, oneHot, parameter, reshape, scatterAdd, stack,
  sum, type Variable, zeros,
} from "../../src/index.ts";
import { restore, serialize } from "../../src/io/index.ts";
import { isList, isMap, isUrl, kindOf, withNumbers } from "../../src/support/arrays.ts";

/** What a program of another realm gives for an expression; its classes are not those of here. */
const elsewhere = <T>(expression: string, globals: object = {}): T => runInNewContext(`(${expression})`, { ...globals }) as T;

const kinds = [
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array",
  "BigInt64Array", "BigUint64Array",
] as const;
type Labels = Int32Array;
const made = (kind: string, values: readonly number[]): Labels =>
  new (globalThis as unknown as Record<string, new (list: unknown) => Labels>)[kind](kind.startsWith("Big") ? values.map(BigInt) : values);

describe.each([
  ...kinds.map((kind) => [kind, (values: readonly number[]) => made(kind, values)] as const),
  ...["Array", "Uint8Array", "Int32Array", "Float32Array", "BigInt64Array"].map((kind) => [
    `${kind} of another realm`,
    (values: readonly number[]) => elsewhere<Labels>(`${kind}.from(values, ${kind.startsWith("Big") ? "BigInt" : "Number"})`, { values }),
  ] as const),
])("labels and indices in a %s", (_, list) => {
  const scores = input([[1, 2, 3], [3, 1, 2]]);
  const value = (y: Variable): unknown => y.toArray();

  it("are those of a list", () => {
    expect(value(cost.categoricalCrossEntropyWithScores(scores, list([2, 0])))).toBe(value(cost.categoricalCrossEntropyWithScores(scores, [2, 0])));
    expect(value(cost.categoricalCrossEntropyWithScores(scores, list([2, 0]), { mask: list([1, 0]), weight: list([2, 1]) })))
      .toBe(value(cost.categoricalCrossEntropyWithScores(scores, [2, 0], { mask: [1, 0], weight: [2, 1] })));
    expect(value(cost.categoricalCrossEntropyWithScores(reshape(scores, [1, 2, 3]), [list([2, 0])])))
      .toBe(value(cost.categoricalCrossEntropyWithScores(scores, [2, 0])));
    expect(value(cost.mse(scores, list([1, 2, 3, 3, 1, 2])))).toBe(0);
    expect(value(gather(scores, list([1, 1])))).toEqual([[3, 1, 2], [3, 1, 2]]);
    expect(value(oneHot(list([1]), 2))).toEqual([[0, 1]]);
    expect(value(embed(scores, list([0])))).toEqual([[1, 2, 3]]);
    expect(value(argmaxneq(scores, list([2, 0])))).toEqual([1, 2]);
    expect(value(scatterAdd(list([1, 1]), scores, 2))).toEqual([[0, 0, 0], [4, 3, 5]]);
    expect(value(input(list([1, 2])))).toEqual([1, 2]);
    expect(value(input([list([1, 2]), list([3, 4])]))).toEqual([[1, 2], [3, 4]]);
    expect(value(bagOfWords(list([1]), 3))).toEqual([0, 1, 0]);
    expect(value(bagOfWords([list([1]), list([])], 2))).toEqual([[0, 1], [0, 0]]);
    expect(errorRate(list([1, 0]), list([1, 1]))).toBe(0.5);
    expect(value(negativeLogLikelihood(scores, list([2])))).toBe(value(negativeLogLikelihood(scores, [2])));
    expect(value(negativeLogLikelihood(reshape(scores, [1, 2, 3]), [list([2])], { inputLengths: list([2]), targetLengths: list([1]) })))
      .toEqual([value(negativeLogLikelihood(scores, [2]))]);
    expect(greedy(reshape(scores, [1, 2, 3]), { inputLengths: list([1]) })).toEqual(greedy(reshape(scores, [1, 2, 3]), { inputLengths: [1] }));
    expect([...minibatches({ x: scores, y: list([2, 0]) }, 1)].map(({ y }) => Number(y[0]))).toEqual([2, 0]);
    expect(value(padSequences([list([1, 2]), list([3])]).x)).toEqual([[1, 2], [3, 0]]);
  });

  it("are checked", () => {
    expect(() => cost.categoricalCrossEntropyWithScores(scores, list([2, 3]))).toThrow("got index 3");
    expect(() => cost.categoricalCrossEntropyWithScores(scores, list([2]))).toThrow("2 samples of 3 classes, but 1 labels");
  });
});

describe("values of another realm", () => {
  it("are numbers, whatever float arrays hold", () => {
    expect(input(elsewhere<number[][]>("[[1, 2], [3, 4]]")).toArray()).toEqual([[1, 2], [3, 4]]);
    expect(input(elsewhere<Float32Array>("Float32Array.of(2 ** 30, 0.5)")).toArray()).toEqual([2 ** 30, 0.5]);
    expect(parameter(elsewhere<Float64Array>("Float64Array.of(1, 2)"), elsewhere<number[]>("[2, 1]")).shape).toEqual([2, 1]);
    expect(() => input(elsewhere<Int32Array>("Int32Array.of(2 ** 30)"))).toThrow("2^24");
    expect(() => input(elsewhere<never>("new DataView(new ArrayBuffer(8))"))).toThrow("DataView");
    expect(() => input([elsewhere<never>("new DataView(new ArrayBuffer(8))"), [1]])).toThrow("DataView");
    expect(ZScore.fit(elsewhere<number[][]>("[[1], [3]]")).mean).toEqual(Float64Array.of(2));
  });

  it("are shapes, axes, ranges and lists of Variables", () => {
    const x = input([[1, 2], [3, 4]]);
    expect(sum(x, elsewhere<number[]>("[0]")).toArray()).toEqual([4, 6]);
    expect(zeros(elsewhere<number[]>("[2]")).add(1).slice(elsewhere("[0, 1]")).toArray()).toEqual([1]);
    const list = elsewhere<Variable[]>("[x, x]", { x });
    expect([stack(list).shape, concat(list).shape, gradients(() => x.sum(), list).length]).toEqual([[2, 2, 2], [4, 2], 2]);
  });

  it("are options", () => {
    expect(cost.mse(zeros([2]), [1, 1], elsewhere<object>('{ reduction: "mean" }')).item()).toBe(1);
    expect(() => cost.mse(zeros([2]), [1, 1], elsewhere<object>('{ reducton: "mean" }'))).toThrow("Did you mean reduction?");
    expect(() => cost.mse(zeros([2]), [1, 1], elsewhere<object>("new Map()"))).toThrow("takes one object with the options");
  });

  it("hold what a step returns, and the parameters of a component", () => {
    const w = parameter([1, 2]);
    const { kept } = evaluate(() => ({ kept: elsewhere<{ map: Map<string, Variable>; set: Set<Variable>; list: Variable[] }>(
      "{ map: new Map([['a', a]]), set: new Set([b]), list: [c] }", { a: w.add(1), b: w.add(2), c: w.add(3) },
    ) }));
    expect([kept.map.get("a"), ...kept.set, ...kept.list].map((y) => (y as Variable).toArray())).toEqual([[2, 3], [3, 4], [4, 5]]);
    class Model extends Component {
      readonly parts = elsewhere<object>("{ a, list: [b], map: new Map([['c', c]]) }", { a: w, b: parameter(1), c: parameter([3]) });
    }
    const model = new Model();
    expect([...model.namedParameters().keys()]).toEqual(["parts.a", "parts.list.0", "parts.map.c"]);
    expect(String(model)).toContain("map: map of 1");
    grad(() => w.sum());
    new Adam(elsewhere<[typeof w]>("[w]", { w })).update();
    expect(w.data[0]).toBeCloseTo(0.999, 5);
    expect(checkGradients(() => w.mul(w).sum(), elsewhere<Map<string, typeof w>>("new Map([['w', w]])", { w })).ok).toBe(true);

    const bytes = serialize(model, elsewhere("{ metadata: { list: [1, 2], deep: { a: null } } }"));
    const into = new Model();
    expect(restore(bytes, { into }).metadata).toEqual({ list: [1, 2], deep: { a: null } });
  });

  it("are told apart by the names of their classes", () => {
    expect(
      ["new Map()", "[]", "new Uint8Array(1)", "new DataView(new ArrayBuffer(1))", "null", "new Error('x')"].map((expression) => kindOf(elsewhere(expression))),
    )
      .toEqual(["Map", "Array", "Uint8Array", "DataView", "Null", "Error"]);
    expect([isMap(elsewhere("new Map()")), isMap({}), isList(elsewhere("[]")), isList("text"), isList({ length: 1 })])
      .toEqual([true, false, true, false, false]);
    expect([isUrl(new URL("file:///a")), isUrl("file:///a")]).toEqual([true, false]);
    expect(withNumbers(elsewhere<BigInt64Array>("BigInt64Array.of(-1n, 2n)"))).toEqual([-1, 2]);
  });
});
