import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add, argmax, concat, debug, type DeviceName, div, evaluate, gather, GradientDescent, grad, gradients, gradnorm, input, log, memory, mul, NanError,
  operation, pad, type Parameter, parameter, reshape, setDevice, slice, sqrt, stack, sub, sum, tanh, ValueError, type Variable, where,
} from "../../src/index.ts";
import { type Course, Data, interpret, type Program, programs } from "../programs.ts";
import { behind, inFloat32, onWasm, told } from "../device.ts";

const RUNS = 10;

interface Run {
  readonly loss: number;
  readonly kept: Float64Array[];
  readonly gradients: (Float64Array | null)[];
  readonly seen: Float64Array[];
}

/** Runs a program several times in one way; the plan cache and, later on, fused plans come into play. */
function runs(program: Program, device: DeviceName, looks: boolean, courses: Course[] | null, training: boolean): { results: Run[]; courses: Course[] } {
  setDevice(device);
  const data = new Data(program.large);
  const made: Course[] = [];
  const results: Run[] = [];
  for (let run = 0; run < RUNS; run++) {
    const fresh = data.refresh();
    const course: Course = { decisions: courses?.[run].decisions ?? [], seen: [], read: [] };
    made.push(course);
    // Half of the runs add to the gradients of the run before.
    if (run % 2 === 0) for (const p of data.parameters) p.clearGrad();
    const body = () => ({ ...interpret(program, data, fresh, course, looks, courses === null), seen: course.seen });
    const { loss, kept, seen } = training ? grad(body) : evaluate(body);
    const values = seen.map((v) => Float64Array.from(v.data));
    if (looks) course.read.forEach((read, i) => { expect(read).toEqual(values[i]); });
    results.push({
      loss: loss.item(),
      kept: [...kept.list, ...kept.map.values()].map((v) => Float64Array.from(v.data)),
      gradients: data.parameters.map((p) => (p.grad === null ? null : Float64Array.from(p.grad.data))),
      seen: values,
    });
  }
  return { results, courses: made };
}

function expectSame(found: readonly Run[], expected: readonly Run[], about: string): void {
  expected.forEach((run, i) => {
    expect(Math.abs(found[i].loss - run.loss), `${about}: loss of run ${i}`).toBeLessThan(tolerance * (1 + Math.abs(run.loss)));
    for (const key of ["kept", "gradients", "seen"] as const) {
      run[key].forEach((values, k) => {
        const others = found[i][key][k];
        expect(others === null, `${about}: ${key} ${k} of run ${i}`).toBe(values === null);
        if (values === null || others === null) return;
        expect(others.length).toBe(values.length);
        const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
        values.forEach((v, j) => {
          if (!(Math.abs(others[j] - v) <= tolerance * largest)) {
            throw new Error(`${about}: ${key} ${k}[${j}] of run ${i} is ${others[j]}, but expected ${v}`);
          }
        });
      });
    }
  });
}

/** float32 against float64 through some thirty operations; a wrong plan is off by much more. */
const tolerance = 2e-3;

afterEach(() => setDevice("wasm"));

describe("random programs", () => {
  const seed = Number(process.env.FLIMSY_SEED ?? 2015);
  const numRuns = Number(process.env.FLIMSY_RUNS ?? 60);

  it.each([["with gradients", true], ["without", false]] as const)("give the same on every device, with and without looks, %s", (_, training) => {
    fc.assert(fc.property(programs, (program) => {
      const { results: expected, courses } = runs(program, "reference", true, null, training);
      expectSame(runs(program, "reference", false, courses, training).results, expected, "reference without looks");
      expectSame(runs(program, "wasm", false, courses, training).results, expected, "wasm without looks");
      // Not to the bit: products that a look has run already are not batched with later ones.
      expectSame(runs(program, "wasm", true, courses, training).results, expected, "wasm with looks");
    }), { seed, numRuns });
  }, 600_000);
});

describe.each(["wasm", "reference"] as const)("a look in the middle of a step on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  const numbers = (v: Variable | null): number[] | null => (v === null ? null : Array.from(v.data));

  it("decides loops and branches, and the gradient follows the way taken", () => {
    const w = parameter(1);
    // Doubles until above a bound: w·2ⁿ
    const doubled = (start: number, bound: number): number => {
      w.assign(start);
      w.clearGrad();
      return grad(() => {
        let x: Variable = mul(w, 1);
        while (x.item() < bound) x = mul(x, 2);
        if (x.item() > 2 * bound) throw new Error("one too many");
        return x.item() % 8 === 0 ? mul(x, 3) : x;
      }).item();
    };
    for (let run = 0; run < 3; run++) {
      for (const [start, bound, expected, slope] of [[1, 100, 384, 384], [3, 100, 576, 192], [1, 7, 24, 24], [3, 5, 6, 2], [7, 5, 7, 1]]) {
        expect(doubled(start, bound)).toBe(expected);
        expect(w.grad?.item()).toBe(slope);
      }
    }
  });

  it("sees parameters, inputs, numbers, and views of all of them", () => {
    const large = input(Float32Array.from({ length: 1200 }, (_, i) => i), [300, 4]);
    const w = parameter([[1, 2], [3, 4]]);
    for (let run = 0; run < 6; run++) {
      w.clearGrad();
      const small = input([run, 10]);
      const { views } = grad(() => {
        const views = [
          slice(w, 1), reshape(w, [4]), slice(w, null, 1), slice(large, 299), slice(reshape(large, [1200]), [5, 7]), slice(small, 1), reshape(small, [2, 1]),
          reshape(slice(w, 1), [2, 1]), add(input(3), 0), slice(slice(large, [10, 20]), 3),
        ];
        const before = [[3, 4], [1, 2, 3, 4], [2, 4], [1196, 1197, 1198, 1199], [5, 6], [10], [run, 10], [3, 4], [3], [52, 53, 54, 55]];
        views.forEach((view, i) => { expect(numbers(view)).toEqual(before[i]); });
        expect([w.item.length, w.toArray(), small.toArray(), large.data[7]]).toEqual([0, [[1, 2], [3, 4]], [run, 10], 7]);
        const after = views.map((view) => mul(view, 2));
        after.forEach((view, i) => { expect(numbers(view)).toEqual(before[i].map((x) => 2 * x)); });
        return { loss: add(sum(mul(after[0], slice(small, [0, 2]))), sum(views[2])), views };
      });
      expect(views.map((view) => view.data[0])).toEqual([3, 1, 2, 1196, 5, 10, run, 3, 3, 52]);
      expect(numbers(w.grad)).toEqual([0, 1, 2 * run, 21]);
    }
  });

  it("sees what a view of a view saw at an earlier look", () => {
    const w = parameter(Array.from({ length: 12 }, (_, i) => i));
    for (let run = 0; run < 5; run++) {
      w.clearGrad();
      grad(() => {
        const middle = slice(w, [2, 11]);
        expect(middle.data[0]).toBe(2);
        const inner = slice(middle, [3, 7]);
        expect(numbers(inner)).toEqual([5, 6, 7, 8]);
        const last = reshape(slice(inner, [1, 3]), [2, 1]);
        expect(numbers(last)).toEqual([6, 7]);
        return add(sum(mul(last, last)), sum(middle));
      });
      expect(numbers(w.grad)).toEqual([0, 0, 1, 1, 1, 1, 13, 15, 1, 1, 1, 0]);
    }
  });

  it("costs no operation a second run", () => {
    let calls = 0;
    const counted = operation({
      name: "counted", shape: (x) => x,
      forward(y, x) { calls++; y.data.set(x.data); },
      reverse: (g) => [g],
    });
    const w = parameter([1, 2]);
    for (let run = 0; run < 5; run++) {
      calls = 0;
      told(() => grad(() => {
        const first = counted(w);
        const second = counted(mul(first, 2));
        expect(calls).toBe(0);
        expect([numbers(first), numbers(second), numbers(first)]).toEqual([[1, 2], [2, 4], [1, 2]]);
        expect(calls).toBe(2);
        return sum(counted(second));
      }));
      expect(calls).toBe(3);
    }
  });

  it("may be at the loss itself, and at all that is returned", () => {
    const w = parameter([1, 2]);
    for (let run = 1; run <= 6; run++) {
      const { loss, row, squares } = grad(() => {
        const squares = mul(w, w);
        const row = slice(squares, [1, 2]);
        const loss = reshape(sum(squares), [1]);
        expect([loss.item(), row.item(), numbers(squares)]).toEqual([5, 4, [1, 4]]);
        return { loss, row, squares };
      });
      expect([loss.item(), row.item(), numbers(squares)]).toEqual([5, 4, [1, 4]]);
      expect(numbers(w.grad)).toEqual([2 * run, 4 * run]);
      expect(numbers(evaluate(() => { const y = mul(w, run); y.data; return y; }))).toEqual([run, 2 * run]);
    }
  });

  it("gives copies that may be changed", () => {
    const w = parameter([1, 2]);
    const loss = grad(() => {
      const y = mul(w, 3);
      y.data.fill(100);
      w.data.fill(100);
      return sum(mul(y, w));
    });
    expect(loss.item()).toBe(15);
  });

  it("may be a promise", async () => {
    const w = parameter([1, 2]);
    let early: Promise<unknown> | null = null;
    let late: Variable | null = null;
    grad(() => {
      const y = mul(w, 3);
      early = y.read();
      late = mul(w, 4);
      return sum(y);
    });
    expect(Array.from((await early) as unknown as Float32Array)).toEqual([3, 6]);
    await expect((late as unknown as Variable).read()).rejects.toThrow(/mul/);
  });

  it("works inside gradients, and on gradients", () => {
    const w = parameter([2, 3]);
    for (let run = 0; run < 5; run++) {
      w.clearGrad();
      const loss = grad(() => {
        const [slope] = gradients(() => {
          const cubes = mul(w, mul(w, w));
          expect(numbers(cubes)).toEqual([8, 27]);
          return sum(cubes);
        }, [w]);
        expect(numbers(slope)).toEqual([12, 27]);
        return sum(slope.data[0] > slope.data[1] ? w : slope);
      });
      expect(loss.item()).toBe(39);
      expect(numbers(w.grad)).toEqual([12, 18]);
    }
  });

  const often = (w: Parameter, looks: boolean): [number, number[] | null] => {
    w.clearGrad();
    const loss = grad(() => {
      let x: Variable = w;
      for (let i = 0; i < 300; i++) {
        x = sub(x, mul(tanh(x), 0.01));
        if (looks && x.data[0] < 0) throw new Error("never");
      }
      return sum(x);
    });
    return [loss.item(), numbers(w.grad)];
  };

  it("may happen very often", () => {
    const w = parameter([1.5, 2]);
    const [loss, gradient] = often(w, false);
    for (let i = 0; i < 5; i++) {
      const [found, slope] = often(w, true);
      expect(found).toBeCloseTo(loss, 4);
      slope?.forEach((value, k) => { expect(value).toBeCloseTo((gradient as number[])[k], 4); });
    }
  });

  onWasm("what its heap and plans take")("takes no memory that lasts", () => {
    const w = parameter([1.5, 2]);
    for (let i = 0; i < 6; i++) often(w, true);
    const before = memory().total;
    for (let i = 0; i < 20; i++) often(w, true);
    expect(memory().total).toBe(before);
  });

  it("follows the data when structures take turns", () => {
    const w = parameter([1, 2, 3]);
    for (let i = 0; i < 40; i++) {
      const n = i % 5;
      const x = input([i + 1, 1, -i - 1]);
      w.clearGrad();
      const loss = grad(() => {
        let y = mul(w, x);
        for (let k = 0; k < n; k++) y = y.data[k % 3] > 5 ? mul(y, 0.5) : add(y, i);
        return sum(y);
      });
      let expected = [i + 1, 2, -3 * (i + 1)];
      let slope = 1;
      for (let k = 0; k < n; k++) {
        if (expected[k % 3] > 5) {
          expected = expected.map((v) => v / 2);
          slope /= 2;
        } else expected = expected.map((v) => v + i);
      }
      expect(loss.item()).toBeCloseTo(expected.reduce((a, b) => a + b), 3);
      expect(numbers(w.grad)).toEqual([(i + 1) * slope, slope, -(i + 1) * slope]);
    }
  });
});

describe("debug({ checkNumerics: true })", () => {
  beforeEach(() => debug({ checkNumerics: true }));
  afterEach(() => debug({ checkNumerics: false }));

  /** The error of `f`, and the line of this file that `mark` was called at within it. */
  function failure(f: (mark: <T>(value: T) => T) => unknown): { error: NanError; line: string } {
    let line = "";
    const mark = <T>(value: T): T => {
      line = /step\.test\.ts:\d+/.exec(new Error().stack?.split("\n")[2] ?? "")?.[0] ?? "no line";
      return value;
    };
    try {
      told(() => f(mark));
    } catch (error) {
      expect(error).toBeInstanceOf(NanError);
      return { error: error as NanError, line };
    }
    throw new Error("no error");
  }

  it.each(["wasm", "reference"] as const)("names the first operation and the line that called it on the %s device", (device) => {
    setDevice(device);
    const w = parameter([0, 1, -1]);
    const { error, line } = failure((mark) => grad(() => {
      const doubled = mul(w, 2);
      const bad = mark(log(doubled));
      return sum(tanh(mul(bad, 0)));
    }));
    expect(error.message).toContain("log produced -Infinity in a result of shape [3]");
    expect(error.message).toContain(`${line}:`);
    expect(w.grad).toBeNull();
  });

  it.each(["wasm", "reference"] as const)("finds what only the gradients produce, and names the line of the operation forward (%s)", (device) => {
    setDevice(device);
    const w = parameter([0, 1]);
    const { error, line } = failure((mark) => grad(() => {
      const x = mul(w, 1);
      const root = mark(sqrt(x));
      return sum(add(root, x));
    }));
    expect(error.message).toMatch(/^sqrt′ produced Infinity/);
    expect(error.message).toContain(`${line}:`);
    expect(error.message).toContain("in the gradient of sqrt");
  });

  inFloat32()("names the line of an operation whose rule is made of several others", () => {
    const w = parameter([1e-30, 0]);
    const { error, line } = failure((mark) => grad(() => {
      const x = mul(w, 1);
      const scaled = mark(gradnorm(x, 1e39)); // beyond float32
      return sum(scaled);
    }));
    expect(error.message).toContain(`${line}:`);
    expect(error.message).toContain("in the gradient of gradnorm");
  });

  inFloat32()("works at looks, after looks and in updates", () => {
    const w = parameter([0, 1]);
    const atLook = failure((mark) => evaluate(() => {
      const bad = mark(log(w));
      bad.data;
      return sqrt(bad);
    }));
    expect(atLook.error.message).toContain("log produced -Infinity");
    expect(atLook.error.message).toContain(`${atLook.line}:`);
    const after = failure((mark) => evaluate(() => {
      const x = mul(w, 2);
      x.data;
      const y = add(x, 1);
      return add(mark(div(y, w)), y);
    }));
    expect(after.error.message).toContain("div produced Infinity");
    expect(after.error.message).toContain(`${after.line}:`);
    const huge = parameter([1e30]);
    grad(() => sum(mul(huge, 10)));
    expect(() => new GradientDescent([huge], { learningRate: 1e38 }).update()).toThrow(NanError);
    expect(mul(huge, 1).item()).toBe(Math.fround(1e30));
  });

  inFloat32()("tells data that are not finite from what an operation makes of finite ones", () => {
    const [w, data] = [parameter([1, 2]), input([1, NaN])];
    expect(failure((mark) => grad(() => sum(mark(mul(w, data))))).error.message).toContain("hold such a value already");
    expect(failure((mark) => grad(() => sum(mark(mul(w, reshape(slice(data, 1), [1])))))).error.message).toContain("hold such a value already");
    expect(failure((mark) => grad(() => sum(mark(mul(w, Infinity))))).error.message).toContain("hold such a value already");
    w.assign([-Infinity, 2]);
    expect(failure((mark) => grad(() => sum(mark(add(w, 1))))).error.message).toContain("hold such a value already");
    w.assign([0, 2]);
    expect(failure((mark) => grad(() => sum(mark(div(1, w))))).error.message).toContain("Its inputs were finite");
    w.assign([0.5, 0.5]);
    grad(() => sum(mul(w, 3e38)));
    expect(failure(() => grad(() => sum(mul(w, 3e38)))).error.message).toMatch(/^add produced Infinity.*Its inputs were finite/s);
    expect(mul(w.grad as Variable, 1).data[0]).toBe(Math.fround(3e38));
  });

  it("applies to an operation outside of a step", () => {
    const { error, line } = failure((mark) => mark(log(input([-1]))));
    expect(error.message).toContain("log produced NaN");
    expect(error.message).not.toContain("undefined");
    if (behind === null) expect(line).toBe(""); // it failed before it returned
    expect(error.message).toMatch(/step\.test\.ts:\d+/);
  });

  it("lets finite steps pass, whatever lies around in memory", () => {
    debug({ checkNumerics: false });
    evaluate(() => add(input(new Float32Array(4000).fill(NaN)), 1));
    debug({ checkNumerics: true });
    const w = parameter(Array.from({ length: 7 }, (_, i) => i));
    const loss = grad(() => {
      const joined = concat([w, mul(w, 2), slice(w, [1, 3])]);
      const wide = pad(joined, [[3, 5]]);
      const table = stack([wide, wide, mul(wide, 2)]);
      return add(sum(table), sum(gather(table, argmax(table), 1)));
    });
    expect(loss.item()).toBeGreaterThan(0);
    for (let run = 0; run < 4; run++) grad(() => sum(where(w.greater(3), w, slice(pad(w, [[1, 1]]), [1, 8]))));
    expect(w.grad?.data.every(Number.isFinite)).toBe(true);
  });

  it("leaves gradients as they were, and the next step works without it", () => {
    const w = parameter([1, 4]);
    const [u, v] = [parameter([1, 1]), parameter([1, 1])];
    const step = (): Variable => grad(() => sum(add(mul(u, sqrt(w)), mul(v, w))));
    step();
    const before = [u, v, w].map((p) => Array.from(p.grad?.data ?? []));
    w.assign([0, 4]);
    expect(step).toThrow(NanError);
    expect(evaluate(() => [u, v, w].map((p) => add(p.grad as Variable, 0))).map((g) => Array.from(g.data))).toEqual(before);
    debug({ checkNumerics: false });
    expect(step().item()).toBe(6);
    expect(w.grad?.data[0]).toBe(Infinity);
    expect(sum(input([1, 2])).item()).toBe(3);
  });

  it("refuses options that it does not have", () => {
    for (const wrong of [undefined, 3, { checkNumeric: true }, { checkNumerics: 1 }, "checkNumerics"]) {
      expect(() => debug(wrong as { checkNumerics: boolean }), String(wrong)).toThrow(ValueError);
    }
    debug({});
  });

  it("is refused inside a step", () => {
    expect(() => evaluate(() => { debug({ checkNumerics: false }); return 1; })).toThrow(/debug was called inside/);
  });
});

describe("debug({ eager: true })", () => {
  beforeEach(() => debug({ eager: true }));
  afterEach(() => debug({ eager: false }));

  it.each(["wasm", "reference"] as const)("adds to the gradients of earlier steps on the %s device", (device) => {
    setDevice(device);
    const [p, q] = [parameter([1, 2]), parameter([3, 4])];
    const step = (look: boolean): Variable => grad(() => {
      const product = mul(p, add(p, q));
      return sum(look && product.data[0] > 0 ? mul(product, 1) : product);
    });
    for (const look of [false, true, false, true]) step(look);
    // Of p² + pq: 2p + q and p, four times.
    expect(Array.from(p.grad?.data ?? [])).toEqual([20, 32]);
    expect(Array.from(q.grad?.data ?? [])).toEqual([4, 8]);
    for (let run = 0; run < 6; run++) {
      p.clearGrad();
      step(false);
      expect(Array.from(p.grad?.data ?? [])).toEqual([5, 8]);
    }
    debug({ eager: false });
    step(false);
    expect(Array.from(p.grad?.data ?? [])).toEqual([10, 16]);
  });
});
