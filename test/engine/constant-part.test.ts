/** evaluate inside of a step: a part of it through which no gradient passes. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add, affine, type Component, checkGradients, debug, detach, dropout, evaluate, grad, gradients, input, isTraining, matmul, mean, mul, ones,
  parameter, Random, randn, seed, setDevice, slice, state, sub, sum, tanh, UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { Lstm } from "../../src/components/index.ts";
import { launchesOf } from "../launches.ts";

const numbers = (variable: Variable | null): number[] | null => (variable === null ? null : Array.from(variable.data));
/** Runs often enough for every plan that a structure gets. */
const RUNS = 6;

describe.each(["wasm", "reference"] as const)("evaluate inside of a step, on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => {
    setDevice("wasm");
    debug({ checkNumerics: false, checkComparisons: false, eager: false });
  });

  it("is a constant for the gradients of that step", () => {
    for (const order of [0, 1]) {
      const [v, w] = [parameter([1, 2]), parameter([3, 4])];
      for (let run = 1; run <= RUNS; run++) {
        const { loss, target } = grad(() => {
          const before = order === 0 ? null : mul(v, w);
          const target = evaluate(() => mul(v, w));
          return { loss: sum(mul(target, before ?? mul(v, w))), target };
        });
        // t·v·w with t = v·w constant
        expect([loss.item(), numbers(target)]).toEqual([9 + 64, [3, 8]]);
        expect([numbers(v.grad), numbers(w.grad)]).toEqual([[9 * run, 32 * run], [3 * run, 16 * run]]);
      }
    }
  });

  it("says so where the loss depends on nothing else", () => {
    const w = parameter(2);
    expect(() => grad(() => evaluate(() => mul(w, w)))).toThrow(/depends on no parameter.*evaluate\(\)/s);
    expect(() => grad(() => evaluate(() => w))).toThrow(UsageError);
    expect(w.grad).toBeNull();
  });

  it("is constant whichever way a result leaves it", () => {
    const w = parameter(2);
    const s = state(1);
    for (let run = 1; run <= RUNS; run++) {
      s.assign(1);
      let leaked: Variable | null = null;
      grad(() => {
        const { list } = evaluate(() => {
          leaked = mul(w, 3);
          s.assign(mul(w, 5));
          return { list: [mul(w, 7)] };
        });
        return mul(w, add(add(leaked as unknown as Variable, s), list[0]));
      });
      expect([w.grad?.item(), s.item()]).toEqual([30 * run, 10]);
    }
  });

  it("is constant when it gives a parameter, a state or an earlier result as it is", () => {
    const [w, s] = [parameter(3), state(1)];
    for (let run = 0; run < RUNS; run++) {
      w.clearGrad();
      grad(() => {
        const twice = mul(w, 2);
        s.assign(twice);
        return [w, twice, s].map((x) => mul(w, evaluate(() => x))).reduce(add);
      });
      expect(w.grad?.item()).toBe(3 + 6 + 6);
      expect(evaluate(() => w)).toBe(w);
    }
  });

  it("keeps old values of a state that is assigned", () => {
    const s = state([1, 2]);
    for (let run = 1; run <= RUNS; run++) {
      const { old, inside, now } = evaluate(() => {
        const old = evaluate(() => s);
        const inside = evaluate(() => s.assign(mul(s, 2)).add(0));
        return { old, inside, now: s.add(0) };
      });
      expect([old, inside, now].map(numbers)).toEqual([[2 ** (run - 1), 2 ** run], [2 ** run, 2 ** (run + 1)], [2 ** run, 2 ** (run + 1)]]);
      expect(numbers(s)).toEqual([2 ** run, 2 ** (run + 1)]);
    }
  });

  it("lets gradients work inside, of all orders", () => {
    const [w, x] = [parameter([2, 3]), input([1, -1])];
    for (let run = 1; run <= RUNS; run++) {
      const { first, second, hidden, through } = grad(() => {
        const cube = (v: Variable): Variable => sum(mul(mul(v, v), mul(v, x)));
        const first = evaluate(() => gradients(() => cube(w), [w])[0]);
        const second = evaluate(() => gradients(() => sum(gradients(() => cube(w), [w])[0]), [w])[0]);
        // By what was computed outside
        const h = mul(w, 2);
        const loss = sum(mul(h, mul(h, evaluate(() => w))));
        const hidden = evaluate(() => gradients(() => loss, [h])[0]);
        const through = evaluate(() => gradients(() => loss, [w])[0]);
        return { loss: sum(mul(w, [first, second, hidden, through].reduce(add))), first, second, hidden, through };
      });
      // 3w²x, 6wx, 2·2w·w, and twice that
      expect([first, second, hidden, through].map(numbers)).toEqual([[12, -27], [12, -18], [16, 36], [32, 72]]);
      expect(numbers(w.grad)).toEqual([72 * run, 63 * run]);
    }
  });

  it("is a constant of gradients too, and of another evaluate", () => {
    const x = input([3]);
    const product = (): Variable => sum(mul(x, evaluate(() => mul(x, 2))));
    const inner = (): Variable => evaluate(() => gradients(product, [x])[0]);
    for (let run = 0; run < RUNS; run++) {
      expect(numbers(gradients(product, [x])[0])).toEqual([6]);
      expect(numbers(inner())).toEqual([6]);
      expect(numbers(evaluate(inner))).toEqual([6]);
      expect(numbers(evaluate(() => evaluate(inner)))).toEqual([6]);
      // One after the other, which share what stands for x
      expect(numbers(evaluate(() => {
        const a = evaluate(() => mul(x, 2));
        return evaluate(() => gradients(() => sum(mul(mul(x, x), a)), [x])[0]);
      }))).toEqual([36]);
    }
  });

  it("gives the gradients of finite differences by what is outside", () => {
    const random = new Random(5);
    const [v, w, target] = [parameter(randn([3, 4], random)), parameter(randn([4], random)), parameter(randn([3], random))];
    const x = randn([5, 4], random);
    const fixed = new Map([["v", v.data], ["w", w.data]]);
    /** The values that v and w have now, as data: what finite differences take for constant. */
    const teacher = (): Variable => tanh(matmul(input(fixed.get("v") as Float32Array, [3, 4]), input(fixed.get("w") as Float32Array)));
    const by = (given: () => Variable) => (): Variable => mean(sub(affine(v, mul(x, w), target), given()).pow(2));
    const found = [by(() => evaluate(() => tanh(matmul(v, w)))), by(teacher)].map((f) => {
      for (const p of [v, w, target]) p.clearGrad();
      grad(f);
      return [v, w, target].map((p) => numbers(p.grad));
    });
    expect(found[0]).toEqual(found[1]);
    expect(checkGradients(by(teacher), new Map([["v", v], ["w", w], ["target", target]])).ok).toBe(true);
  });

  it("is what detach is for all that it gives, in random programs", () => {
    const random = new Random(11);
    /** A program on some variables, parts of which are wrapped; the same each time, as `draw` is. */
    const build = (draw: Random, wrap: (f: () => Variable[]) => Variable[]) => (given: readonly Variable[]): Variable => {
      const values = [...given];
      const pick = (): Variable => values[draw.integer(0, values.length)];
      const part = (length: number, depth: number): Variable[] => {
        const before = values.length;
        for (let i = 0; i < length; i++) {
          const kind = draw.integer(0, depth < 3 ? 5 : 4);
          if (kind === 4) values.push(...wrap(() => part(draw.integer(1, 5), depth + 1)));
          else if (kind === 3) values.push(gradients(() => sum(mul(pick(), tanh(pick()))), [pick()])[0]);
          else values.push(kind === 2 ? tanh(pick()) : kind === 1 ? matmul(pick(), pick()) : add(pick(), mul(pick(), 0.5)));
        }
        return values.splice(before); // only what the part returns is used further
      };
      return sum(part(10, 0).concat(given).reduce((total, value) => add(total, tanh(value))));
    };
    for (let program = 0; program < 25; program++) {
      const given = Array.from({ length: 3 }, () => parameter(randn([3, 3], random)));
      const { state: start } = random;
      const found = [(f: () => Variable[]) => evaluate(f), (f: () => Variable[]) => f().map(detach)].map((wrap) => {
        for (const p of given) p.clearGrad();
        const loss = grad(() => {
          random.state = start;
          return build(random, wrap)(given);
        });
        return [loss.item(), ...given.flatMap((p) => numbers(p.grad) ?? new Array(9).fill(0))];
      });
      found[0].forEach((value, i) => { expect(value).toBeCloseTo(found[1][i], 3); });
    }
  });

  it("runs nothing early, and gives numbers where it is asked", () => {
    const w = parameter(randn([8, 8]));
    const step = (look: boolean) => () => grad(() => {
      const target = evaluate(() => {
        const h = tanh(matmul(w, w));
        if (look) h.data;
        return h;
      });
      return sum(mul(w, target));
    });
    expect(launchesOf(step(false), RUNS)).toEqual(launchesOf(() => grad(() => sum(mul(w, detach(tanh(matmul(w, w)))))), RUNS));
    w.clearGrad();
    step(false)();
    const expected = numbers(w.grad) as number[];
    for (let run = 0; run < RUNS; run++) {
      w.clearGrad();
      step(true)();
      numbers(w.grad)?.forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 5); });
    }
  });

  it("computes nothing for the gradients of what is used there alone", () => {
    const [student, teacher] = [parameter(randn([6, 8])), parameter(randn([6, 8]))];
    const x = randn([4, 8]);
    const [s, t] = [(): Variable => matmul(x, student.reshape([8, 6])), (): Variable => tanh(matmul(x, teacher.reshape([8, 6])))];
    expect(launchesOf(() => grad(() => mean(mul(s(), evaluate(t)))), RUNS).product).toBe(3);
    expect(teacher.grad).toBeNull();
  });

  it("trains nothing: dropout is off there, and isTraining is false; both are back after it, also after an error", () => {
    const w = parameter(ones([64]));
    grad(() => {
      expect(isTraining()).toBe(true);
      const kept = evaluate(() => {
        expect(isTraining()).toBe(false);
        return evaluate(() => dropout(w, 0.5));
      });
      expect(numbers(kept)).toEqual(numbers(w));
      expect(() => evaluate(() => { throw new Error("mine"); })).toThrow("mine");
      expect(isTraining()).toBe(true);
      const dropped = dropout(w, 0.5);
      expect(new Set(dropped.data)).toEqual(new Set([0, 2]));
      return sum(mul(dropped, w));
    });
    expect(numbers(w.grad)?.some((g) => g !== 0)).toBe(true); // gradients flow again
  });

  it("keeps dropout where it is told so, also within an evaluate that does not say", () => {
    seed(3);
    const x = ones([64]);
    const drops = (y: Variable): boolean => y.data.includes(0);
    const asked: boolean[] = [];
    const f = (): Variable => {
      asked.push(isTraining());
      return dropout(x, 0.5);
    };
    const masks = new Set(Array.from({ length: RUNS }, () => String(evaluate(f, { dropout: true }).data)));
    expect(masks.size).toBe(RUNS);
    expect(drops(evaluate(f, { dropout: false }))).toBe(false);
    expect(drops(evaluate(() => evaluate(f), { dropout: true }))).toBe(true);
    expect(drops(evaluate(() => evaluate(f, { dropout: false }), { dropout: true }))).toBe(false);
    expect(drops(evaluate(() => evaluate(f, { dropout: true })))).toBe(true);
    const w = parameter(1);
    grad(() => {
      expect(drops(evaluate(f, { dropout: true }))).toBe(true);
      expect(drops(evaluate(f))).toBe(false);
      return w;
    });
    expect(asked).not.toContain(true);
    expect(() => evaluate(f, { dropout: 1 as never })).toThrow(ValueError);
    expect(() => evaluate(f, { droput: true } as never)).toThrow(/Did you mean dropout/);
  });

  it("serves a model that many members share, as stacked and batched as without", () => {
    const random = new Random(1);
    const make = (): Lstm => new Lstm({ inputs: 3, outputs: 4 });
    const [student, teacher] = [make(), make()];
    const sequences = Array.from({ length: 6 }, (_, k) => Array.from({ length: 4 + (k % 2) }, () => randn([3], random)));
    const last = (θ: Lstm, xs: Variable[]): Variable => θ.unfold(xs).at(-1) as Variable;
    const cost = (taught: (xs: Variable[]) => Variable) => (): Variable =>
      sequences.map((xs) => sum(last(student, xs).sub(taught(xs)).pow(2))).reduce(add);
    const gradientsOf = (f: () => Variable): unknown[] => {
      student.clearGrad();
      teacher.clearGrad();
      const counts = launchesOf(() => { student.clearGrad(); grad(f); }, RUNS);
      return [counts.product, student.parameters().map((p) => numbers(p.grad)), teacher.parameters().map((p) => numbers(p.grad))];
    };
    const [products, found, none] = gradientsOf(cost((xs) => evaluate(() => last(teacher, xs))));
    const given = teacherFrozen(teacher, () => gradientsOf(cost((xs) => last(teacher, xs))));
    expect(found).toEqual(given[1]);
    expect(none).toEqual(teacher.parameters().map(() => null));
    expect(products).toBeLessThanOrEqual((given[0] as number) + 4);
  });

  it("is checked, watched and run at once as other parts are", () => {
    const w = parameter([1, 0]);
    const divided = (): Variable => grad(() => sum(mul(w, evaluate(() => w.pow(-1)))));
    debug({ checkNumerics: true });
    expect(divided).toThrow(/recip produced Infinity.*constant-part\.test/s);
    debug({ checkNumerics: false, checkComparisons: true });
    expect(() => grad(() => { evaluate(() => w.greater(0)); return sum(w); })).toThrow(/The result of greater.*was not used/s);
    debug({ checkComparisons: false, eager: true });
    w.assign([1, 2]);
    expect([divided().item(), numbers(w.grad)]).toEqual([2, [1, 0.5]]);
  });

  it("refuses what it refuses elsewhere, and grad within it says what to do", () => {
    const w = parameter(1);
    const inside = (f: () => unknown) => (): unknown => grad(() => { const loss = mul(w, w); evaluate(f); return loss; });
    expect(inside(() => grad(() => w))).toThrow(/grad was called inside grad.*gradients\(f, variables\)/s);
    expect(inside(() => w.assign(2))).toThrow(/assign was called inside grad/);
    expect(inside(async () => w)).toThrow(/The function given to evaluate is async/);
    expect(inside(() => slice(w, 3))).toThrow();
    expect([w.item(), w.grad]).toEqual([1, null]);
  });
});

function teacherFrozen<T>(θ: Component, f: () => T): T {
  θ.freeze();
  const found = f();
  θ.unfreeze();
  return found;
}
