/** Stacking: what members compute stays the same, and is computed for all at once. */

import { afterEach, describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.ts";
import {
  affine, broadcastTo, embed, grad, linear, ones, type Parameter, parameter, Random, randn, setDevice, stack, tanh, type Variable, where,
} from "../../src/index.ts";
import { testing } from "../../src/plan/planner.ts";

afterEach(() => {
  testing.stack = true;
  setDevice("wasm");
});

/** The loss and the gradients of all parameters. */
function gradientsOf(f: () => Variable, parameters: readonly Parameter[]): number[] {
  for (const p of parameters) p.clearGrad();
  const loss = grad(f).item();
  return [loss, ...parameters.flatMap((p) => (p.grad === null ? new Array<number>(p.size).fill(0) : [...p.grad.data]))];
}

/** How many operations of a step were stacked, and into how many. */
const stackedIn = (f: () => Variable) => explain(() => grad(f)).steps[0].stacked;

/** The largest difference to what the reference device gives without stacking, as part of the largest value. */
function worst(expected: readonly number[], found: readonly number[]): number {
  const scale = Math.max(1e-6, ...expected.map(Math.abs));
  return Math.max(...found.map((value, i) => (Object.is(value, expected[i]) ? 0 : Math.abs(value - expected[i]) / scale)));
}

/** Stacked or not, f gives the same; also when it is planned again with fusion. */
function compare(f: () => Variable, parameters: readonly Parameter[], runs = 1): void {
  setDevice("reference");
  testing.stack = false;
  const expected = gradientsOf(f, parameters);
  testing.stack = true;
  const salted = (): Variable => f().mul(1); // another structure: no plan made without stacking is found
  // Only the order of sums differs: some hundred roundings of 2⁻⁵³.
  expect(worst(expected, gradientsOf(salted, parameters))).toBeLessThan(1e-13);
  setDevice("wasm");
  const first = gradientsOf(salted, parameters);
  // The same with 2⁻²⁴, and 3 ulp of each function.
  expect(worst(expected, first)).toBeLessThan(1e-4);
  for (let run = 1; run < runs; run++) expect(gradientsOf(salted, parameters), `run ${run}`).toEqual(first);
}

const members = (count: number, f: (i: number) => Variable): Variable[] => Array.from({ length: count }, (_, i) => f(i));
const fixed = (shape: readonly number[], i: number): Variable => randn([...shape], new Random(i));
/** A loss with enough elementwise operations for each member that stacking is worth it. */
const total = (xs: readonly Variable[]): Variable => xs.map((x) => x.tanh().mul(x).sin().sigmoid().tanh().sum()).reduce((s, x) => s.add(x));

describe("stacking", () => {
  it("tells products with a bias from those without", () => {
    const [w, b] = [parameter(fixed([4, 5], 1)), parameter(fixed([4], 2))];
    const f = () => total(members(20, (i) => (i % 2 === 0 ? affine(w, fixed([5], i), b) : linear(w, fixed([1, 5], i)))));
    compare(f, [w, b]);
    expect(stackedIn(f).operations).toBeGreaterThan(40);
  });

  it("tells shapes to extend to from shapes that are extended", () => {
    const w = parameter(fixed([3, 3], 1));
    const scales = members(20, (i) => fixed(i % 2 === 0 ? [3] : [1, 3], i));
    const f = () => total(scales.flatMap((x, i) => [linear(w, x), broadcastTo(x, i % 2 === 0 ? [2, 4, 3] : [4, 3]).mul(2)]));
    compare(f, [w]);
    expect(stackedIn(f).operations).toBeGreaterThan(40);
  });

  it("tells scalars of members from those that all share", () => {
    // Numbers of nodes and of kinds meet where the first operations do the same to two scalars.
    const [w, c, d] = [parameter(fixed([1, 3], 1)), parameter(fixed([], 2)), parameter(fixed([], 3))];
    const f = () => {
      const shared = [1, 1, 2, 2, 3, 3, 4, 4].map((factor, i) => (i % 2 === 0 ? c : d).mul(factor));
      const mixed = members(20, (i) => {
        const own = linear(w, fixed([3], i)).reshape([]);
        return i % 2 === 0 ? where(i % 3 - 1, d, own).add(where(i % 3 - 1, c, own)) : where(own, i % 3 - 1, c).add(where(own, i % 3 - 1, d));
      });
      return total([...shared, ...mixed]);
    };
    compare(f, [w, c, d]);
    expect(stackedIn(f).operations).toBeGreaterThan(40);
  });

  describe("adds up the gradients of a member", () => {
    const [w, table] = [parameter(fixed([8, 8], 1)), parameter(fixed([5, 8], 2))];
    const states = (count: number): Variable[] => members(count, (i) => tanh(linear(w, embed(table, i % 5))));

    it("that many use", () => {
      const f = (count: number) => () => {
        const all = states(count);
        return total(all.map((x) => x.add(all[3])));
      };
      compare(f(60), [w, table], 6);
      // Memory grows with the number of members, whoever they use: 400 states of 8 floats in a few dozen arrays, not in 400.
      expect(explain(() => grad(f(400))).steps[0].arena).toBeLessThan(60 * 400 * 8 * 4);
    });

    it("that some use, each another number of times", () => {
      compare(() => {
        const all = states(24);
        return total(all.flatMap((x, i) => Array.from({ length: 1 + i % 4 }, (_, k) => x.mul(all[(i * k) % 24]).add(all[k]))));
      }, [w, table], 6);
    });

    it("of which different members use different parts", () => {
      compare(() => {
        const all = states(24);
        return total(all.map((x, i) => tanh(linear(w, x.reshape([2, 4]).add(all[i % 3].reshape([2, 4])).reshape([8])))).concat(
          all.slice(5, 17).map((x, i) => tanh(affine(w, x, ones([8]))).mul(all[i])),
          all.slice(7).map((x) => stack([x, all[9], all[10]]).sum(0)),
        ));
      }, [w, table], 6);
    });
  });
});
