/** What is computed again is the same, is computed when it is needed, and takes less memory. */

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lstm } from "../../src/components/index.ts";
import {
  add, affine, checkGradients, checkpoint, debug, dropout, evaluate, grad, gradients, input, mul, NanError, type Parameter, parameter, Random, randn, seed,
  setDevice, slice, state, sum, tanh, UsageError, type Variable, zeros,
} from "../../src/index.ts";
import { arenaOf, launchesOf } from "../launches.ts";
import { type Course, Data, interpret, type Outcome, type Program, programs } from "../programs.ts";

type Part = (f: () => Variable) => Variable;
const plain: Part = (f) => f();

/** A chain of layers with dropout, each of a width of its own. */
class Chain {
  readonly w: Parameter[];
  readonly b: Parameter[];
  private readonly x: Variable;

  constructor(readonly layers: number, width = 12, rows = 6) {
    const random = new Random(3);
    this.w = Array.from({ length: layers }, () => parameter(randn([width, width], random).mul(1.5 / Math.sqrt(width))));
    this.b = this.w.map(() => parameter(randn([width], random)));
    this.x = randn([rows, width], random);
  }

  get parameters(): Parameter[] { return [...this.w, ...this.b]; }

  private run(h: Variable, from: number, to: number): Variable {
    let result = h;
    for (let i = from; i < to; i++) result = dropout(tanh(affine(this.w[i], result, this.b[i])), 0.2);
    return result;
  }

  /** In parts of some layers. */
  parts(size: number, part: Part): Variable {
    let h = this.x;
    for (let i = 0; i < this.layers; i += size) {
      const before = h;
      h = part(() => this.run(before, i, Math.min(this.layers, i + size)));
    }
    return mul(h, h).sum();
  }

  /** In halves of halves. */
  nested(): Variable {
    const halves = (h: Variable, from: number, to: number): Variable => {
      const middle = (from + to) / 2;
      return checkpoint(() => (to - from === 1 ? this.run(h, from, to) : halves(halves(h, from, middle), middle, to)));
    };
    const h = halves(this.x, 0, this.layers);
    return mul(h, h).sum();
  }
}

/** The loss and all gradients, of several runs: as planned at first, and with fusion. */
function figures(f: () => Variable, parameters: readonly Parameter[], runs = 5): number[][] {
  return Array.from({ length: runs }, (_, run) => {
    for (const p of parameters) p.clearGrad();
    seed(run);
    return [grad(f).item(), ...parameters.flatMap((p) => [...(p.grad?.data ?? [])])];
  });
}

/** Equal but for the last bits: weights that several parts share get the sum of their gradients part by part. */
function expectNear(found: readonly number[], expected: readonly number[], tolerance: number): void {
  const scale = Math.max(1, ...expected.map(Math.abs));
  expect(found.length).toBe(expected.length);
  expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]))) / scale).toBeLessThanOrEqual(tolerance);
}

/** Runs the cell of an LSTM over a sequence, in parts of some steps. */
function recurrent(steps: number, size: number, part: (f: () => [Variable, Variable]) => [Variable, Variable]): { f: () => Variable; parameters: Parameter[] } {
  seed(5);
  const cell = new Lstm({ inputs: 8, outputs: 16 });
  const x = randn([steps, 4, 8]);
  const f = (): Variable => {
    let [h, c]: Variable[] = [zeros([4, 16]), zeros([4, 16])];
    for (let from = 0; from < steps; from += size) {
      const before = [h, c];
      [h, c] = part(() => {
        let [p, q] = before;
        for (let t = from; t < from + size; t++) [p, q] = cell.step(slice(x, t), [p, q]);
        return [p, q];
      });
    }
    return mul(h, h).sum();
  };
  return { f, parameters: cell.parameters() };
}

afterEach(() => setDevice("wasm"));

describe.each(["wasm", "reference"] as const)("checkpoint on the %s device", (device) => {
  beforeEach(() => setDevice(device));
  /** Plans are the same on every device. */
  const once = it.runIf(device === "wasm");
  const exact = device === "reference" ? 1e-12 : 2e-6;

  it("gives the same to the bit, with the same dropout", () => {
    const chain = new Chain(8);
    const expected = figures(() => chain.parts(1, plain), chain.parameters);
    expect(expected[0]).not.toEqual(expected[1]); // other dropout
    for (const f of [() => chain.parts(1, checkpoint), () => chain.parts(3, checkpoint), () => chain.nested()]) {
      expect(figures(f, chain.parameters)).toEqual(expected);
    }
  });

  it("gives the same for weights that several parts share, but for the order of sums", () => {
    const { f, parameters } = recurrent(12, 12, (part) => part());
    const expected = figures(f, parameters);
    const parts = recurrent(12, 4, checkpoint);
    figures(parts.f, parts.parameters).forEach((found, run) => { expectNear(found, expected[run], exact); });
  });

  once("takes less memory: with parts of one layer that of the results in between, with nested ones less", () => {
    const chain = new Chain(32, 32, 64);
    for (const again of [false, true]) {
      // The first run writes gradients, later ones add to them.
      const figure = (f: () => Variable): number => arenaOf(() => {
        if (!again) for (const p of chain.parameters) p.clearGrad();
        grad(f);
      }, 5);
      const whole = figure(() => chain.parts(1, plain));
      // Without, each of 32 layers keeps what was drawn, and what tanh and dropout gave; with, the part before gave what its backward pass begins with.
      expect(whole).toBeGreaterThan(2 * 32 * 32 * 64);
      expect(figure(() => chain.parts(1, checkpoint))).toBeLessThan(1.1 * 32 * 32 * 64);
      expect(figure(() => chain.parts(3, checkpoint))).toBeLessThan(0.2 * whole);
      expect(figure(() => chain.nested())).toBeLessThan(0.1 * whole);
    }
  });

  once("takes less memory for a recurrent layer, whose weights all parts share", () => {
    const [whole, parts] = [recurrent(64, 64, (part) => part()), recurrent(64, 8, checkpoint)];
    expect(arenaOf(() => grad(parts.f), 5)).toBeLessThan(0.35 * arenaOf(() => grad(whole.f), 5));
  });

  once("takes the parts of a sum one after another", () => {
    // As gradients of several batches: nothing but the loss connects the parts, so each could be computed again at once.
    const w = Array.from({ length: 4 }, (_, i) => parameter(randn([32, 32], new Random(i)).mul(0.2)));
    const x = Array.from({ length: 8 }, (_, i) => randn([64, 32], new Random(10 + i)));
    const net = (rows: Variable): Variable => w.reduce<Variable>((h, v) => tanh(mul(affine(v, h, zeros([32])), 1.1)), rows).sum();
    const f = (part: Part): Variable => x.map((rows) => part(() => net(rows))).reduce(add);
    const [whole, parts] = [plain, checkpoint].map((part) => arenaOf(() => grad(() => f(part)), 5));
    expect(parts).toBeLessThan(0.5 * whole);
    const [a, b] = [plain, checkpoint].map((part) => figures(() => f(part), w)[4]);
    expectNear(b, a, exact);
  });

  it("has the gradients that finite differences have, also the second ones", () => {
    const [w, v] = [parameter([[0.4, -0.3], [0.2, 0.9]]), parameter([0.3, -0.8])];
    const x = input([0.7, -1.2]);
    const net = (part: Part): Variable => {
      const h = part(() => tanh(affine(w, x, v)));
      return part(() => tanh(affine(w, h, v))).sum();
    };
    const penalty = (part: Part) => (): Variable => part(() => gradients(() => net(part), [x])[0].pow(2).sum());
    for (const f of [() => net(checkpoint), penalty(checkpoint)]) checkGradients(f, new Map([["w", w], ["v", v]]));
    const [found, expected] = [checkpoint, plain].map((part) => figures(penalty(part), [w, v])[4]);
    expectNear(found, expected, exact);
  });

  it("works in random programs, with results that leave it by any way", () => {
    fc.assert(fc.property(programs, (program: Program) => {
      const [expected, ...others] = [[false, false], [true, false], [false, true], [true, true]].map(([each, all]) => {
        const data = new Data(program.large);
        const course: Course = { decisions: program.instructions.map(({ code }) => code % 2 === 0), seen: [], read: [] };
        return Array.from({ length: 5 }, () => {
          const fresh = data.refresh();
          for (const p of data.parameters) p.clearGrad();
          const run = (): Outcome => interpret(program, data, fresh, course, false, false, each ? checkpoint : undefined);
          const { loss, kept } = grad(() => (all ? checkpoint(run) : run()));
          return [loss, ...kept.list, ...data.parameters.map((p) => p.grad)].flatMap((v) => [...(v?.data ?? [])]);
        });
      });
      for (const other of others) other.forEach((found, run) => { expectNear(found, expected[run], 50 * exact); });
    }), { seed: 2015, numRuns: Number(process.env.FLIMSY_RUNS ?? 12) });
  });

  it("calls the function once, and assigns states once", () => {
    const count = state(0);
    const w = parameter([1, 2]);
    let calls = 0;
    for (let run = 1; run <= 5; run++) {
      w.clearGrad();
      const { before } = grad(() => {
        const before = add(count, 0);
        const y = checkpoint(() => {
          calls++;
          const scaled = tanh(mul(w, add(count, 1)));
          count.assign(add(count, 1));
          return tanh(mul(scaled, count));
        });
        return { loss: y.sum(), before };
      });
      expect([before.item(), count.item(), calls]).toEqual([run - 1, run, run]);
      // tanh(n·tanh(n·w)) with n = run
      const slopes = [1, 2].map((v) => {
        const inner = Math.tanh(run * v);
        return (1 - Math.tanh(run * inner) ** 2) * run * (1 - inner ** 2) * run;
      });
      expectNear([...(w.grad?.data ?? [])], slopes, 1e-6);
    }
  });

  it("keeps what has run, and what outside uses", () => {
    const w = parameter([0.5, -1]);
    let leaked: Variable = w;
    for (let run = 0; run < 5; run++) {
      w.clearGrad();
      grad(() => {
        const y = checkpoint(() => {
          const a = tanh(mul(w, 2));
          leaked = tanh(a);
          return a.sum().item() < 0 ? tanh(leaked) : leaked;
        });
        return add(y.sum(), mul(leaked, leaked).sum());
      });
      const slopes = [0.5, -1].map((v) => {
        const [a, b] = [Math.tanh(2 * v), Math.tanh(Math.tanh(2 * v))];
        return ((1 - Math.tanh(b) ** 2) + 2 * b) * (1 - b ** 2) * (1 - a ** 2) * 2;
      });
      expectNear([...(w.grad?.data ?? [])], slopes, 1e-6);
    }
  });

  it("can be in a reverse pass, and around one", () => {
    const x = input([0.3, -0.6]);
    const cubes = (part: Part) => (): Variable => part(() => mul(mul(x, x), x)).sum();
    const second = gradients(() => checkpoint(() => gradients(cubes(checkpoint), [x])[0]).sum(), [x])[0];
    expectNear([...second.data], [1.8, -3.6], 1e-6);
  });

  it("works where all is debugged", () => {
    const w = parameter([1, -1]);
    const loss = (): Variable => checkpoint(() => tanh(w)).log().sum();
    for (const options of [{ checkNumerics: true }, { eager: true }, { checkComparisons: true }]) {
      debug(options);
      try {
        if (options.checkNumerics) expect(() => grad(loss)).toThrow(NanError);
        else expect(grad(() => checkpoint(() => tanh(mul(w, w))).sum()).item()).toBeCloseTo(2 * Math.tanh(1), 6);
      } finally {
        debug({ checkNumerics: false, eager: false, checkComparisons: false });
      }
    }
  });
});

describe("checkpoint", () => {
  it("is the function itself where nothing is differentiated", () => {
    const x = input([1, 2]);
    expect(checkpoint(() => mul(x, 2)).toArray()).toEqual([2, 4]);
    expect(evaluate(() => checkpoint(() => ({ y: mul(x, 2), n: 3 }))).y.toArray()).toEqual([2, 4]);
    expect(checkpoint(() => 5)).toBe(5);
  });

  it("plans once for steps of one structure, and anew where a checkpoint comes or goes", () => {
    const chain = new Chain(4);
    const count = (f: () => Variable): number => launchesOf(() => grad(f), 1).product ?? 0;
    const whole = (): Variable => chain.parts(4, plain);
    const part = (): Variable => chain.parts(4, checkpoint);
    expect([whole, part, whole, part, part].map(count)).toEqual([11, 15, 11, 15, 15]); // 4 forward, 4 and 3 back; 4 again
  });

  it("leaves a step that goes on after an error as it should be", () => {
    const w = parameter(0.5);
    const failing = (): Variable => { throw new Error("in between"); };
    grad(() => {
      const y = checkpoint(() => tanh(w));
      expect(() => checkpoint(failing)).toThrow("in between");
      return checkpoint(() => tanh(y));
    });
    const t = Math.tanh(0.5);
    expect(w.grad?.item()).toBeCloseTo((1 - Math.tanh(t) ** 2) * (1 - t * t), 6);
  });

  it("refuses what is no function, or asynchronous", () => {
    expect(() => grad(() => checkpoint(async () => zeros([1])) as unknown as Variable)).toThrow(UsageError);
    expect(() => checkpoint(5 as unknown as () => Variable)).toThrow(/checkpoint takes a function, but got 5/);
    expect(() => (checkpoint as (...args: unknown[]) => unknown)(() => 5, 5)).toThrow(/an argument too many/);
    expect(sum(zeros([2])).item()).toBe(0);
  });
});
