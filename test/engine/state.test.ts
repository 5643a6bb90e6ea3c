/** What a step remembers for the next one. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { currentDevice } from "../../src/devices/current.ts";
import {
  affine, checkGradients, Component, concat, debug, detach, dropout, evaluate, type FlimsyError, gather, grad, gradients, identity, input, isTraining,
  matmul, maximum, mean,
  memory, NanError, operation, Parameter, parameter, Random, reshape, setDevice, ShapeError, State, slice, state, sum, tanh, UsageError, Variable, zeros,
} from "../../src/index.ts";
import { launchesOf } from "../launches.ts";

describe.each(["wasm", "reference"] as const)("State on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => {
    debug({ checkNumerics: false, checkComparisons: false, eager: false });
    setDevice("wasm");
  });

  it("is as before where the operation that makes its new values fails midway", () => {
    const s = state([7, 7, 7]);
    evaluate(() => s.assign(s.add(1))); // the device has it
    expect(() => evaluate(() => s.assign(gather(input([10, 20, 30]), input([0, 1, 5]).add(0))))).toThrow(/index 5/);
    expect(s.toArray()).toEqual([8, 8, 8]);
  });

  it("is a Variable that is no parameter, made of numbers like one", () => {
    const s = state([[1, 2], [3, 4]]);
    expect(s).toBeInstanceOf(State);
    expect(s).toBeInstanceOf(Variable);
    expect(s).not.toBeInstanceOf(Parameter);
    expect([s.shape, s.toArray(), s.add(1).toArray()]).toEqual([[2, 2], [[1, 2], [3, 4]], [[2, 3], [4, 5]]]);
    expect(state(Float32Array.of(1, 2), [2, 1]).shape).toEqual([2, 1]);
    expect(state(zeros([3])).toArray()).toEqual([0, 0, 0]);
    expect(() => state([[1], [2, 3]])).toThrow(ShapeError);
    expect(() => state("1" as never)).toThrow(/state takes a number/);
    expect(String(state([1, 2]))).toBe("State [2] [1, 2]");
    const w = parameter([1, 2]);
    grad(() => w.mul(state([3, 4])).sum());
    expect(w.grad?.toArray()).toEqual([3, 4]);
    expect(() => grad(() => state(3).mul(2))).toThrow(/depends on no parameter/);
  });

  it("is written at once outside of a step", () => {
    const s = state([1, 2]);
    expect(s.assign([3, 4])).toBe(s);
    expect(s.toArray()).toEqual([3, 4]);
    expect(evaluate(() => s.mul(2)).toArray()).toEqual([6, 8]);
    const x = input([5, 6]);
    s.assign(x);
    s.assign(s);
    s.assign(Float64Array.of(7, 8));
    expect([x.toArray(), s.toArray(), s.mul(2).toArray()]).toEqual([[5, 6], [7, 8], [14, 16]]);
    expect(() => s.assign([1])).toThrow(new ShapeError("assign got shape [1] for a state of shape [2]."));
    expect(() => s.assign([[1, 2]])).toThrow(ShapeError);
  });

  it("within a step has its old value before, and the new one afterwards", () => {
    const s = state([1, 2]);
    const step = () => evaluate(() => {
      const before = s.mul(1);
      s.assign(s.add(10));
      const after = s.mul(1);
      s.assign(s.mul(2));
      return { before, after, last: s.mul(1), s };
    });
    let [a, b] = [1, 2];
    for (let i = 0; i < 6; i++) {
      const found = step();
      expect(found.s).toBe(s);
      expect(found.before.toArray()).toEqual([a, b]);
      expect(found.after.toArray()).toEqual([a + 10, b + 10]);
      [a, b] = [2 * (a + 10), 2 * (b + 10)];
      expect([found.last.toArray(), s.toArray()]).toEqual([[a, b], [a, b]]);
    }
    expect(evaluate(() => s.mul(1)).toArray()).toEqual([a, b]);
    evaluate(() => { s.assign(zeros([2])); });
    expect(s.toArray()).toEqual([0, 0]);
  });

  it("is written by grad, with the gradients, and in gradients", () => {
    const s = state(1);
    const w = parameter(3);
    for (let i = 1; i < 6; i++) {
      const loss = grad(() => {
        s.assign(s.mul(2));
        return w.mul(w).mul(s);
      });
      expect([loss.item(), s.item(), w.grad?.item()]).toEqual([9 * 2 ** i, 2 ** i, 6 * (2 ** (i + 1) - 2)]);
    }
    const [slope] = gradients(() => w.mul(s.assign(s.add(1))), [w]);
    expect([slope.item(), s.item()]).toEqual([33, 33]);
    // Within a step gradients belong to it.
    const found = grad(() => gradients(() => w.mul(w).mul(s.assign(s.sub(32))), [w])[0]);
    expect([found.item(), s.item()]).toEqual([6, 1]);
  });

  it("lets gradients flow through what has been assigned, but not to an earlier step", () => {
    const [w, s] = [parameter(3), state(1)];
    const step = (): number => {
      w.clearGrad();
      grad(() => {
        s.assign(s.mul(w));
        return s.mul(s);
      });
      return w.grad?.item() as number;
    };
    // (s·w)² has the slope 2·s²·w, s being a number: 1, 3, 9.
    expect([step(), step(), step()]).toEqual([6, 54, 486]);
    w.clearGrad();
    expect(() => grad(() => s.assign(detach(s.mul(w))))).toThrow(/depends on no parameter/);
    expect(grad(() => s.assign(s.mul(w))).item()).toBe(81);
    expect([s.item(), w.grad?.item()]).toEqual([81, 27]);
  });

  it("is a loss that comes back as its number", () => {
    const [w, s] = [parameter(3), state(1)];
    const loss = grad(() => s.assign(w.mul(2)));
    s.assign(0);
    expect([loss.item(), w.grad?.item()]).toEqual([6, 2]);
  });

  it("is as before after an error", () => {
    const [s, unread, w] = [state([1, 2]), state([5, 6]), parameter([1, 1])];
    const index = input([0, 1]);
    const bad = input([0, 9]);
    const step = (indices: Variable, fails = false) => grad(() => {
      s.assign(s.mul(2));
      unread.assign(w.add(1));
      const found = gather(unread, indices.add(0)); // its new value, before which nothing has read it
      if (fails) throw new RangeError("mine");
      return found.sum();
    });
    const onDevice = (x: State) => evaluate(() => x.mul(1)).toArray();
    const all = () => [s.toArray(), unread.toArray(), onDevice(s), onDevice(unread), w.grad?.toArray()];
    for (let i = 0; i < 5; i++) {
      unread.assign([5, 6]);
      const before = all();
      expect(() => step(bad)).toThrow(/index 9/);
      expect(() => step(index, true)).toThrow(RangeError);
      expect(() => grad(() => { s.assign(s.add(1)); return s.sum(); })).toThrow(UsageError);
      expect(all()).toEqual(before);
      step(index);
      expect([s.toArray(), unread.toArray()]).toEqual([[2 ** (i + 1), 2 ** (i + 2)], [2, 2]]);
    }
  });

  it("takes what another array has, at the same time", () => {
    const [a, b, c] = [state([1, 2]), state([3, 4]), state([0, 0])];
    const w = parameter([5, 6]);
    for (let i = 0; i < 5; i++) {
      a.assign([1, 2]).add(0);
      b.assign([3, 4]);
      evaluate(() => { // exchanged
        const old = identity(a);
        a.assign(b);
        b.assign(old);
      });
      expect([a.toArray(), b.toArray()]).toEqual([[3, 4], [1, 2]]);
      evaluate(() => { // in the order of the program: b gets what it has given
        a.assign(b);
        b.assign(a);
      });
      expect([a.toArray(), b.toArray()]).toEqual([[1, 2], [1, 2]]);
      const found = evaluate(() => { // of a parameter, of an input, and of what is computed once
        a.assign(w);
        b.assign(input([7, 8]));
        const sum = a.add(b);
        c.assign(sum);
        return [sum, identity(c)];
      });
      expect([a, b, c, ...found].map((x) => x.toArray())).toEqual([[5, 6], [7, 8], [12, 14], [12, 14], [12, 14]]);
      evaluate(() => { // itself, what it had, and numbers
        a.assign(a);
        b.assign(identity(b));
        c.assign([i, 1]);
      });
      expect([a, b, c].map((x) => x.toArray())).toEqual([[5, 6], [7, 8], [i, 1]]);
      evaluate(() => { // one value, thrice
        const y = a.mul(2);
        [a, b, c].forEach((s) => { s.assign(y); });
      });
      expect([a, b, c].map((x) => x.toArray())).toEqual([[10, 12], [10, 12], [10, 12]]);
      w.assign([5, 6]);
    }
  });

  it("what it had may be returned, also as a view or a part", () => {
    const s = state([[1, 2], [3, 4]]);
    const step = () => evaluate(() => {
      const [whole, flat, row] = [identity(s), reshape(s, [4]), slice(s, 1)];
      s.assign(s.add(s));
      return [whole, flat, row, slice(s, 0)];
    });
    for (let i = 0; i < 5; i++) {
      const k = 2 ** i;
      expect(step().map((x) => x.toArray())).toEqual([[[k, 2 * k], [3 * k, 4 * k]], [k, 2 * k, 3 * k, 4 * k], [3 * k, 4 * k], [2 * k, 4 * k]]);
    }
  });

  it("is looked at within the step", () => {
    const s = state([1, 2]);
    for (let i = 0; i < 5; i++) {
      s.assign([1, 2]);
      const found = evaluate(() => {
        const view = reshape(s, [2, 1]);
        expect(s.toArray()).toEqual([1, 2]);
        expect(view.toArray()).toEqual([[1], [2]]);
        s.assign(s.mul(3));
        expect(String(s)).toBe("State [2] (assign, not computed yet)");
        expect(s.toArray()).toEqual([3, 6]);
        expect(String(s)).toBe("State [2] [3, 6]");
        s.assign(s.add(view.squeeze(1)));
        return { view, sum: s.add(view.squeeze(1)), s };
      });
      expect([found.view.toArray(), found.sum.toArray(), s.toArray(), String(s)]).toEqual([[[1], [2]], [5, 10], [4, 8], "State [2] [4, 8]"]);
    }
    const after = evaluate(() => {
      s.assign(s.sub(4));
      return s.sum().item() + s.data[1];
    });
    expect([after, s.toArray()]).toEqual([8, [0, 4]]);
  });

  it("plans are those of what is assigned, and to which", () => {
    const [a, b] = [state(1), state(2)];
    const assigns: (() => unknown)[] = [
      () => a.assign(a.add(b)), () => b.assign(a.add(b)), () => a.add(b), () => { a.assign(a.add(b)); b.assign(a); },
      () => { b.assign(a.add(b)); a.assign(b); },
      () => { a.assign(b); b.assign(a); }, () => { b.assign(a); a.assign(b); }, () => { const old = identity(a); a.assign(b); b.assign(old); },
    ];
    const expected: [number, number][] = [[3, 2], [1, 3], [1, 2], [3, 3], [3, 3], [2, 2], [1, 1], [2, 1]];
    for (let round = 0; round < 5; round++) {
      assigns.forEach((body, i) => {
        a.assign(1);
        b.assign(2);
        evaluate(() => { body(); });
        expect([i, a.item(), b.item()]).toEqual([i, ...expected[i]]);
      });
    }
  });

  it.each(["eager", "checkNumerics", "checkComparisons"])("is the same with debug({ %s: true })", (aid) => {
    const [s, t, w] = [state([1, 2]), state([0, 0]), parameter([1, 2])];
    debug({ [aid]: true });
    const loss = grad(() => {
      const old = reshape(s, [2, 1]);
      t.assign(s);
      s.assign(s.mul(2).add(old.squeeze(1)));
      t.assign(t.add(s.greater(3)));
      return s.mul(w).sum();
    });
    expect([loss.item(), s.toArray(), t.toArray(), w.grad?.toArray()]).toEqual([15, [3, 6], [1, 3], [3, 6]]);
    evaluate(() => { t.assign(s.greater(4)); }); // a comparison that is assigned is used
    expect(t.toArray()).toEqual([0, 1]);
  });

  it("is as before where a number is none", () => {
    const [s, t] = [state([1, 2]), state([1, 2])];
    debug({ checkNumerics: true });
    expect(() => evaluate(() => { s.assign(s.add(1)); t.assign(s.div(0)); })).toThrow(/div produced Infinity.*state\.test\.ts/);
    for (const value of [[1, NaN], input([1, NaN]), input([[1, NaN]]).reshape([2]), parameter([1, NaN]), state([1, NaN])]) {
      expect(() => evaluate(() => { t.assign(t.mul(3)); s.assign(value); })).toThrow(NanError);
    }
    expect(() => evaluate(() => { s.assign([1, NaN]); })).toThrow(/^What was to be assigned, of shape \[2\], holds NaN already, at .*state\.test\.ts:\d+/);
    expect([s.toArray(), t.toArray()]).toEqual([[1, 2], [1, 2]]);
    // What the device has is not hidden by a copy on the host.
    expect(evaluate(() => [s.mul(1), t.mul(1)]).map((x) => x.toArray())).toEqual([[1, 2], [1, 2]]);
  });

  it("is refused another shape, where it is assigned, and a function of an operation", () => {
    const [s, w] = [state([1, 2]), parameter([1, 2])];
    let error: FlimsyError | null = null;
    try {
      evaluate(() => s.assign([1]));
    } catch (caught) { error = caught as FlimsyError; }
    expect(error).toBeInstanceOf(ShapeError);
    expect(error?.stack?.split("\n")[1]).toMatch(/state\.test\.ts/);
    expect(() => evaluate(() => s.assign(input([[1, 2]])))).toThrow("assign got shape [1, 2] for a state of shape [2].");
    const own = (where: "forward" | "reverse", structural: boolean) => operation({
      name: "own", shape: (x) => x, structural,
      forward: (y, x) => {
        y.data.set(x.data);
        if (where === "forward") s.assign([0, 0]);
      },
      reverse: (g) => {
        if (where === "reverse") s.assign([0, 0]);
        return [g];
      },
    });
    for (const where of ["forward", "reverse"] as const) {
      for (const structural of [true, false]) {
        expect(() => grad(() => own(where, structural)(w).sum())).toThrow(/assign was called in a function of an operation/);
      }
    }
    expect(s.toArray()).toEqual([1, 2]);
  });

  it("goes on on another device", () => {
    const s = state([1, 2]);
    const step = () => evaluate(() => s.assign(s.mul(2)));
    step();
    setDevice(device === "wasm" ? "reference" : "wasm");
    step();
    setDevice(device);
    step();
    expect(s.toArray()).toEqual([8, 16]);
  });

  it("checkGradients begins each run with the same state, and leaves it", () => {
    const [h, w, u] = [state([0.5, -0.2]), parameter([[0.1, 0.4], [-0.3, 0.2]]), parameter([0.7, -0.6])];
    const f = () => {
      h.assign(tanh(affine(w, h, u)));
      return h.mul(h).sum();
    };
    expect(checkGradients(f, new Map([["w", w], ["u", u]])).ok).toBe(true);
    expect(h.toArray().toString()).toBe(state([0.5, -0.2]).toArray().toString());
    expect(checkGradients(() => h.assign(h.mul(u)).sum(), new Map([["u", u]])).ok).toBe(true);
  });

  it("random programs are as plain numbers have it", () => {
    const random = new Random(11);
    for (let program = 0; program < 40; program++) {
      debug({ eager: random.integer(0, 6) === 0, checkNumerics: random.integer(0, 6) === 0 });
      const w = parameter(numbers(random));
      const states = Array.from({ length: 3 }, () => state(numbers(random)));
      const plan = Array.from({ length: 2 + random.integer(0, 8) }, () => Array.from({ length: 4 }, () => random.integer(0, 1000)));
      const trains = random.integer(0, 2) === 0;
      for (let run = 0; run < 5; run++) {
        const plain = states.map((s) => Array.from(s.data));
        const values: number[][] = [Array.from(w.data), ...plain];
        const expected: number[][] = [];
        const body = () => {
          const known: Variable[] = [w, ...states];
          const given: Variable[] = [];
          for (const [what, i, j, k] of plan) {
            const [x, y, target] = [i % known.length, j % known.length, k % 3];
            /** What a state has now, by the plain numbers. */
            const at = (n: number): number[] => (n >= 1 && n <= 3 ? plain[n - 1] : values[n]);
            if (what % 4 === 0) {
              states[target].assign(known[x]);
              plain[target] = at(x);
            } else if (what % 4 === 1) {
              const [a, b] = [at(x), at(y)];
              states[target].assign(maximum(known[x], known[y]).neg());
              plain[target] = a.map((n, e) => -Math.max(n, b[e]));
            } else if (what % 4 === 2) {
              known.push([
                identity, (v: Variable) => reshape(reshape(v, [2, 2]), [4]), (v: Variable) => v.neg(),
                (v: Variable) => concat([slice(v, [2, 4]), slice(v, [0, 2])]),
              ][k % 4](known[x]));
              values.push([at(x).slice(), at(x).slice(), at(x).map((n) => -n), [...at(x).slice(2), ...at(x).slice(0, 2)]][k % 4]);
            } else if (j % 3 === 0) expect(Array.from(known[x].data)).toEqual(at(x));
            else {
              given.push(identity(known[x]));
              expected.push(at(x).slice());
            }
          }
          return { loss: w.sum(), given };
        };
        const { given } = trains ? grad(body) : evaluate(body);
        expect(given.map((x) => Array.from(x.data))).toEqual(expected);
        expect(states.map((s) => Array.from(s.data))).toEqual(plain);
        expect(Array.from(w.data)).toEqual(values[0]);
      }
    }
  });
});

/** Four numbers. */
const numbers = (random: Random): number[] => Array.from({ length: 4 }, () => random.integer(0, 64));

describe("on the wasm device", () => {
  afterEach(() => { vi.restoreAllMocks(); });

  it("is written by the launch that computes it, and nothing is read", () => {
    const [s, w, x] = [state(zeros([100])), parameter(zeros([100])), input(zeros([8, 100]))];
    const step = () => grad(() => {
      const average = mean(x, 0);
      s.assign(s.mul(0.9).add(average.mul(0.1)));
      return w.mul(average).sum();
    });
    const without = () => grad(() => w.mul(mean(x, 0)).sum());
    const read = vi.spyOn(currentDevice(), "read");
    const all = (found: Partial<Record<string, number>>): number => Object.values(found).reduce<number>((total, n) => total + (n ?? 0), 0);
    expect(all(launchesOf(step, 6))).toBe(all(launchesOf(without, 6))); // it is part of one that is there
    expect(read).not.toHaveBeenCalled();
    s.data;
    expect(read).toHaveBeenCalledTimes(1);
    // A product reads all of what it would write, so the new value is copied.
    const [m, square] = [state(zeros([4, 4])), input(zeros([4, 4]))];
    expect(launchesOf(() => evaluate(() => { m.assign(matmul(square, m)); }), 6)).toEqual({ product: 1, copy: 1 });
    expect(launchesOf(() => evaluate(() => { m.assign(matmul(square, square)); }), 6)).toEqual({ product: 1 });
  });

  it("has a kind of its own in memory()", () => {
    const before = memory().state;
    const s = state(zeros([1000]));
    evaluate(() => { s.assign(s.add(1)); });
    expect(memory().state - before).toBeGreaterThanOrEqual(4000);
    expect(s.data[999]).toBe(1);
  });
});

describe("isTraining()", () => {
  it("is true inside grad only", () => {
    const w = parameter(1);
    const found: boolean[] = [];
    const note = () => {
      found.push(isTraining());
      return w.mul(1);
    };
    note();
    evaluate(note);
    gradients(note, [w]);
    grad(note);
    grad(() => gradients(note, [w])[0].mul(w));
    evaluate(() => gradients(note, [w]));
    expect(found).toEqual([false, false, false, true, true, false]);
    expect(evaluate(() => [isTraining(), dropout(zeros([4]).add(1), 0.5).sum().item()])).toEqual([false, 4]);
  });
});

/** Batch normalisation (S. Ioffe & C. Szegedy, arXiv:1502.03167), as in PyTorch. */
class BatchNorm extends Component {
  readonly scale;
  readonly shift;
  readonly mean;
  readonly variance;
  constructor(readonly inputs: number) {
    super();
    this.scale = parameter(zeros([inputs]).add(1));
    this.shift = parameter(zeros([inputs]));
    this.mean = state(zeros([inputs]));
    this.variance = state(zeros([inputs]).add(1));
  }
  forward(x: Variable): Variable {
    let [average, variance]: Variable[] = [this.mean, this.variance];
    if (isTraining()) {
      const samples = x.shape[0];
      average = mean(x, 0);
      variance = mean(x.sub(average).pow(2), 0);
      this.mean.assign(this.mean.mul(0.9).add(average.mul(0.1)));
      this.variance.assign(this.variance.mul(0.9).add(variance.mul(0.1 * samples / (samples - 1))));
    }
    return x.sub(average).div(variance.add(1e-5).sqrt()).mul(this.scale).add(this.shift);
  }
}

describe.each(["wasm", "reference"] as const)("what is built on state, on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  afterEach(() => setDevice("wasm"));

  it("batch normalisation, with PyTorch's numbers", () => {
    const digits = device === "wasm" ? 4 : 12;
    const close = (found: Variable | null, expected: unknown) => {
      const [a, b] = [found?.toArray(), expected].map((list) => ([list] as number[][][]).flat(3));
      expect(a.length).toBe(b.length);
      a.forEach((x, i) => { expect(x).toBeCloseTo(b[i], digits); });
    };
    const norm = new BatchNorm(3);
    norm.scale.assign([1, 0.5, 2]);
    norm.shift.assign([0, 1, -1]);
    const x = parameter([[1, 2, 3], [2, 0, -1], [0, 4, 1], [3, -2, 5]]);
    const weights = input([[1, 2, -1], [0.5, -1, 1], [2, 1, 0], [-1, 0.5, 3]]);
    const step = (): Variable => grad(() => norm.forward(x).mul(weights).sum());
    close(step(), 0.7298489032812228);
    close(norm.scale.grad, [-4.248512163234936, 2.0124591672916496, 2.2360657414351666]);
    close(norm.shift.grad, [2.5, 2.5, 3]);
    close(x.grad, [
      [-0.08943896254872148, 0.2571476608878012, -1.7888521459358793], [0.31304486587687597, -0.3130493044236804, 0.8944249549373051],
      [-0.04471098431800996, -0.06708167037478366, -0.44721359549928713], [-0.17889491901014454, 0.12298331391066282, 1.3416407864978614],
    ]);
    close(norm.mean, [0.15, 0.1, 0.2]);
    close(norm.variance, [1.0666666666666667, 1.5666666666666669, 1.5666666666666669]);
    const first = x.data;
    x.assign([[0.5, 1, 2], [-1, 3, 0], [2, 2, -3], [1.5, -1, 4]]);
    for (const parameter of [x, norm.scale, norm.shift]) parameter.clearGrad();
    close(step(), 5.151894459002143);
    close(norm.scale.grad, [0.5455426473362354, -1.7748198782033706, 2.9968808753837965]);
    close(norm.mean, [0.21, 0.215, 0.255]);
    close(norm.variance, [1.135, 1.7016666666666669, 2.3016666666666667]);
    close(evaluate(() => norm.forward(input(first, [4, 3]))), [
      [0.741527475419347, 1.6841789415709771, 2.6186800565768014], [1.6801698493678876, 0.9175918921917311, -2.6544420659394845],
      [-0.19711489852919356, 2.4507659909502233, -0.017881004681341794], [2.618812223316428, 0.15100484281248505, 5.255241117834944],
    ]);
    close(norm.mean, [0.21, 0.215, 0.255]);
  });

  it("truncated back-propagation: as if the hidden state were handed on as numbers", () => {
    const random = new Random(5);
    const draw = (n: number): number[] => Array.from({ length: n }, () => random.normal());
    const initial = { w: draw(9), u: draw(6), b: draw(3) };
    const made = () => ({ w: parameter(initial.w).reshape([3, 3]), u: parameter(initial.u) });
    expect(made().w.shape).toEqual([3, 3]);
    class Remembering extends Component {
      readonly w = parameter(Float64Array.from(initial.w), [3, 3]);
      readonly u = parameter(Float64Array.from(initial.u), [3, 2]);
      readonly b = parameter(initial.b);
      readonly h = state(zeros([3]));
      read(xs: readonly Variable[], from: Variable = this.h): Variable {
        let h = from;
        for (const x of xs) h = tanh(affine(this.w, h, this.b).add(affine(this.u, x, zeros([3]))));
        return h;
      }
    }
    const [remembering, handed] = [new Remembering(), new Remembering()];
    let h = input([0, 0, 0]);
    for (let part = 0; part < 6; part++) {
      const xs = Array.from({ length: 4 }, () => input(draw(2)));
      const loss = grad(() => sum(remembering.h.assign(remembering.read(xs)).pow(2)));
      const { loss: expected, last } = grad(() => {
        const last = handed.read(xs, h);
        return { loss: sum(last.pow(2)), last };
      });
      h = input(last);
      expect([loss.item(), remembering.h.toArray()]).toEqual([expected.item(), h.toArray()]);
      remembering.parameters().forEach((parameter, i) => { expect(parameter.grad?.toArray()).toEqual(handed.parameters()[i].grad?.toArray()); });
    }
    remembering.h.assign([0, 0, 0]);
    expect(remembering.h.toArray()).toEqual([0, 0, 0]);
  });
});
