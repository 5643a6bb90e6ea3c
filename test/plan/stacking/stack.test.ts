/** Stacking: what members compute stays the same, and is computed for all at once. */

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { GatedRecurrent, Lstm } from "../../../src/components/index.ts";
import { explain } from "../../../src/explain/index.ts";
import {
  affine, broadcastTo, Component, checkGradients, detach, embed, evaluate, gradients, input, GradientError, gather, grad, linear, ones, type Parameter,
  parameter, Random, randn, setDevice, stack, tanh, threads, type Variable, where,
} from "../../../src/index.ts";
import { isOnGpu } from "../../device.ts";
import { without } from "../../../src/engine/switches.ts";
import { interpret, members as programs, Shared } from "./members.ts";

const RUNS = isOnGpu ? 3 : 12;

afterEach(() => { setDevice("wasm"); });

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
  const expected = without("stack", () => gradientsOf(f, parameters));
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
  it("leaves values and gradients as they are", () => {
    let stacked = 0;
    fc.assert(fc.property(programs, (program) => {
      const shared = new Shared(program);
      compare(() => interpret(program, shared), shared.all, 5);
      setDevice("reference");
      if (stackedIn(() => interpret(program, shared)).into > 0) stacked++;
    }), { numRuns: RUNS });
    // Of programs with many operations that cannot be stacked it leaves all as they are.
    expect(stacked).toBeGreaterThan(RUNS / 3);
  }, 60_000);

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

  it("adds up for a term that sums of gradients share the gradients of all", () => {
    for (const terms of [1, 2, 9]) {
      const [w, v] = [parameter(fixed([3, 3], 1)), parameter(fixed([3], 2))];
      const xs = members(20, (i) => fixed([3], i));
      const f = () => {
        // The gradient of each x is a sum, of which all terms but one are the same for all.
        const shared = members(terms, () => v.mul(v).add(v.mul(v)));
        const loss = () => xs.map((x) => shared.reduce((sum, u) => sum.add(x.mul(u).sum()), tanh(linear(w, x)).sum())).reduce((s, x) => s.add(x));
        return total(gradients(loss, xs).map((slope) => slope.mul(0.1)));
      };
      compare(f, [w, v], 6);
      expect(stackedIn(f).operations).toBeGreaterThan(20 * 9);
    }
  });

  it("takes what each gate of a cell uses for an input, and what all cells use for shared", () => {
    const [inputs, outputs, count, steps] = [4, 8, 12, 7];
    for (const cell of [new Lstm({ inputs, outputs }), new GatedRecurrent({ inputs, outputs })]) {
      const xs = members(count, (i) => fixed([steps, inputs], i)).map((x) => members(steps, (t) => input(x.data.slice(t * inputs, (t + 1) * inputs))));
      const f = () => total(xs.map((sequence) => {
        let state = cell.initialState();
        for (const x of sequence) state = cell.step(x, state as never);
        return cell.output(state as never);
      }));
      compare(f, cell.parameters(), 6);
      const { operations, into } = stackedIn(f);
      // One for each of the operations of a step, and a few at the end.
      expect(into).toBeLessThanOrEqual(operations / count + 1);
      expect(operations).toBeGreaterThan(count * steps * 16);
    }
  });

  it("takes an input that each member uses many times for one of its own", () => {
    const [w, u] = [parameter(fixed([6, 6], 1)), parameter(fixed([6, 6], 2))];
    const xs = members(30, (i) => fixed([6], i));
    const f = () => total(xs.map((x) => {
      let h = x;
      for (let i = 0; i < 5; i++) h = tanh(linear(w, h).add(linear(u, x)).mul(x));
      return h;
    }));
    compare(f, [w, u]);
    const { operations, into } = stackedIn(f);
    expect(operations).toBeGreaterThanOrEqual(30 * 5 * 5);
    expect(into).toBeLessThan(5 * 5 + 10);
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

  it("sums over any axes for all members at once", () => {
    const w = parameter(fixed([6, 6], 1));
    for (const sums of [[0], [1], [2], [0, 2], [0, 1, 2], []]) {
      for (const keepdims of [false, true]) {
        const f = () => total(members(20, (i) => linear(w, fixed([6], i)).reshape([1, 2, 3]).mul(fixed([2, 2, 1], i)).sum(sums, keepdims).sin()));
        compare(f, [w]);
        // But for the sums of 20 numbers at the end.
        expect(explain(() => grad(f)).steps[0].launches.filter(({ kernel }) => kernel === "row" || kernel === "columns").length).toBeLessThan(30);
      }
    }
  });

  it("leaves sums of large arrays alone", () => {
    const w = parameter(fixed([100, 6], 1));
    const f = () => total(members(20, (i) => linear(w, fixed([60, 6], i)).sum(0)));
    compare(f, [w]);
    const { arena } = explain(() => grad(f)).steps[0];
    expect(arena).toBeLessThan(1.2 * without("stack", () => explain(() => grad(f))).steps[0].arena);
  });

  describe("of a tree", () => {
    const [w, u, b, table] = [[8, 8], [8, 8], [8], [5, 8]].map((shape, i) => parameter(fixed(shape, i)));
    type Tree = number | readonly [Tree, Tree];
    const tree = (leaves: number, random: Random): Tree => {
      if (leaves === 1) return random.integer(0, 5);
      const left = 1 + random.integer(0, leaves - 1);
      return [tree(left, random), tree(leaves - left, random)];
    };
    const encode = (node: Tree): Variable =>
      typeof node === "number" ? tanh(affine(w, embed(table, node), b)) : tanh(affine(w, encode(node[0]), b).add(linear(u, encode(node[1]))));
    const trees = members(8, (i) => embed(table, i % 5)).map((_, i) => tree(12, new Random(i)));
    const loss = (): Variable => trees.map((node) => encode(node).tanh().sum()).reduce((s, t) => s.add(t));

    it("runs the nodes of one height at once", () => {
      compare(loss, [w, u, b, table], 6);
      const { stacked, operations } = explain(() => grad(loss)).steps[0];
      const height = (node: Tree): number => (typeof node === "number" ? 0 : 1 + Math.max(height(node[0]), height(node[1])));
      expect(stacked.operations).toBeGreaterThan(trees.length * 5 * 11);
      // Two products, a sum and a function for each height, one look-up, and what can be told apart by where operands come from.
      expect(stacked.into).toBeLessThan(8 * (1 + Math.max(...trees.map(height))));
      expect(operations).toBeGreaterThan(5 * stacked.into);
    });

    it("gives the gradients that finite differences give", () => {
      class Encoder extends Component { readonly parts = [w, u, b, table]; }
      // Throws where they differ.
      expect(() => checkGradients(loss, new Encoder(), { maxEntries: 16 })).not.toThrow();
      expect(() => checkGradients(() => loss().add(detach(loss())), new Encoder(), { maxEntries: 1 })).toThrow(GradientError);
    });

    it("returns the states of nodes, whatever is asked for", () => {
      const states = () => trees.map((node, i) => (i % 2 === 0 ? encode(node) : { state: encode(node), half: encode(node).mul(0.5) }));
      setDevice("reference");
      const numbers = (found: ReturnType<typeof states>): number[][] =>
        found.map((entry) => [...("state" in entry ? entry.state : entry).data, ...("half" in entry ? entry.half.data : [])]);
      const expected = numbers(without("stack", () => evaluate(states)));
      const found = numbers(evaluate(() => [...states(), tanh(w)]).slice(0, trees.length) as ReturnType<typeof states>);
      found.forEach((values, i) => { values.forEach((value, j) => { expect(value).toBeCloseTo(expected[i][j], 13); }); });
    });

    it("adds to the gradients of earlier steps, with a look in between or not", () => {
      setDevice("reference");
      const once = gradientsOf(loss, [w, u, b, table]);
      grad(loss);
      const looked = grad(() => {
        const first = encode(trees[0]).tanh().sum();
        return trees.slice(1).reduce((sum, node) => sum.add(encode(node).tanh().sum()), first.item() > 1e9 ? first.mul(2) : first);
      });
      expect(looked.item()).toBeCloseTo(once[0], 12);
      const found = [w, u, b, table].flatMap((p) => [...(p.grad as Variable).data]);
      found.forEach((value, i) => { expect(value).toBeCloseTo(3 * once[i + 1], 10); });
    });

    it.each(["wasm", "reference"] as const)("names the operation that got an index out of range, and changes nothing (%s)", (device) => {
      setDevice(device);
      gradientsOf(loss, [w, u, b, table]);
      const before = [...(table.grad as Variable).data];
      const bad = (index: number) => () => trees.map((node, i) => {
        const state = encode(node);
        return gather(table, state.sum().mul(0).add(i === 5 ? index : 1)).mul(state).sum();
      }).reduce((s, t) => s.add(t));
      for (let run = 0; run < 5; run++) expect(() => grad(bad(7))).toThrow("gather got index 7: an index here is an integer from 0 to 4");
      expect([...(table.grad as Variable).data]).toEqual(before);
    });
  });

  it("is the same for every number of threads", () => {
    const w = parameter(fixed([96, 96], 1));
    const f = () => total(members(40, (i) => tanh(linear(w, tanh(linear(w, fixed([4, 96], i)))))));
    const found = [1, 2].map((count) => {
      threads(count);
      return gradientsOf(f, [w]);
    });
    threads(1);
    expect(found[1]).toEqual(found[0]);
  });

  it("needs no stack of calls for long chains, and takes very many members in parts", () => {
    const [w, table] = [parameter(fixed([2, 2], 1)), parameter(fixed([5, 2], 2))];
    const chain = (): Variable => {
      let states = [0, 1, 2].map((i) => embed(table, i));
      for (let t = 0; t < 1500; t++) states = states.map((h) => tanh(linear(w, h)));
      return stack(states).sum();
    };
    setDevice("reference");
    expect(stackedIn(chain)).toEqual({ operations: 9_006, into: 3_002 });
    // Sums of eight, of eight of these, and so on.
    const sum = (xs: readonly Variable[]): Variable =>
      xs.length === 1 ? xs[0] : sum(Array.from({ length: Math.ceil(xs.length / 8) }, (_, i) => stack(xs.slice(8 * i, 8 * i + 8)).sum(0)));
    const count = 2 ** 15 + 3;
    const f = () => sum(members(count, (i) => embed(table, i % 5).mul(0.5).sub(1).mul(0.5))).sum();
    const expected = [0, 1, 2, 3, 4].map((row) => Math.ceil((count - row) / 5) / 4);
    gradientsOf(f, [table]);
    expect([...(table.grad as Variable).data]).toEqual(expected.flatMap((n) => [n, n]));
  });
});
