/** Averages that decay: what has become too small to count is 0, as denormal numbers are slow. */

import { afterEach, describe, expect, it } from "vitest";
import { Adam, AdamW, Graves, grad, input, Momentum, Nesterov, type Optimizer, type Parameter, parameter, RmsProp, setDevice } from "../../src/index.ts";

const optimizers: Record<string, (p: Parameter) => Optimizer> = {
  Momentum: (p) => new Momentum(p, { learningRate: 0.1 }),
  Nesterov: (p) => new Nesterov(p, { learningRate: 0.1 }),
  RmsProp: (p) => new RmsProp(p, { learningRate: 0.1, decay: 0.9 }),
  Adam: (p) => new Adam(p, { beta2: 0.9 }),
  AdamW: (p) => new AdamW(p, { beta2: 0.9 }),
  Graves: (p) => new Graves(p, { decay: 0.9 }),
};

afterEach(() => { setDevice("wasm"); });

describe.each(["wasm", "reference"] as const)("what an optimizer remembers, on %s", (device) => {
  it.each(Object.keys(optimizers))("becomes 0 when the gradient stays 0, and nothing else does: %s", (name) => {
    setDevice(device);
    const p = parameter([1, -2, 3]);
    const optimizer = optimizers[name](p);
    const update = (slopes: readonly number[]): void => {
      grad(() => p.mul(input([...slopes])).sum());
      optimizer.update();
    };
    const state = (): number[][] => optimizer.snapshot().parameters.flatMap(({ state }) => Object.values(state).map((value) => [...value.data]));
    update([1, 0.5, -0.25]);
    expect(state().flat().every((value) => value !== 0)).toBe(true);
    // 0.9 to the power of 760 is below 2⁻¹¹².
    for (let i = 0; i < 760; i++) update([0, 0, i % 2 === 0 ? 1e-12 : -5e-13]);
    for (const [first, second, third] of state()) {
      expect([first, second]).toEqual([0, 0]);
      expect(third).not.toBe(0);
    }
  });
});
