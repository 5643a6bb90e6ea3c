import { afterEach, describe, expect, it } from "vitest";
import { Adam, type DeviceName, GradientDescent, grad, input, Momentum, type Parameter, parameter, setDevice, ValueError } from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

/** Gives parameters these gradients, as Σ c·θ does. */
function give(parameters: readonly Parameter[], gradients: readonly (readonly number[])[]): void {
  grad(() => parameters.map((p, i) => p.mul(input(gradients[i])).sum()).reduce((a, b) => a.add(b)));
}

describe.each(["reference", "wasm"] as DeviceName[])("clip on %s", (device) => {
  it("by norm: all gradients together, only where it is exceeded", () => {
    setDevice(device);
    const θ = [parameter([0, 0]), parameter([0])];
    const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { norm: 2 } });
    give(θ, [[3, 0], [4]]);
    optimizer.update();
    expect(θ[0].data[0]).toBeCloseTo(-6 / 5, 6);
    expect(θ[1].data[0]).toBeCloseTo(-8 / 5, 6);
    θ.forEach((p) => { p.assign(p.shape[0] === 2 ? [0, 0] : [0]); });
    give(θ, [[1, 0], [-1]]);
    optimizer.update();
    expect(θ.flatMap((p) => [...p.data])).toEqual([-1, 0, 1]);
  });

  it("by value: each entry", () => {
    setDevice(device);
    const θ = parameter([0, 0, 0]);
    const optimizer = new GradientDescent(θ, { learningRate: 1, clip: { value: 0.5 } });
    give([θ], [[3, -4, 0.25]]);
    optimizer.update();
    expect(θ.toArray()).toEqual([-0.5, 0.5, -0.25]);
  });

  it("is before the rule: the rule remembers clipped gradients", () => {
    setDevice(device);
    const θ = [parameter([0, 0])];
    const norm = new Momentum(θ, { learningRate: 1, clip: { norm: 5 } });
    give(θ, [[6, 8]]);
    norm.update();
    expect(norm.state(θ[0]).velocity.toArray()).toEqual([-3, -4]);
    const value = new Adam(θ, { clip: { value: 1 }, beta1: 0.5 });
    give(θ, [[6, -8]]);
    value.update();
    expect(value.state(θ[0]).firstMoment.toArray()).toEqual([0.5, -0.5]);
  });

  it("spans groups", () => {
    setDevice(device);
    const [a, b] = [parameter([0]), parameter([0])];
    const optimizer = new GradientDescent([{ parameters: a }, { parameters: b, learningRate: 10 }], { learningRate: 1, clip: { norm: 1 } });
    give([a, b], [[3], [4]]);
    optimizer.update();
    expect(a.item()).toBeCloseTo(-0.6, 6);
    expect(b.item()).toBeCloseTo(-8, 5);
  });
});

it.each([{}, { norm: 1, value: 1 }, { norm: -1 }, { value: NaN }, { scale: 1 }, 5, "norm"])("refuses clip %j", (clip) => {
  expect(() => new GradientDescent(parameter([1]), { learningRate: 1, clip: clip as { norm: number } })).toThrow(ValueError);
});
