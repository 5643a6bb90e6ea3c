/** Warnings of gradients that nobody applies. They are given once in a program, so each test has the library for itself. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type * as Flimsy from "../../src/index.ts";

type Library = typeof Flimsy;
let warn = vi.spyOn(console, "warn");

beforeEach(() => {
  vi.resetModules();
  warn = vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => { vi.restoreAllMocks(); });

const load = (): Promise<Library> => import("../../src/index.ts");

it("are given once, at the second update that leaves such a gradient", async () => {
  const { grad, GradientDescent, mul, parameter } = await load();
  const [v, w, u] = [parameter([[1, 2]]), parameter([[3, 4]]), parameter(1)];
  const optimizer = new GradientDescent(v, { learningRate: 0.1 });
  for (let run = 0; run < 6; run++) {
    grad(() => mul(mul(v, w), u).sum());
    expect(warn).toHaveBeenCalledTimes(run < 2 ? 0 : 1);
    optimizer.update();
    expect(warn).toHaveBeenCalledTimes(run === 0 ? 0 : 1);
  }
  expect(warn.mock.calls[0][0]).toMatch(
    /^GradientDescent\.update: steps give gradients to parameters that no optimizer has, as one of shape \[1, 2\]\. .*freeze\(\)/s,
  );
});

it("are given by fit, of parameters that a component hides", async () => {
  const { Component, GradientDescent, mul, parameter } = await load();
  const training = await import("../../src/train/index.ts");
  class Hiding extends Component {
    readonly seen = parameter([1, 2]);
    readonly #hidden = parameter([3, 4]);
    cost(): Flimsy.Variable { return mul(this.seen, this.#hidden).sum(); }
  }
  const θ = new Hiding();
  await training.fit(θ, { data: [1, 2, 3], cost: () => θ.cost(), optimizer: new GradientDescent(θ, { learningRate: 0.1 }), epochs: 2, progress: "none" });
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0][0]).toMatch(/that no optimizer has, as one of shape \[2\]\. .*#private fields, sets and closures/s);
});

it("are given by fit, of parameters that are trained but would not be saved", async () => {
  const { Component, GradientDescent, mul, parameter } = await load();
  const training = await import("../../src/train/index.ts");
  class Hiding extends Component {
    readonly seen = parameter([1, 2]);
    readonly others = new Set([parameter([3, 4])]);
    cost(): Flimsy.Variable { return mul(this.seen, [...this.others][0]).sum(); }
  }
  const θ = new Hiding();
  const run = (restoreBest: boolean): Promise<unknown> => training.fit(θ, {
    data: [1, 2, 3], cost: () => θ.cost(), optimizer: new GradientDescent([θ, ...θ.others], { learningRate: 0.1 }), epochs: 1, progress: "none", restoreBest,
  });
  await run(false);
  expect(warn).not.toHaveBeenCalled();
  await run(true);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0][0]).toMatch(/fit: the optimizer trains 1 parameter that Hiding does not list in parameters\(\).*best epoch/s);
});

const innocent: Record<string, (flimsy: Library) => void> = {
  "gradients that are applied by hand, after the update": ({ grad, GradientDescent, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new GradientDescent(v, { learningRate: 0.1 });
    for (let run = 0; run < 5; run++) {
      grad(() => mul(v, w).sum());
      optimizer.update();
      w.assign(w.sub((w.grad as Flimsy.Variable).mul(0.1)));
      w.clearGrad();
    }
  },
  "gradients that are applied by hand, before the update, or only now and then": ({ grad, GradientDescent, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new GradientDescent(v, { learningRate: 0.1 });
    for (let run = 0; run < 8; run++) {
      grad(() => mul(v, w).sum());
      if (run % 4 === 0) {
        w.assign(w.sub((w.grad as Flimsy.Variable).mul(0.1)));
        w.clearGrad();
      }
      optimizer.update();
    }
  },
  "two optimizers that have all of them, also one that comes later": ({ Adam, grad, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const first = new Adam(v);
    let second: Flimsy.Adam | null = null;
    for (let run = 0; run < 5; run++) {
      grad(() => mul(v, w).sum());
      first.update();
      second ??= new Adam(w);
      grad(() => mul(v, w).sum());
      second.update();
    }
  },
  "all parameters trained by hand, beside another model": ({ Adam, grad, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new Adam(v);
    for (let run = 0; run < 5; run++) {
      grad(() => mul(v, v).sum());
      optimizer.update();
      grad(() => mul(w, w).sum());
    }
  },
  "gradients that were asked for": ({ Adam, grad, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new Adam(v);
    for (let run = 0; run < 5; run++) {
      grad(() => mul(v, w).sum(), { of: [v, w] });
      optimizer.update();
    }
  },
  "minimize, and frozen parameters": ({ Adam, grad, mul, parameter }) => {
    const [v, w, u] = [parameter([1, 2]), parameter([3, 4]), parameter([5, 6])];
    const [first, second] = [new Adam(v), new Adam(w)];
    for (let run = 0; run < 5; run++) {
      first.minimize(() => mul(mul(v, w), u).sum());
      second.minimize(() => mul(mul(v, w), u).sum());
    }
    u.freeze();
    for (let run = 0; run < 5; run++) {
      grad(() => mul(mul(v, w), u).sum());
      first.update();
    }
  },
  "a single step": ({ Adam, grad, mul, parameter }) => {
    const [v, w] = [parameter([1, 2]), parameter([3, 4])];
    const optimizer = new Adam(v);
    grad(() => mul(v, w).sum());
    for (let run = 0; run < 5; run++) optimizer.minimize(() => mul(v, w).sum());
  },
};

it.each(Object.entries(innocent))("are not given for %s", async (_, use) => {
  use(await load());
  expect(warn).not.toHaveBeenCalled();
});
