import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  affine, checkGradients, concat, detach, evaluate, gradients, hessian, input, jacobian, jvp, linear, logsumexp, mul, parameter, pow, Random, randn, ShapeError,
  setDevice, slice, tanh, UsageError, ValueError, type Variable, zeros,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";
import { expected, f, flat, near, w, x } from "./softmax-of-tanh.ts";

afterEach(() => setDevice("wasm"));

describe.each(["wasm", "reference"] as const)("on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  // The arrays at the top are rounded to float32; the figures are of numbers that are not.
  const tolerance = device === "reference" ? 1e-7 : 2e-6;

  describe("jacobian", () => {
    it("is what PyTorch gives, outside of a step and inside", () => {
      for (let run = 0; run < 5; run++) {
        for (const found of [jacobian(f, [x, w]), evaluate(() => jacobian(f, [x, w]))]) {
          expect(found.map(({ shape }) => shape)).toEqual([[2, 2, 2, 3], [2, 2, 2, 3]]);
          found.forEach((block, i) => { near(block, expected.jacobian[i], tolerance); });
        }
      }
    });

    it("has a column along each variable that is the derivative in that direction", () => {
      const random = new Random(8);
      const [a, b] = [randn([4, 3], random), randn([2, 4], random)];
      const net = (): Variable => concat([tanh(linear(b, tanh(a.reshape([3, 4])))).reshape([6]), pow(a, 2).sum(0)]);
      const [byA, byB] = jacobian(net, [a, b]);
      expect([byA.shape, byB.shape]).toEqual([[9, 4, 3], [9, 2, 4]]);
      const unit = (size: number, k: number): Float32Array => Float32Array.from({ length: size }, (_, i) => (i === k ? 1 : 0));
      for (const [block, sizes] of [[byA, [12, 8]], [byB, [8, 12]]] as const) {
        for (let k = 0; k < sizes[0]; k++) {
          const column = flat(slice(block.reshape([9, sizes[0]]), null, k));
          const directions = block === byA ? [input(unit(12, k), [4, 3]), zeros([2, 4])] : [zeros([4, 3]), input(unit(8, k), [2, 4])];
          near(jvp(net, [a, b], directions).tangent, column, 10 * tolerance);
        }
      }
    });

    it("is zero where nothing depends, and has no rows of a value without elements", () => {
      const [a, b] = [input([1, 2]), input([3])];
      expect(jacobian(() => mul(detach(a), b), [a, b]).map((block) => block.toArray())).toEqual([[[0, 0], [0, 0]], [[1], [2]]]);
      expect(jacobian(() => zeros([0, 3]), [a])[0].shape).toEqual([0, 3, 2]);
      expect(jacobian(() => mul(a, 3).sum(), [a])[0].toArray()).toEqual([3, 3]);
      expect(jacobian(() => a, [a])[0].toArray()).toEqual([[1, 0], [0, 1]]);
    });

    it("can be differentiated further", () => {
      const p = parameter([0.5, -0.3]);
      const y = input([0.2, 1.1]);
      checkGradients(() => pow(jacobian(() => tanh(mul(p, pow(y, 2))), [y])[0], 2).sum(), new Map([["p", p]]));
    });
  });

  describe("hessian", () => {
    // torch.autograd.functional.hessian, PyTorch 1.13 in float64, of
    // lambda a, b: torch.logsumexp(torch.tanh(b @ a) * torch.tensor([1.5, -0.5]), 0) + (a ** 3).sum() * b[0, 0]
    const [a, b] = [input([0.5, -1, 2]), parameter([[1, 0.3, -0.5], [0.2, -0.7, 0.4]])];
    const g = (): Variable => logsumexp(mul(tanh(linear(b, a)), input([1.5, -0.5])), 0).add(mul(pow(a, 3).sum(), slice(b, 0, 0)));
    const aa = [3.58451479, 0.15068137, -0.27602511, 0.15068137, -5.91089495, -0.10422268, -0.27602511, -0.10422268, 12.15210147];
    const ab = [
      [1.34869957, -0.57802188, 1.15604376, -0.03123643, -0.03246456, 0.06492913], [3.08111708, 0.14745446, 0.32446834, -0.028882, 0.01029529, -0.115528],
      [11.85916966, 0.28166068, -0.25363273, 0.01408891, -0.02817783, 0.00888695],
    ];
    const bb = [
      0.14377044, -0.28754089, 0.57508177, 0.00367513, -0.00735026, 0.01470052, -0.28754089, 0.57508177, -1.15016355, -0.00735026, 0.01470052, -0.02940104,
      0.57508177, -1.15016355, 2.3003271, 0.01470052, -0.02940104, 0.05880208, 0.00367513, -0.00735026, 0.01470052, 0.02220506, -0.04441011, 0.08882022,
      -0.00735026, 0.01470052, -0.02940104, -0.04441011, 0.08882022, -0.17764044, 0.01470052, -0.02940104, 0.05880208, 0.08882022, -0.17764044, 0.35528089,
    ];

    it("is what PyTorch gives, in blocks", () => {
      for (let run = 0; run < 5; run++) {
        const blocks = hessian(g, [a, b]);
        expect(blocks.map((row) => row.map(({ shape }) => shape))).toEqual([[[3, 3], [3, 2, 3]], [[2, 3, 3], [2, 3, 2, 3]]]);
        near(blocks[0][0], aa, 5 * tolerance);
        near(blocks[0][1], ab.flat(), 5 * tolerance);
        near(blocks[1][0], ab[0].flatMap((_, k) => ab.map((row) => row[k])), 5 * tolerance);
        near(blocks[1][1], bb, 5 * tolerance);
      }
    });

    it("is that of a quadratic form, and zero of a linear one", () => {
      const y = input([1, -2, 0.5]);
      const m = input([[2, 1, 0], [1, 3, -1], [0, -1, 4]]);
      expect(hessian(() => mul(linear(m, y), y).sum().mul(0.5), [y])[0][0].toArray()).toEqual([[2, 1, 0], [1, 3, -1], [0, -1, 4]]);
      expect(hessian(() => y.sum(), [y])[0][0].toArray()).toEqual([[0, 0, 0], [0, 0, 0], [0, 0, 0]]);
    });

    it("works in a step, and its vector product needs no matrix", () => {
      const { whole, product } = evaluate(() => ({
        whole: hessian(g, [a])[0][0],
        product: gradients(() => mul(gradients(g, [a])[0], input([1, 2, -1])).sum(), [a])[0],
      }));
      near(product, [0, 1, 2].map((i) => aa[3 * i] + 2 * aa[3 * i + 1] - aa[3 * i + 2]), 1e-4);
      near(whole, aa, 1e-5);
    });
  });
});

describe("a step with many rows", () => {
  it("runs the passes of all rows as one", () => {
    const random = new Random(2);
    const [u, v, c] = [parameter(randn([24, 6], random)), parameter(randn([40, 24], random)), parameter(randn([24], random))];
    const y = randn([6], random);
    const net = (): Variable => linear(v, tanh(affine(u, y, c)));
    // Two products forward; back, each matrix meets the rows of all 40 passes at once.
    expect(launchesOf(() => jacobian(net, [y]), 2).product).toBe(3);
    const slope = flat(evaluate(() => tanh(affine(u, y, c)))).map((h) => 1 - h * h);
    const [uu, vv] = [u.toArray<number[][]>(), v.toArray<number[][]>()];
    near(jacobian(net, [y])[0], vv.flatMap((row) => uu[0].map((_, k) => row.reduce((sum, value, i) => sum + value * slope[i] * uu[i][k], 0))), 1e-5);
  });
});

describe("what jacobian and hessian refuse", () => {
  const y = input([1, 2, 3]);
  const any = <T>(value: unknown): T => value as T;
  const cases: [string, () => unknown, new (message: string) => Error, RegExp][] = [
    ["one variable in place of a list", () => jacobian(() => mul(y, 2), any(y)), ValueError, /jacobian takes a function and an array of Variables/],
    ["no function", () => jacobian(any(y), [y]), UsageError, /jacobian takes a function/],
    ["a function that returns no Variable", () => jacobian(() => any([y]), [y]), UsageError, /must return a Variable/],
    ["a value of several elements for a Hessian", () => hessian(() => mul(y, 2), [y]), ShapeError, /The loss given to hessian has shape \[3\]/],
    ["further arguments", () => any<(...args: unknown[]) => void>(hessian)(() => y.sum(), [y], 5), ValueError, /an argument too many/],
  ];
  it.each(cases)("%s", (_, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});
