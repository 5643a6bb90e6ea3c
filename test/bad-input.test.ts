/** Unfriendly use: each an error that says what is wrong, and afterwards everything works. */

import { afterEach, describe, expect, it } from "vitest";
import * as flimsy from "../src/index.ts";
import {
  add, affine, argmax, Component, cost, detach, dropout, embed, evaluate, FlimsyError, gather, GradientDescent, grad, gradients, input, MemoryError, mul,
  oneHot, operation, type Parameter, parameter, RmsProp, ShapeError, StaleVariableError, setDevice, softmax, sum, UsageError, ValueError, Variable, zeros,
} from "../src/index.ts";
import { onWasm } from "./device.ts";

const w = parameter([[1, 2, 3], [4, 5, 6]]);
const b = parameter([1, 2]);
const x = input([[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 0, 1]]);
const scores = (): Variable => affine(w, x, b);
const cross = cost.categoricalCrossEntropyWithScores;
/** What types forbid. */
const any = <T>(value: unknown): T => value as T;

/** What worked before works afterwards: the same loss and gradients. */
function works(): void {
  const [kept, before] = [[w, b].map((p) => p.grad?.data), grad(() => cross(scores(), [0, 1, 1, 0]))];
  expect(before.item()).toBeCloseTo(works.loss, 4);
  [w, b].forEach((p, i) => {
    p.clearGrad();
    expect(kept[i]).toBeUndefined(); // what fails leaves no gradient
  });
}
works.loss = 26 + Math.log1p(Math.exp(-7));

type Case = [string, () => unknown, typeof FlimsyError, RegExp];
function refuses(cases: readonly Case[]): void {
  it.each(cases)("%s", (_, f, kind, message) => {
    for (let run = 0; run < 2; run++) {
      expect(f).toThrow(kind);
      expect(f).toThrow(message);
      works();
    }
  });
}

afterEach(() => setDevice("wasm"));

describe.each(["wasm", "reference"] as const)("on %s", (device) => {
  const on = (cases: readonly Case[]): Case[] => cases.map(([name, f, ...rest]) => [name, () => {
    setDevice(device);
    return f();
  }, ...rest]);

  describe("labels", () => {
    const labels = (given: unknown) => () => grad(() => cross(scores(), any<number[]>(given)));
    refuses(on([
      ["too large", labels([0, 1, 2, 0]), ValueError, /got index 2: .*integer from 0 to 1.*count from 0/s],
      ["negative", labels([0, -1, 1, 0]), ValueError, /got index -1/],
      ["fractional", labels([0, 0.5, 1, 0]), ValueError, /got index 0\.5/],
      ["NaN", labels([0, NaN, 1, 0]), ValueError, /got index NaN/],
      ["too few", labels([0, 1]), ShapeError, /4 samples.*2 labels/s],
      ["too many", labels(new Int32Array(5)), ShapeError, /4 samples.*5 labels/s],
      ["one number for several samples", labels(0), ShapeError, /4 samples.*1 label/s],
      ["none", labels(undefined), ValueError, /undefined/],
      ["null", labels(null), ValueError, /null/],
      ["text", labels("0110"), ValueError, /"0110"/],
      ["text in an array", labels(["0", "1", "1", "0"]), FlimsyError, /"0"/],
      ["BigInts", labels([0n, 1n, 1n, 0n]), FlimsyError, /./],
      ["an object", labels({ length: 4 }), FlimsyError, /./],
      ["a Variable out of range", labels(input([0, 1, 9, 0])), ValueError, /got index 9/],
      ["a Variable with fractions", labels(input([0, 1, 0.25, 0])), ValueError, /got index 0\.25/],
      ["a Variable of NaN", labels(input([0, 1, NaN, 0])), ValueError, /got index NaN/],
      ["a Variable of the wrong size", labels(input([0, 1])), ShapeError, /2 labels/],
      ["computed in the step, too large", () => grad(() => cross(scores(), add(input([0, 1, 1, 0]), 1))), ValueError, /got index 2/],
      ["computed in the step, negative", () => grad(() => cross(scores(), input([0, 1, 1, 0]).neg())), ValueError, /got index -1/],
      ["computed in the step, fractional", () => grad(() => cross(scores(), mul(input([0, 1, 1, 0]), 0.5))), ValueError, /got index 0\.5/],
      ["computed in the step, NaN", () => grad(() => cross(scores(), input([0, -1, 1, 0]).log())), ValueError, /got index (-Infinity|NaN)/],
      ["computed outside of the step", () => cross(scores(), add(input([0, 1, 1, 0]), 5)), ValueError, /got index (5|6)/],
    ]));
  });

  describe("indices", () => {
    refuses(on([
      ["gather", () => gather(w, [0, 2]), ValueError, /gather got index 2.*from 0 to 1/s],
      ["gather, in the step", () => grad(() => sum(gather(w, add(input([1]), 1)))), ValueError, /gather got index 2.*from 0 to 1/s],
      ["embed", () => grad(() => sum(embed(w, [[0], [1, 7]]))), ValueError, /7/],
      ["oneHot", () => oneHot([3], 3), ValueError, /oneHot got index 3/],
      ["scatterAdd", () => flimsy.scatterAdd([5], input([1]), 3), ValueError, /scatterAdd got index 5/],
      ["huge", () => gather(w, [2 ** 40]), ValueError, /1099511627776/],
    ]));
  });

  describe("losses", () => {
    refuses(on([
      ["that depend on no parameter", () => grad(() => sum(x)), UsageError, /depends on no parameter.*parameter\(…\)/s],
      ["that are cut off", () => grad(() => sum(detach(w))), UsageError, /depends on no parameter.*detach/s],
      ["that are discrete", () => grad(() => sum(argmax(scores()))), UsageError, /depends on no parameter/],
      ["that are input", () => grad(() => input(1)), UsageError, /depends on no parameter/],
      ["with several elements", () => grad(() => scores()), ShapeError, /shape \[4, 2\].*sum\(\) or mean\(\)/s],
      ["without elements", () => grad(() => w.slice([0, 0])), ShapeError, /shape \[0, 3\]/],
      ["that are a number", () => grad(() => any<Variable>(sum(w).item())), UsageError, /must return the loss.*but returned 21/s],
      ["that are missing", () => grad(() => any<Variable>(undefined)), UsageError, /must return the loss.*undefined/s],
      ["null", () => grad(() => any<Variable>(null)), UsageError, /must return the loss.*null/s],
      ["in an array", () => grad(() => any<Variable>([sum(w)])), UsageError, /must return the loss.*an array of 1/s],
      ["under another name", () => grad(() => any<Variable>({ cost: sum(w) })), UsageError, /must return the loss.*`loss`/s],
      ["that are no Variable", () => grad(() => any<{ loss: Variable }>({ loss: 3 })), UsageError, /must return the loss/],
      ["of several elements, of gradients", () => gradients(() => w, [w]), ShapeError, /given to gradients has shape \[2, 3\]/],
      ["without a function", () => grad(any<() => Variable>(sum(w))), UsageError, /grad takes a function.*grad\(\(\) => …\)/s],
      ["evaluate without a function", () => evaluate(any<() => number>(null)), UsageError, /evaluate takes a function/],
      ["gradients without a function", () => gradients(any<() => Variable>(3), [w]), UsageError, /gradients takes a function/],
      ["gradients without variables", () => gradients(() => sum(w), any<Variable[]>(undefined)), ValueError, /array of Variables/],
      ["gradients by one variable", () => gradients(() => sum(w), any<Variable[]>(w)), ValueError, /array of Variables/],
      ["gradients by a number", () => gradients(() => sum(w), any<Variable[]>([3])), ValueError, /but got 3/],
      ["gradients by null", () => evaluate(() => gradients(() => sum(w), any<Variable[]>([null]))), ValueError, /but got null/],
    ]));
  });

  describe("steps within steps", () => {
    const optimizer = new GradientDescent([w], { learningRate: 1 });
    const calls: Record<string, () => unknown> = {
      grad: () => grad(() => sum(w)),
      minimize: () => optimizer.minimize(() => sum(w)),
      update: () => optimizer.update(),
      setDevice: () => setDevice("wasm"),
      checkGradients: () => flimsy.checkGradients(() => sum(w), new Map([["w", w]])),
      debug: () => flimsy.debug({}),
    };
    refuses(on(Object.entries(calls).flatMap(([name, call]): Case[] => [
      [`${name} in grad`, () => grad(() => { call(); return sum(w); }), UsageError, new RegExp(`${name}.* was called inside`)],
      [`${name} in evaluate, late`, () => evaluate(() => { sum(w).item(); return call(); }), UsageError, new RegExp(`${name}.* was called inside`)],
      [`${name} in gradients`, () => gradients(() => { call(); return sum(w); }, [w]), UsageError, new RegExp(`${name}.* was called inside`)],
    ])));

    it("may be caught", () => {
      setDevice(device);
      const loss = grad(() => {
        for (const call of Object.values(calls)) expect(call).toThrow(UsageError);
        return cross(scores(), [0, 1, 1, 0]);
      });
      expect(loss.item()).toBeCloseTo(works.loss, 4);
      for (const p of [w, b]) p.clearGrad();
    });
  });

  (device === "wasm" ? onWasm("what it has no room for") : it)("a result too large for the device", () => {
    setDevice(device);
    const column = zeros([2 ** 17, 1]);
    expect(() => evaluate(() => {
      const sums = Array.from({ length: 700 }, (_, i) => add(column, zeros([1, 2 ** 12]).add(i))); // 2 GiB each
      return sums.reduceRight((total, s) => add(total, s.slice(0)), zeros([1]));
    })).toThrow(MemoryError);
    works();
  });
});

describe("async functions", () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => { unhandled.push(reason); };

  it.each<[string, (f: () => unknown) => unknown]>([
    ["grad", (f) => grad(any<() => Variable>(f))], ["evaluate", (f) => evaluate(f)], ["gradients", (f) => gradients(any<() => Variable>(f), [w])],
  ])("are refused by %s, and leave no rejection behind", async (name, run) => {
    process.on("unhandledRejection", listen);
    try {
      for (const f of [
        async () => sum(w),
        async () => { throw new RangeError("mine"); },
        async () => { const y = mul(w, 2); await null; return sum(y); },
        async () => { await null; return sum(mul(w, 2)); },
        async () => { await null; throw new RangeError("mine"); },
        // biome-ignore lint/suspicious/noThenProperty: a promise of another make
        () => ({ then: () => {} }),
      ]) {
        expect(() => run(f)).toThrow(UsageError);
        expect(() => run(f)).toThrow(new RegExp(`given to ${name} is async.*Await your data before`, "s"));
        works();
      }
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", listen);
    }
    works();
  });
});

describe("operands", () => {
  const nonsense: readonly unknown[] = [undefined, null, "1", true, [1, 2], {}, new Float32Array(2), () => 1, 1n, Symbol("s"), Promise.resolve(input(1))];
  it.each<[string, (wrong: Variable) => unknown]>([
    ["an elementwise operation", (wrong) => add(w, wrong)],
    ["a method", (wrong) => w.mul(wrong)],
    ["a unary operation", (wrong) => flimsy.exp(wrong)],
    ["affine", (wrong) => affine(w, x, wrong)],
    ["a step", (wrong) => grad(() => sum(add(w, wrong)))],
    ["a cost", (wrong) => cross(wrong, [0])],
    ["an operation of one's own", (wrong) => operation({ name: "mine", shape: (s) => s, forward() {} })(wrong)],
    ["an elementwise operation of one's own", (wrong) => flimsy.elementwise("mine", (a, c) => a.mul(c))(w, wrong)],
    ["dropout", (wrong) => grad(() => sum(dropout(wrong, 0.5)))],
  ])("of %s that are neither Variables nor numbers", (_, f) => {
    for (const wrong of nonsense) {
      expect(() => f(any<Variable>(wrong)), String(typeof wrong)).toThrow(FlimsyError);
      expect(() => f(any<Variable>(wrong))).toThrow(/Variable|\[/);
    }
    works();
  });

  refuses([
    ["whose shapes do not broadcast", () => add(w, b.reshape([2, 1]).slice(null, [0, 0])), ShapeError, /add got shapes \[2, 3\] and \[2, 0\]/],
    ["of affine that do not fit", () => affine(w, input([1, 2]), b), ShapeError, /affine/],
    ["of affine with a wrong bias", () => affine(w, x, input([1])), ShapeError, /bias/],
    ["of softmax with a wrong axis", () => softmax(w, 2), ShapeError, /axis 2.*\[2, 3\]/],
    ["of dropout with a wrong probability", () => dropout(w, 1.5), ValueError, /the share that is dropped, from 0 to less than 1, but got 1.5/],
    ["of another step", () => {
      let kept: Variable | null = null;
      evaluate(() => { kept = mul(w, 2); return 0; });
      return grad(() => sum(any<Variable>(kept)));
    }, StaleVariableError, /made by mul/],
    ["that another step returned inside a result", () => {
      const kept: Variable[] = [];
      evaluate(() => { kept.push(mul(w, 2)); return 0; });
      return grad(() => ({ loss: sum(w), kept }));
    }, StaleVariableError, /made by mul/],
  ]);
});

describe("optimizers", () => {
  class Nothing extends Component {}
  refuses([
    ["with a learning rate of NaN", () => new GradientDescent([w], { learningRate: NaN }), ValueError, /learningRate.*NaN/],
    ["with an infinite learning rate", () => new RmsProp([w], { learningRate: Infinity }), ValueError, /learningRate/],
    ["with a negative learning rate", () => new RmsProp([w], { learningRate: -0.1 }), ValueError, /learningRate/],
    ["that get a learning rate of NaN later", () => { new GradientDescent([w], { learningRate: 1 }).learningRate = NaN; }, ValueError, /learningRate/],
    ["without options", () => new GradientDescent([w], any(undefined)), ValueError, /learningRate/],
    ["without a learning rate", () => new RmsProp([w], any({})), ValueError, /learningRate/],
    ["with a decay above 1", () => new RmsProp([w], { learningRate: 1, decay: 1.1 }), ValueError, /decay/],
    ["with a negative decay", () => new RmsProp([w], { learningRate: 1, decay: -1 }), ValueError, /decay/],
    ["with a decay of NaN", () => new RmsProp([w], { learningRate: 1, decay: NaN }), ValueError, /decay/],
    ["with a clip that is a number", () => new GradientDescent([w], { learningRate: 1, clip: any(5) }), ValueError, /clip/],
    ["with an empty clip", () => new GradientDescent([w], { learningRate: 1, clip: any({}) }), ValueError, /clip.*norm.*value/s],
    ["with two clips", () => new GradientDescent([w], { learningRate: 1, clip: any({ norm: 1, value: 1 }) }), ValueError, /clip/],
    ["with a clip of NaN", () => new GradientDescent([w], { learningRate: 1, clip: { norm: NaN } }), ValueError, /clip\.norm/],
    ["with a negative clip", () => new GradientDescent([w], { learningRate: 1, clip: { value: -1 } }), ValueError, /clip\.value/],
    ["for a component without parameters", () => new GradientDescent(new Nothing(), { learningRate: 1 }), ValueError, /nothing to train/],
    ["for no component", () => new GradientDescent(any(null), { learningRate: 1 }), ValueError, /null/],
    ["for Variables that are no parameters", () => new GradientDescent(any<Parameter[]>([input(1)]), { learningRate: 1 }), ValueError, /Parameter/],
  ]);
});

describe("costs", () => {
  it("take scores of any size", () => {
    for (const [list, label, expected, slope] of [
      [[1e4, -1e4], 0, 0, [0, 0]], [[1e4, -1e4], 1, 2e4, [1, -1]], [[-1e4, -1e4], 0, Math.log(2), [-0.5, 0.5]],
      [[1e4, 1e4, 1e4], 2, Math.log(3), [1 / 3, 1 / 3, -2 / 3]],
    ] as [number[], number, number, number[]][]) {
      const p = parameter(list);
      for (let run = 0; run < 5; run++) {
        p.clearGrad();
        expect(grad(() => cross(p, label)).item()).toBeCloseTo(expected, 5);
        slope.forEach((s, i) => { expect(p.grad?.data[i]).toBeCloseTo(s, 6); });
      }
    }
    const q = parameter([[3e38, -3e38]]);
    expect(grad(() => cross(q, [0])).item()).toBe(0);
    expect(Array.from(q.grad?.data ?? [])).toEqual([0, 0]);
  });

  it("of one sample are those of a batch of one, and batches add up", () => {
    const each = [0, 1, 1, 0].map((label, i) => evaluate(() => cross(affine(w, x.slice(i), b), label)).item());
    expect(evaluate(() => cross(scores(), [0, 1, 1, 0])).item()).toBeCloseTo(each.reduce((a, c) => a + c), 4);
    expect(evaluate(() => cross(scores(), [0, 1, 1, 0], { reduction: "mean" })).item()).toBeCloseTo(each.reduce((a, c) => a + c) / 4, 4);
    const weights = [1, 2, 0, 0.5];
    const weighted = each.reduce((total, value, i) => total + weights[i] * value, 0);
    for (const weight of [weights, Float32Array.from(weights), input(weights)]) {
      expect(evaluate(() => cross(scores(), Int32Array.of(0, 1, 1, 0), { weight })).item()).toBeCloseTo(weighted, 4);
    }
    expect(evaluate(() => cross(scores(), input([0, 1, 1, 0]), { weight: 3 })).item()).toBeCloseTo(3 * works.loss, 3);
  });

  refuses([
    ["with a wrong reduction", () => cross(scores(), [0, 1, 1, 0], { reduction: any("average") }), ValueError, /"sum", "mean" or "none".*"average"/],
    ["with too few weights", () => cross(scores(), [0, 1, 1, 0], { weight: [1, 2] }), ShapeError, /weight/],
    ["with a weight of NaN", () => cross(scores(), [0, 1, 1, 0], { weight: NaN }), ValueError, /weight/],
    ["with a weight that is text", () => cross(scores(), [0, 1, 1, 0], { weight: any("2") }), ValueError, /"2"/],
    ["of scores without classes", () => cross(zeros([3, 0]), [0, 0, 0]), ShapeError, /last axis/],
    ["of a scalar score", () => cross(input(1), 0), ShapeError, /last axis/],
  ]);
});

it("leaves nothing behind: the library still works as at first", () => {
  works();
  expect([w, b].map((p) => p.grad)).toEqual([null, null]);
  expect(mul(w, 1)).toBeInstanceOf(Variable);
});
