import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add, affine, Component, cost, detach, dropout, evaluate, grad, gradients, input, matmul, mean, mul, operation, type Parameter, parameter,
  reshape, Random, randn, seed, setDevice, slice, softplus, stack, sub, sum, tanh, Variable,
} from "../../src/index.ts";

const numbers = (variable: Variable | null): number[] | null => (variable === null ? null : Array.from(variable.data));

describe.each(["wasm", "reference"] as const)("on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));

  describe("grad", () => {
    it("returns the loss with its number, outside of any step", () => {
      const w = parameter([1, 2, 3]);
      const loss = grad(() => sum(mul(w, w)));
      expect(loss).toBeInstanceOf(Variable);
      expect(loss.shape).toEqual([]);
      expect(loss.item()).toBe(14);
      expect(mul(loss, 2).item()).toBe(28);
      expect(numbers(w.grad)).toEqual([2, 4, 6]);
      expect(w.grad?.shape).toEqual([3]);
    });

    it("takes a loss of any shape with one element", () => {
      const w = parameter([[3]]);
      expect(grad(() => mul(w, w)).shape).toEqual([1, 1]);
      expect(numbers(w.grad)).toEqual([6]);
    });

    it("takes a loss that is a parameter, or a view of one", () => {
      const w = parameter(5);
      expect(grad(() => w).item()).toBe(5);
      expect(numbers(w.grad)).toEqual([1]);
      const v = parameter([1, 2, 3]);
      expect(grad(() => slice(v, 1)).item()).toBe(2);
      expect(numbers(v.grad)).toEqual([0, 1, 0]);
    });

    it("gives everything in the returned object its numbers: arrays, maps, sets, objects", () => {
      const w = parameter([1, 2]);
      const x = input([3, 4]);
      class Kept { readonly held = mul(x, 10); }
      const result = grad(() => {
        const scores = mul(w, x);
        const cycle: { self?: unknown; doubled: Variable } = { doubled: mul(scores, 2) };
        cycle.self = cycle;
        return {
          loss: sum(scores),
          list: [scores, [add(scores, 1)]],
          map: new Map<unknown, unknown>([["key", sub(scores, 1)], [mul(scores, 3), "value"]]),
          set: new Set([mul(scores, 5)]),
          cycle, kept: new Kept(), w, x, text: "as it is", nothing: null, missing: undefined, typed: new Float32Array(3), when: new Date(0),
        };
      });
      expect(result.loss.item()).toBe(11);
      expect(numbers(result.list[0] as Variable)).toEqual([3, 8]);
      expect(numbers((result.list[1] as Variable[])[0])).toEqual([4, 9]);
      expect(numbers(result.map.get("key") as Variable)).toEqual([2, 7]);
      expect(numbers([...result.map.keys()][1] as Variable)).toEqual([9, 24]);
      expect(numbers([...result.set][0])).toEqual([15, 40]);
      expect(numbers(result.cycle.doubled)).toEqual([6, 16]);
      expect(result.cycle.self).toBe(result.cycle);
      expect(numbers(result.kept.held)).toEqual([30, 40]);
      expect(result.w).toBe(w);
      expect(result.x).toBe(x);
      expect(result.text).toBe("as it is");
    });

    it("keeps the same result whether or not more is returned", () => {
      const w = parameter([1, 2]);
      for (let run = 0; run < 6; run++) {
        w.clearGrad();
        const { loss, again, scores } = grad(() => {
          const scores = mul(w, [2, 3].length);
          const loss = sum(scores);
          return { loss, again: loss, scores };
        });
        expect(again).toBe(loss);
        expect([loss.item(), numbers(scores), numbers(w.grad)]).toEqual([6, [2, 4], [2, 2]]);
      }
    });

    it("returns views of parameters as copies of their own", () => {
      const w = parameter([[1, 2], [3, 4]]);
      const { row, flat, whole } = grad(() => ({ loss: sum(w), row: slice(w, 1), flat: reshape(w, [4]), whole: w }));
      w.assign([[0, 0], [0, 0]]);
      expect(numbers(row)).toEqual([3, 4]);
      expect(numbers(flat)).toEqual([1, 2, 3, 4]);
      expect(whole).toBe(w);
      expect(numbers(w)).toEqual([0, 0, 0, 0]);
    });

    it("adds to the gradients that are there, until they are cleared", () => {
      const w = parameter([1, 2]);
      for (let run = 1; run <= 8; run++) {
        grad(() => sum(mul(w, run)));
        expect(numbers(w.grad)?.[0]).toBe((run * (run + 1)) / 2);
      }
      w.clearGrad();
      expect(w.grad).toBeNull();
      grad(() => sum(mul(w, 7)));
      expect(numbers(w.grad)).toEqual([7, 7]);
    });

    it("leaves parameters that the loss does not reach without a gradient", () => {
      const [w, unused, beside, cut] = [parameter([1, 2]), parameter([3]), parameter([4]), parameter([1, 1])];
      for (let run = 0; run < 5; run++) {
        const { other } = grad(() => ({ loss: sum(mul(w, detach(cut))), other: mul(beside, 2) }));
        expect(other.item()).toBe(8);
      }
      expect(numbers(w.grad)).toEqual([5, 5]);
      expect([unused.grad, beside.grad, cut.grad]).toEqual([null, null, null]);
    });

    it("keeps a gradient that an earlier step left where this one does not reach", () => {
      const [v, w] = [parameter([1, 2]), parameter([3, 4])];
      grad(() => sum(mul(v, 2)));
      for (let run = 0; run < 5; run++) grad(() => sum(mul(w, 3)));
      expect(numbers(v.grad)).toEqual([2, 2]);
      expect(numbers(w.grad)).toEqual([15, 15]);
    });

    it("sums over all uses of a variable", () => {
      const w = parameter([2]);
      grad(() => sum(add(mul(w, w), add(w, mul(mul(w, w), w)))));
      expect(numbers(w.grad)).toEqual([2 * 2 + 1 + 3 * 4]);
      const x = parameter([1, 2]);
      grad(() => sum(add(x, x)));
      expect(numbers(x.grad)).toEqual([2, 2]);
      const y = parameter([1, 2, 3]);
      grad(() => sum(sub(y, y)));
      expect(numbers(y.grad)).toEqual([0, 0, 0]);
    });

    it("serves a parameter that several components share", () => {
      class Layer extends Component {
        constructor(readonly w: Parameter) { super(); }
        apply(x: Variable): Variable { return matmul(this.w, x); }
      }
      const shared = parameter([[1, 2], [3, 4]]);
      const [a, b] = [new Layer(shared), new Layer(shared)];
      grad(() => sum(b.apply(a.apply(input([1, 1])))));
      // d/dW of 1ᵀ W W x: 1 (W x)ᵀ + (Wᵀ 1) xᵀ
      expect(numbers(shared.grad)).toEqual([3 + 4, 7 + 4, 3 + 6, 7 + 6]);
    });

    it("gives equal gradients to parameters that are added", () => {
      const [a, b, c] = [parameter([1, 2]), parameter([3, 4]), parameter([5, 6])];
      for (let run = 1; run <= 5; run++) {
        grad(() => sum(mul(add(a, add(b, c)), input([run, 1]))));
        const expected = [(run * (run + 1)) / 2, run];
        expect([a, b, c].map((p) => numbers(p.grad))).toEqual([expected, expected, expected]);
      }
    });

    it("reads gradients of earlier steps before it writes its own", () => {
      for (const order of [0, 1]) {
        const [u, w] = [parameter([1, 1]), parameter([1, 2])];
        grad(() => sum(mul(w, 2)));
        for (let run = 0; run < 5; run++) {
          const before = numbers(w.grad) as number[];
          u.clearGrad();
          const { old } = grad(() => {
            const [first, second] = [sum(mul(u, w.grad as Variable)), sum(mul(w, 3))];
            return { loss: order === 0 ? add(first, second) : add(second, first), old: reshape(w.grad as Variable, [1, 2]) };
          });
          expect(numbers(u.grad)).toEqual(before);
          expect(numbers(old)).toEqual(before);
          expect(numbers(w.grad)).toEqual(before.map((g) => g + 3));
        }
      }
    });

    it("uses control flow of the language", () => {
      const w = parameter(3);
      const power = (x: Variable, n: number): Variable => (n === 0 ? input(1) : mul(x, power(x, n - 1)));
      for (const n of [1, 2, 3, 4, 2, 3]) {
        w.clearGrad();
        expect(grad(() => power(w, n)).item()).toBe(3 ** n);
        expect(w.grad?.item()).toBe(n * 3 ** (n - 1));
      }
    });

    it("draws a new dropout mask in every step, and none outside of grad", () => {
      seed(1);
      const w = parameter(new Array(64).fill(1));
      const masks = new Set<string>();
      for (let run = 0; run < 6; run++) {
        const { dropped } = grad(() => {
          const dropped = dropout(w, 0.5);
          return { loss: sum(dropped), dropped };
        });
        masks.add(String(numbers(dropped)));
        expect(new Set(numbers(dropped))).toEqual(new Set([0, 2]));
      }
      expect(masks.size).toBe(6);
      expect(numbers(evaluate(() => dropout(w, 0.5)))).toEqual(numbers(w));
      expect(numbers(dropout(w, 0.5))).toEqual(numbers(w));
    });
  });

  describe("evaluate", () => {
    it("returns whatever the function returns, every variable with its numbers", () => {
      const w = parameter([1, 2]);
      expect(numbers(evaluate(() => mul(w, 2)))).toEqual([2, 4]);
      expect(evaluate(() => 3)).toBe(3);
      expect(evaluate(() => {})).toBeUndefined();
      expect(evaluate(() => w)).toBe(w);
      expect(evaluate(() => [[mul(w, 3)]])[0][0].toArray()).toEqual([3, 6]);
      expect(w.grad).toBeNull();
    });

    it("returns results that are nested deeply", () => {
      interface Link { readonly value: Variable; readonly next: Link | null }
      const x = input(1);
      let list: Link | null = evaluate(() => {
        let link: Link | null = null;
        for (let i = 0; i < 20_000; i++) link = { value: add(x, i), next: link };
        return link;
      });
      for (let i = 19_999; list !== null; i--, list = list.next) if (list.value.item() !== i + 1) throw new Error(`link ${i}`);
    });

    it("returns very many variables", () => {
      const x = input(1);
      const sums = evaluate(() => Array.from({ length: 130_000 }, (_, i) => add(x, i)));
      expect([sums[0].item(), sums[129_999].item()]).toEqual([1, 130_000]);
    });
  });

  describe("gradients", () => {
    it("gives first, second and third derivatives", () => {
      const x = input([1, 2, 3]);
      const fourth = (): Variable => sum(mul(mul(x, x), mul(x, x)));
      const first = (): Variable => gradients(fourth, [x])[0];
      const second = (): Variable => gradients(() => sum(first()), [x])[0];
      const third = (): Variable => gradients(() => sum(second()), [x])[0];
      const fifth = (): Variable => gradients(() => sum(gradients(() => sum(third()), [x])[0]), [x])[0];
      expect(numbers(first())).toEqual([4, 32, 108]);
      expect(numbers(second())).toEqual([12, 48, 108]);
      expect(numbers(third())).toEqual([24, 48, 72]);
      expect(numbers(fifth())).toEqual([0, 0, 0]);
    });

    it("is part of the step inside grad: a gradient penalty has the gradient that calculus gives", () => {
      const w = parameter([1, 2]);
      const x = input([3, -1]);
      for (let run = 0; run < 6; run++) {
        w.clearGrad();
        // f = Σ w²·x, ∂f/∂x = w², penalty Σ w⁴, its gradient 4w³
        const { loss, slope } = grad(() => {
          const [slope] = gradients(() => sum(mul(mul(w, w), x)), [x]);
          return { loss: sum(mul(slope, slope)), slope };
        });
        expect(loss.item()).toBe(17);
        expect(numbers(slope)).toEqual([1, 4]);
        expect(numbers(w.grad)).toEqual([4, 32]);
      }
    });

    it("works inside evaluate, and twice in one step", () => {
      const w = parameter([1, 2]);
      const [first, second] = evaluate(() => {
        const loss = sum(mul(w, mul(w, w)));
        return [gradients(() => loss, [w])[0], gradients(() => loss, [w])[0]];
      });
      expect(numbers(first)).toEqual([3, 12]);
      expect(numbers(second)).toEqual([3, 12]);
      expect(w.grad).toBeNull();
    });

    it("differentiates by a result of the same step, and by the loss itself", () => {
      const w = parameter([1, 2]);
      const { byHidden, byLoss } = grad(() => {
        const hidden = mul(w, 3);
        const loss = sum(mul(hidden, hidden));
        return { loss, byHidden: gradients(() => loss, [hidden])[0], byLoss: gradients(() => loss, [loss])[0] };
      });
      expect(numbers(byHidden)).toEqual([6, 12]);
      expect(byLoss.item()).toBe(1);
      expect(numbers(w.grad)).toEqual([18, 36]);
    });

    it("gives the total derivative by variables that depend on each other", () => {
      const x = input([2]);
      const [byX, byY] = evaluate(() => {
        const y = mul(x, 3);
        return gradients(() => sum(mul(x, y)), [x, y]);
      });
      expect(numbers(byX)).toEqual([12]); // of 3x²
      expect(numbers(byY)).toEqual([2]);
    });

    it("gives zeros where there is no dependence, and the same for one variable twice", () => {
      const [x, y] = [input([1, 2]), input([[3]])];
      const found = gradients(() => sum(mul(x, x)), [x, y, x]);
      expect(found.map(numbers)).toEqual([[2, 4], [0], [2, 4]]);
      expect(found[1].shape).toEqual([1, 1]);
      expect(gradients(() => input(3), [x]).map(numbers)).toEqual([[0, 0]]);
    });

    it("leaves the gradients of parameters alone", () => {
      const w = parameter([1, 2]);
      grad(() => sum(w));
      const [g] = gradients(() => sum(mul(w, 5)), [w]);
      expect(numbers(g)).toEqual([5, 5]);
      expect(numbers(w.grad)).toEqual([1, 1]);
    });

    it("may be used by later steps", () => {
      const w = parameter([1, 2]);
      const [g] = gradients(() => sum(mul(w, w)), [w]);
      expect(grad(() => sum(mul(g, w))).item()).toBe(2 + 8);
      expect(numbers(w.grad)).toEqual([2, 4]);
    });

    it("agrees with finite differences for a function without a closed form", () => {
      const random = new Random(3);
      const w = parameter(randn([4, 4], random));
      const x = input(Array.from({ length: 4 }, () => random.normal()));
      const penalty = (): Variable => {
        const [slope] = gradients(() => sum(softplus(tanh(matmul(w, x)))), [x]);
        return mean(mul(slope, slope));
      };
      setDevice("reference");
      grad(penalty);
      const exact = numbers(w.grad) as number[];
      const original = Array.from(w.data);
      const at = (i: number, h: number): number => {
        w.assign(Float64Array.from(original, (value, k) => (k === i ? value + h : value)));
        return evaluate(penalty).item();
      };
      original.forEach((_, i) => { expect((at(i, 1e-5) - at(i, -1e-5)) / 2e-5).toBeCloseTo(exact[i], 8); });
    });
  });

  describe("an exception", () => {
    const w = parameter([1, 2]);
    const x = input([3, 4]);
    const good = (): Variable => grad(() => sum(mul(w, x)));

    it("leaves gradients as they were, and the next step works, wherever it is thrown", () => {
      w.clearGrad();
      const failures: (() => Variable)[] = [
        () => { throw new RangeError("mine"); },
        () => { mul(w, x); throw new RangeError("mine"); },
        () => { mul(w, x).data; throw new RangeError("mine"); },
        () => { gradients(() => sum(mul(w, x)), [w]); throw new RangeError("mine"); },
      ];
      for (let run = 0; run < 6; run++) {
        good();
        for (const f of failures) {
          expect(() => grad(f)).toThrow(new RangeError("mine"));
          expect(() => evaluate(f)).toThrow(new RangeError("mine"));
          expect(() => gradients(f, [w])).toThrow(new RangeError("mine"));
        }
        expect(numbers(w.grad)).toEqual([3 * (run + 1), 4 * (run + 1)]);
      }
    });

    it("may be caught within the step, which goes on", () => {
      w.clearGrad();
      const loss = grad(() => {
        const product = mul(w, x);
        try { matmul(w, input([[1, 2, 3]])); } catch { /* on purpose */ }
        try { input([9, 9, 9]).reshape([2]); } catch { /* on purpose */ }
        return sum(product);
      });
      expect(loss.item()).toBe(11);
      expect(numbers(w.grad)).toEqual([3, 4]);
    });
  });

  describe("operations with rules of their own", () => {
    const copied = (reverse: (g: Variable, y: Variable, x: Variable) => readonly (Variable | null)[]): ((x: Variable) => Variable) =>
      operation({ name: "copied", shape: (x) => x, forward(y, x) { y.data.set(x.data); }, reverse });
    const gradientsOf = (f: (x: Variable) => Variable, values: readonly number[][]): (number[] | null)[] => values.map((value) => {
      const w = parameter(value);
      grad(() => sum(f(w)));
      return numbers(w.grad);
    });
    const many = [[1, 2], [-1, 2], [3, 4], [-5, 6], [7, 8], [-9, 1]];

    it("may depend on a number from outside that changes", () => {
      let scale = 0;
      const scaled = copied((g) => [mul(g, scale++)]);
      expect(gradientsOf(scaled, many)).toEqual([0, 1, 2, 3, 4, 5].map((s) => [s, s]));
    });

    it("may look at values", () => {
      const signed = copied((g, _, x) => [x.data[0] > 0 ? g : mul(g, 10)]);
      expect(gradientsOf(signed, many)).toEqual(many.map(([first]) => (first > 0 ? [1, 1] : [10, 10])));
    });

    it("may return what is there already", () => {
      const [one, two] = [input([1, 1]), input([2, 2])];
      let run = 0;
      expect(gradientsOf(copied(() => [run++ % 2 === 0 ? one : two]), many)).toEqual([0, 1, 0, 1, 0, 1].map((odd) => (odd === 0 ? [1, 1] : [2, 2])));
      const doubled = operation({
        name: "doubled", shape: (x) => x,
        forward(y, x) { for (let i = 0; i < y.data.length; i++) y.data[i] = 2 * x.data[i]; },
        reverse: (_, y, x) => [run++ % 2 === 0 ? x : y],
      });
      expect(gradientsOf(doubled, many)).toEqual(many.map((v, i) => (i % 2 === 0 ? v : v.map((x) => 2 * x))));
      expect(gradientsOf(copied(() => [null]), [[1, 2]])).toEqual([[0, 0]]);
    });

    it("may throw, forward and backward: gradients stay as they were", () => {
      let fails: "forward" | "reverse" | null = null;
      const failing = operation({
        name: "failing",
        shape: () => [],
        forward(y, x) {
          if (fails === "forward") throw new RangeError("forward");
          y.data[0] = 0;
          for (const value of x.data) y.data[0] += value;
        },
        reverse: (g, _, x) => {
          if (fails === "reverse") throw new RangeError("reverse");
          return [g.broadcastTo(x.shape)];
        },
      });
      const [w, v] = [parameter(new Array(9).fill(1)), parameter(new Array(9).fill(1))];
      const x = input(new Array(9).fill(2));
      const step = (): Variable => grad(() => failing(add(mul(w, x), v)));
      const now = (): (number | undefined)[] => [w, v].map((p) => p.grad?.data[4]);
      for (let run = 1; run <= 7; run++) {
        expect(step().item()).toBe(27);
        expect(now()).toEqual([2 * run, run]);
        for (const where of ["forward", "reverse"] as const) {
          fails = where;
          expect(step).toThrow(new RangeError(where));
          fails = null;
          // Anew, so that no copy on the host hides what the device has.
          expect(evaluate(() => [w, v].map((p) => slice(p.grad as Variable, 4))).map((g) => g.item())).toEqual([2 * run, run]);
        }
      }
    });

    it("cannot read other results of the step, which may be on their way", () => {
      const result = (): Variable => evaluate(() => {
        const z = add(input(1), 1);
        const peeking = operation({ name: "peeking", shape: () => [], forward(y) { y.data[0] = z.item(); } });
        return add(peeking(z), 1);
      });
      expect(result).toThrow(/forward function.*as an input/s);
      expect(add(input(1), 1).item()).toBe(2);
    });
  });

  it("trains the example of the first page", () => {
    class LogisticRegression extends Component {
      readonly w;
      readonly b;
      constructor(classes: number, features: number) {
        super();
        this.w = parameter(randn([classes, features], new Random(1)));
        this.b = parameter(new Array(classes).fill(0));
      }
      cost(x: Variable, y: Int32Array): Variable { return cost.categoricalCrossEntropyWithScores(affine(this.w, x, this.b), y); }
    }
    const θ = new LogisticRegression(3, 4);
    const random = new Random(2);
    const y = Int32Array.from({ length: 30 }, (_, i) => i % 3);
    const x = stack(Array.from(y, (label) => input(Array.from({ length: 4 }, (_, k) => random.normal(k === label ? 2 : 0, 0.5)))));
    const losses = Array.from({ length: 40 }, () => {
      const loss = grad(() => θ.cost(x, y)).item();
      for (const p of θ.parameters()) {
        p.assign(sub(p, mul(p.grad as Variable, 0.05)));
        p.clearGrad();
      }
      return loss;
    });
    expect(losses[39]).toBeLessThan(losses[0] / 20);
    losses.forEach((loss, i) => { if (i > 0) expect(loss).toBeLessThan(losses[i - 1]); });
  });
});
