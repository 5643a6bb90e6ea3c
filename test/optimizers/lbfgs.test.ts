import { afterEach, describe, expect, it } from "vitest";
import { restore, serialize } from "../../src/io/index.ts";
import {
  Component, cost, type DeviceName, evaluate, gather, GradientNoise, grad, input, LBFGS, type LBFGSOptions, type Parameter, parameter, ready, setDevice, sub,
  UsageError, ValueError, type Variable,
} from "../../src/index.ts";
import { errorOf, onBoth, unwaited } from "../devices/unwaited.ts";

afterEach(() => { setDevice("wasm"); });

/** Rosenbrock's function, counting how often it was evaluated. */
function rosenbrock(start: readonly [number, number] = [-1.5, 2]) {
  const [x, y] = start.map((value) => parameter(value));
  const f = (): Variable => {
    f.evaluations++;
    return sub(1, x).pow(2).add(y.sub(x.mul(x)).pow(2).mul(100));
  };
  f.evaluations = 0;
  return { θ: [x, y], f, values: () => [x.item(), y.item()] };
}

const samples = Array.from({ length: 40 }, (_, i) => i);

/** Logistic regression of 40 samples with 5 numbers each. */
class Regression extends Component {
  readonly w = parameter([0, 0, 0, 0, 0]);
  readonly b = parameter(0);
  readonly x = input(samples.map((i) => [0, 1, 2, 3, 4].map((j) => ((i * 7 + j * 13) % 17) / 8.5 - 1 + 0.1 * ((i * i + 3 * j) % 5))));
  readonly y = input(samples.map((i) => ((i * 5) % 7 < 3 ? 1 : 0)));
  cost(): Variable {
    const scores = this.x.mul(this.w).sum(1).add(this.b);
    return cost.bernoulliCrossEntropyWithScores(scores, this.y).div(40).add(this.w.mul(this.w).sum().mul(1e-4));
  }
}

describe("LBFGS on the reference device", () => {
  // torch.optim.LBFGS of PyTorch 1.13 in float64, line_search_fn="strong_wolfe", history_size=10, max_eval=1000
  it("makes the steps of PyTorch on Rosenbrock's function, with as many evaluations", () => {
    setDevice("reference");
    const { θ, f, values } = rosenbrock();
    const optimizer = new LBFGS(θ);
    const torch: [loss: number, x: number, y: number, evaluations: number][] = [
      [12.5, 0.03138544172617269, -0.024106402499717204, 26],
      [1.0011722410422608, 0.9999834179208867, 0.9999669023996953, 51],
      [2.754046907500365e-10, 0.9999834179208867, 0.9999669023996953, 52],
      [2.754046907500365e-10, 0.9999834179208867, 0.9999669023996953, 53],
    ];
    for (const [loss, x, y, evaluations] of torch) {
      expect(optimizer.minimize(f).item()).toBeCloseTo(loss, 10); // before the steps
      // Both sides round differently, which some 20 steps along a bent valley make 10⁻¹⁴.
      expect(values()).toEqual([expect.closeTo(x, 10), expect.closeTo(y, 10)]);
      expect(f.evaluations).toBe(evaluations);
    }
    expect(optimizer.step).toBe(4);
    expect(θ.map((p) => p.grad)).toEqual([null, null]);
  });

  // As above, with history_size=3 and max_iter=5
  it("makes those of PyTorch on logistic regression", () => {
    setDevice("reference");
    const θ = new Regression();
    const optimizer = new LBFGS(θ, { historySize: 3, maxIterations: 5 });
    let evaluations = 0;
    const f = () => {
      evaluations++;
      return { loss: θ.cost(), evaluations };
    };
    const torch = [[Math.LN2, 6], [0.6628265065497374, 13], [0.6627667145706098, 19], [0.6627661203685282, 21]];
    for (const [loss, count] of torch) {
      const found = optimizer.minimize(f);
      expect(found.loss.item()).toBeCloseTo(loss, 12);
      expect(evaluations).toBe(count);
      expect(found.evaluations).toBeLessThan(count); // what f returned first
    }
    const w = [-1.0103984385989089, -0.12780562733035747, -0.42490911180661006, -0.07146371308830053, 0.5689846052750107];
    θ.w.data.forEach((value, i) => { expect(value).toBeCloseTo(w[i], 9); });
    expect(θ.b.item()).toBeCloseTo(-0.21884088371432223, 9);
  });
});

describe.each<[DeviceName, number]>([["reference", 1e-7], ["wasm", 1e-3]])("LBFGS on %s", (device, tolerance) => {
  // The minimum is at (1, 1), along a valley in which the loss grows as 0.2·(x − 1)²: 10⁻¹⁵ of it, the tolerance, are 10⁻⁷ of x, and float32's 10⁻⁷ some 10⁻³.
  it.each<[string, [number, number]]>([["-1.2, 1", [-1.2, 1]], ["0, 0", [0, 0]], ["-3, -4", [-3, -4]], ["5, 5", [5, 5]]])(
    "finds the minimum of Rosenbrock's function from %s", (_, start) => {
      setDevice(device);
      const { θ, f, values } = rosenbrock(start);
      const optimizer = new LBFGS(θ, { maxIterations: 100, toleranceGrad: 1e-10, toleranceChange: 1e-15 });
      optimizer.minimize(f);
      optimizer.minimize(f);
      values().forEach((value) => { expect(Math.abs(value - 1)).toBeLessThan(tolerance); });
      expect(f.evaluations).toBeLessThan(150);
    },
  );

  it("goes on from a snapshot or a checkpoint as if it had not stopped", () => {
    setDevice(device);
    const make = () => {
      const θ = new Regression();
      return { θ, optimizer: new LBFGS(θ, { historySize: 4, maxIterations: 3 }) };
    };
    const [whole, first, second] = [make(), make(), make()];
    for (let i = 0; i < 3; i++) whole.optimizer.minimize(() => whole.θ.cost());
    first.optimizer.minimize(() => first.θ.cost());
    restore(serialize(first.θ, { optimizer: first.optimizer }), { into: second.θ, optimizer: second.optimizer });
    expect(Object.keys(second.optimizer.slotsOf(second.θ.w))).toEqual(["s1", "s2", "s3", "s4", "y1", "y2", "y3", "y4"]);
    for (let i = 0; i < 2; i++) second.optimizer.minimize(() => second.θ.cost());
    expect(second.θ.w.data).toEqual(whole.θ.w.data);
    expect(second.optimizer.step).toBe(3);
    expect(() => new LBFGS(second.θ).restore(second.optimizer.snapshot())).toThrow(ValueError);
  });

  it("minimizes a quadratic of many sizes in as many steps as it has dimensions, some more for rounding", () => {
    setDevice(device);
    const θ = [parameter([[1, -2], [3, 4]]), parameter(5), parameter([-6])];
    const scales = [input([[1, 2], [3, 4]]), input(0.5), input([10])];
    const f = () => θ.map((p, i) => p.mul(p).mul(scales[i]).sum()).reduce((a, b) => a.add(b));
    new LBFGS(θ, { maxIterations: 12 }).minimize(f);
    expect(evaluate(f).item()).toBeLessThan(1e-6);
  });
});

describe("LBFGS", () => {
  it("trains what its function reaches, and leaves the rest", () => {
    const [v, w, other] = [parameter([1, 2]), parameter([3, 4]), parameter(5)];
    const optimizer = new LBFGS([v, w]);
    optimizer.minimize(() => v.mul(v).sum().mul(other));
    v.data.forEach((value) => { expect(value).toBeCloseTo(0, 5); });
    expect([w.toArray(), other.item(), other.grad]).toEqual([[3, 4], 5, null]);
    // And what it reaches only later
    optimizer.minimize(() => v.mul(v).sum().add(w.sub(1).pow(2).sum()));
    w.data.forEach((value) => { expect(value).toBeCloseTo(1, 5); });
  });

  it("looks again where another step was the better one, and steps back from infinity", () => {
    const x = parameter(0.5);
    // No number from 1 on: the first step is too long by far.
    const f = () => sub(1, x).log().neg().sub(x.mul(3));
    const optimizer = new LBFGS(x, { learningRate: 100 });
    for (let i = 0; i < 3; i++) optimizer.minimize(f);
    expect(x.item()).toBeCloseTo(2 / 3, 3);
  });

  it("changes nothing where the loss is not finite, and counts no update", () => {
    const x = parameter(1);
    const optimizer = new LBFGS(x);
    expect(optimizer.minimize(() => x.mul(NaN)).item()).toBeNaN();
    expect([x.item(), optimizer.step, x.grad]).toEqual([1, 0, null]);
  });

  it("has whole steps behind it when its function throws", () => {
    const { θ, f, values } = rosenbrock();
    const optimizer = new LBFGS(θ);
    const throwing = () => {
      if (f.evaluations === 7) throw new RangeError("mine");
      return f();
    };
    expect(() => optimizer.minimize(throwing)).toThrow("mine");
    const loss = evaluate(f).item();
    expect(loss).toBeLessThan(12.5);
    expect([optimizer.step, ...θ.map((p) => p.grad)]).toEqual([0, null, null]);
    for (let i = 0; i < 3; i++) optimizer.minimize(f);
    expect(values()).toEqual([expect.closeTo(1, 2), expect.closeTo(1, 2)]);
  });

  it("takes a schedule as its rate", () => {
    const { θ, f } = rosenbrock();
    const asked: number[] = [];
    const optimizer = new LBFGS(θ, { learningRate: (step) => { asked.push(step); return 1; }, maxIterations: (step) => 1 + step });
    for (let i = 0; i < 3; i++) optimizer.minimize(f);
    expect(asked).toEqual([0, 1, 2]);
  });

  const p = parameter([1]);
  const options = (given: object) => given as LBFGSOptions;
  it.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    ["update", () => {
      grad(() => p.sum());
      try {
        new LBFGS(p).update();
      } finally {
        p.clearGrad();
      }
    }, UsageError, /LBFGS has no update: .* Call optimizer\.minimize\(\(\) => loss\)/],
    ["groups", () => new LBFGS([{ parameters: p }, { parameters: parameter(1) }] as unknown as Parameter[]), ValueError, /takes no groups/],
    ["a group added later", () => new LBFGS(p).addGroup({ parameters: parameter(1) }), UsageError, /one group/],
    ["clip", () => new LBFGS(p, options({ clip: { norm: 1 } })), ValueError, /neither clip nor noise/],
    ["noise", () => new LBFGS(p, options({ noise: new GradientNoise({ eta: 1 }) })), ValueError, /neither clip nor noise/],
    ["a schedule of its history", () => new LBFGS(p, options({ historySize: () => 3 })), ValueError, /not a schedule/],
    ["no history", () => new LBFGS(p, { historySize: 0 }), ValueError, /historySize/],
    ["another argument", () => new (LBFGS as new (...args: unknown[]) => LBFGS)(p, {}, 3), ValueError, /an argument too many/],
    ["no loss", () => new LBFGS(p).minimize((() => 3) as never), UsageError, /LBFGS\.minimize must return the loss/],
    ["to be called within a step", () => evaluate(() => new LBFGS(p).minimize(() => p.sum())), UsageError, /LBFGS\.minimize was called inside evaluate/],
  ])("refuses %s", (_, make, error, message) => {
    expect(make).toThrow(error);
    expect(make).toThrow(message);
  });
});

describe("LBFGS on a device that cannot be waited for", () => {
  it("makes the same steps by minimizeAsync, and says that minimize would wait", async () => {
    await onBoth(async () => {
      const θ = new Regression();
      const optimizer = new LBFGS(θ, { historySize: 3, maxIterations: 5 });
      const losses = [await optimizer.minimizeAsync(() => θ.cost()), await optimizer.minimizeAsync(() => θ.cost())];
      await ready([losses, θ]);
      return [losses.map((loss) => loss.item()), θ.w.toArray(), θ.b.item(), optimizer.step, θ.w.grad];
    });
    unwaited();
    const { θ, f } = rosenbrock();
    expect(() => new LBFGS(θ).minimize(f)).toThrow("LBFGS.minimize looks at numbers, but the device delaying cannot be waited for here. " +
      "Call await optimizer.minimizeAsync(() => loss).");
    expect(f.evaluations).toBe(0);
  });

  it("leaves all as it was after the last whole step where something fails later", async () => {
    unwaited();
    const table = parameter([1, 2, 3]);
    let calls = 0;
    const loss = (): Variable => gather(table, input([calls++ < 3 ? 1 : 7]).mul(1)).pow(2).sum().add(table.pow(2).sum());
    grad(() => table.sum());
    const optimizer = new LBFGS(table);
    const failed = evaluate(() => gather(table, input([9]).mul(1)));
    // What has gone wrong before is told first.
    expect(await errorOf(optimizer.minimizeAsync(loss))).toBeInstanceOf(ValueError);
    expect(await errorOf(failed.read())).toBeInstanceOf(ValueError);
    expect(calls).toBe(0);
    expect((await errorOf(optimizer.minimizeAsync(loss))).message).toMatch(/gather got index 7/);
    await ready([table, table.grad]);
    expect([optimizer.step, table.grad?.toArray()]).toEqual([0, [1, 1, 1]]);
    expect(table.data.every(Number.isFinite)).toBe(true);
    calls = -1000;
    for (let i = 0; i < 2; i++) await optimizer.minimizeAsync(loss);
    expect(Array.from(await table.read())).toEqual([0, 0, 0].map((value) => expect.closeTo(value, 5)));
  });
});
