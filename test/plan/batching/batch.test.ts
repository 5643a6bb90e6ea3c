/** Batching: what is computed stays the same, and takes fewer launches. */

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Lstm } from "../../../src/components/index.ts";
import {
  add, affine, concat, cost, embed, evaluate, grad, linear, matmul, mul, ones, type Parameter, parameter, Random, randn, relu, setDevice, sigmoid, softmax,
  tanh,
  type Variable,
} from "../../../src/index.ts";
import { isOnGpu } from "../../device.ts";
import { without } from "../../../src/engine/switches.ts";
import { launchesOf } from "../../launches.ts";

afterEach(() => { setDevice("wasm"); });

/** Values of all parameters' gradients after f, with the loss before them. */
function gradientsOf(f: () => Variable, parameters: readonly Parameter[]): number[] {
  for (const p of parameters) p.clearGrad();
  const loss = grad(f).item();
  return [loss, ...parameters.flatMap((p) => (p.grad === null ? [0] : [...p.grad.data]))];
}

/** What f gives without batching, then with it: as planned at first and as planned again with fusion. */
function compare(make: (salt: number) => () => Variable, parameters: readonly Parameter[], tolerance: number): void {
  const expected = without("batch", () => gradientsOf(make(0), parameters));
  const f = make(1); // another structure: no plan made without batching is found
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (let run = 0; run < 6; run++) {
    const found = gradientsOf(f, parameters);
    const worst = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
    expect(worst / scale, `run ${run}`).toBeLessThanOrEqual(tolerance);
  }
}

interface Program {
  readonly size: number;
  readonly rows: number;
  readonly steps: readonly { readonly code: number; readonly a: number; readonly b: number; readonly w: number }[];
}

const programs: fc.Arbitrary<Program> = fc.record({
  size: fc.constantFrom(3, 4, 8),
  rows: fc.constantFrom(0, 1, 2, 4),
  steps: fc.array(fc.record({ code: fc.nat(12), a: fc.nat(1000), b: fc.nat(1000), w: fc.nat(1000) }), { minLength: 4, maxLength: 60 }),
});

/** States that come from others by a few weights, in any order: chains, trees and independent sequences by chance. */
function interpret(
  { size, rows, steps }: Program, weights: readonly Parameter[], biases: readonly Parameter[], table: Parameter, x: readonly Variable[],
): Variable {
  const states: Variable[] = [...x];
  for (const { code, a, b, w } of steps) {
    const [p, q] = [states[a % states.length], states[b % states.length]];
    const weight = weights[w % weights.length];
    const row = (): Variable => {
      const found = embed(table, rows === 0 ? a % 5 : Array.from({ length: rows }, (_, i) => (a + i * b) % 5));
      return found;
    };
    switch (code) {
      case 0: states.push(affine(weight, p, biases[w % biases.length])); break;
      case 1: states.push(linear(weight, p)); break;
      case 2: states.push(linear(weight, p).add(linear(weights[b % weights.length], q))); break;
      case 3: states.push(add(affine(weight, p, biases[0]), q)); break;
      case 4: states.push(tanh(p)); break;
      case 5: states.push(mul(sigmoid(p), q)); break;
      case 6: states.push(row()); break;
      case 7: states.push(add(p, q)); break;
      case 8: states.push(matmul(p, weight)); break;
      case 9: states.push(relu(p).reshape([...p.shape])); break;
      case 10: states.push(softmax(p).sub(0.3)); break;
      case 11: {
        if (size % 2 === 1) states.push(tanh(q));
        else {
          const half = linear(weight.reshape([size / 2, size * 2]), concat([p, q], -1));
          states.push(concat([half, half], -1));
        }
        break;
      }
      default: states.push(tanh(add(add(linear(weight, p), linear(weight, q)), biases[0])));
    }
    // Values stay moderate.
    states[states.length - 1] = states[states.length - 1].mul(1 / (1 + size));
  }
  return states.slice(x.length).filter((_, i, all) => i % 3 === 0 || i === all.length - 1).map((state) => tanh(state).mul(state).sum()).reduce((s, t) =>
    s.add(t));
}

function check(program: Program, tolerance: number): void {
  const random = new Random(7);
  const { size, rows } = program;
  const weights = Array.from({ length: 3 }, () => parameter(randn([size, size], random)));
  const biases = Array.from({ length: 2 }, () => parameter(randn([size], random)));
  const table = parameter(randn([5, size], random));
  const x = Array.from({ length: 2 }, () => randn(rows === 0 ? [size] : [rows, size], random));
  const anchor = [...weights, ...biases, table];
  const make = (salt: number) => () => {
    // Every parameter counts, so that there is always something to differentiate.
    const all = anchor.map((p) => p.sum()).reduce((s, t) => s.add(t));
    const loss = interpret(program, weights, biases, table, x).add(all.mul(0.01));
    return salt === 0 ? loss : loss.mul(1);
  };
  compare(make, anchor, tolerance);
}

describe("batching", () => {
  it("leaves values and gradients as they are, on the reference device", () => {
    setDevice("reference");
    // Only the order of sums differs: some hundred roundings of 2⁻⁵³.
    fc.assert(fc.property(programs, (program) => check(program, 1e-13)), { numRuns: 150 });
  });

  it("leaves values and gradients as they are, in WebAssembly", () => {
    // Some hundred roundings of 2⁻²⁴, and exp and tanh with 3 ulp, through up to 60 steps that do not amplify.
    fc.assert(fc.property(programs, (program) => check(program, 2e-5)), { numRuns: isOnGpu ? 15 : 150 });
  });

  it("tells apart what is used in several shapes", () => {
    const w = parameter(randn([24]));
    const xs = [2, 3, 4, 6, 4, 6].map((n) => randn([n]));
    const f = (salt: number) => (): Variable => {
      const parts = xs.map((x) => tanh(linear(w.reshape([24 / x.size, x.size]), x)).sum());
      const rows = [3, 4, 6, 4, 6].map((n, i) => tanh(embed(w.reshape([24 / n, n]), i % 3)).sum());
      const sums = [2, 3].map((n) => tanh(affine(ones([24 / n, n]), ones([4, n]), w.reshape([n, 24 / n]).sum(0))).sum());
      const loss = [...parts, ...rows, ...sums].reduce((s, t) => s.add(t));
      return salt === 0 ? loss : loss.mul(1);
    };
    compare(f, [w], 2e-5);
    setDevice("reference");
    compare(f, [w], 1e-13);
  });

  it("computes the input projections of all steps at once, and the gradient of a weight as one product", () => {
    const steps = 12;
    const rnn = new Lstm({ inputs: 4, outputs: 8 });
    const xs = Array.from({ length: steps }, () => randn([4]));
    const f = (): Variable => {
      let state = rnn.initialState();
      for (const x of xs) state = rnn.step(x, state);
      return state[0].sum();
    };
    const { product = 0, copy = 0 } = launchesOf(() => grad(f), 5);
    // Forward 4 projections and 4 recurrent products a step; backward 4 a step, and 8 for the weights.
    expect(product).toBe(4 + 4 * steps + 4 * steps + 8);
    // The inputs and the initial state come from outside; everything else is made where it is used.
    expect(copy).toBeLessThanOrEqual(steps + 2);
  });

  it("runs the same step of many sequences at once", () => {
    const rnn = new Lstm({ inputs: 4, outputs: 8 });
    const sentences = [3, 5, 8, 8, 2, 7].map((length) => Array.from({ length }, () => randn([4])));
    const f = (count: number) => (): Variable => sentences.slice(0, count).map((xs) => {
      let state = rnn.initialState();
      for (const x of xs) state = rnn.step(x, state);
      return state[0].sum();
    }).reduce((a, b) => a.add(b));
    const one = launchesOf(() => grad(f(3)), 5).product as number;
    const all = launchesOf(() => grad(f(6)), 5).product as number;
    expect(one).toBe(4 + 4 * 8 + 4 * 8 + 8);
    expect(all).toBe(one);
  });

  it("waits with the outputs until all steps are there", () => {
    const steps = 9;
    const w = parameter(randn([8, 8]));
    const out = parameter(randn([5, 8]));
    const b = parameter(randn([5]));
    const xs = Array.from({ length: steps }, () => randn([8]));
    const f = (): Variable => {
      let h = xs[0];
      const losses = xs.map((x, t) => {
        h = tanh(linear(w, h).add(x));
        return cost.categoricalCrossEntropyWithScores(affine(out, h, b), t % 5);
      });
      return losses.reduce((s, t) => s.add(t));
    };
    expect(launchesOf(() => evaluate(f), 5).product).toBe(steps + 1);
    // Backward: one for all outputs, a step each, and one for each of the two weights. The first step needs no gradient of x.
    expect(launchesOf(() => grad(f), 5).product).toBe(steps + 1 + 1 + (steps - 1) + 2);
  });

  it("looks up all rows of a table at once, and adds up their gradients at once", () => {
    const table = parameter(randn([10, 4]));
    const weight = parameter(randn([4, 4]));
    const g = (): Variable => [3, 1, 4, 1, 5].map((i) => linear(weight, embed(table, i)).sum()).reduce((s, t) => s.add(t));
    const found = launchesOf(() => grad(g), 5);
    expect(found.gather).toBe(1);
    expect(found.scatterAdd).toBe(1);
    expect(found.product).toBe(3);
  });

  it.each(["reference", "wasm"] as const)("makes arrays for a place within a row elsewhere than where what they are made from lies (%s)", (device) => {
    setDevice(device);
    const fixed = (rows: number, i: number): Variable => randn([rows, 4], new Random(i));
    const [x, y, z, v, w] = [1, 200, 2, 4, 4].map(fixed);
    // The sine of y is used once, by what one product wants after something that is not made yet: a row of about the same size.
    const f = (): Variable[] => {
      const [p, q, r] = [x, y, z].map((a) => a.sin().tanh());
      const late = w.sin().tanh().sin().tanh();
      return [linear(v, q), linear(v, r), linear(late, p), linear(late, q)];
    };
    const expected = without("batch", () => evaluate(f)).map(({ data }) => [...data]);
    const found = evaluate(() => [...f(), x.mul(1)]).map(({ data }) => [...data]);
    // Sums of four.
    expected.forEach((values, k) => { values.forEach((value, i) => { expect(found[k][i]).toBeCloseTo(value, 5); }); });
  });
});
