import { afterEach, describe, expect, it } from "vitest";
import { arange, eye, FlimsyError, full, ones, Random, rand, randn, seed, setDevice, type Shape, type Variable, zeros } from "../../src/index.ts";
import { inFloat32 } from "../device.ts";

afterEach(() => setDevice("wasm"));

describe("arrays to start from", () => {
  it("are filled", () => {
    expect(zeros([2, 3]).toArray()).toEqual([[0, 0, 0], [0, 0, 0]]);
    expect(ones([]).item()).toBe(1);
    expect(full([2], -Infinity).toArray()).toEqual([-Infinity, -Infinity]);
    expect(full([1], NaN).toArray()).toEqual([NaN]);
    expect(zeros([0, 4]).shape).toEqual([0, 4]);
    expect(eye(2).toArray()).toEqual([[1, 0], [0, 1]]);
    expect(eye(2, 3).toArray()).toEqual([[1, 0, 0], [0, 1, 0]]);
    expect(eye(3, 1).toArray()).toEqual([[1], [0], [0]]);
    expect(eye(0).shape).toEqual([0, 0]);
  });

  it("count", () => {
    expect(arange(4).toArray()).toEqual([0, 1, 2, 3]);
    expect(arange(2, 5).toArray()).toEqual([2, 3, 4]);
    expect(arange(5, 0, -2).toArray()).toEqual([5, 3, 1]);
    expect(arange(0, 1, 0.25).toArray()).toEqual([0, 0.25, 0.5, 0.75]);
    expect(arange(0).shape).toEqual([0]);
    expect(arange(3, 1).shape).toEqual([0]);
    expect(arange(-2).shape).toEqual([0]);
  });

  it("copy their shape", () => {
    const shape = [2, 2];
    const made = [zeros(shape), full(shape, 1), rand(shape), randn(shape)];
    shape[0] = 9;
    for (const x of made) expect(x.shape).toEqual([2, 2]);
  });

  inFloat32()("have the numbers of the device", () => {
    for (const [device, kind] of [["wasm", Float32Array], ["reference", Float64Array]] as const) {
      setDevice(device);
      for (const x of [zeros([2]), randn([2]), rand([2]), eye(2), arange(2)]) expect(x.data).toBeInstanceOf(kind);
    }
  });

  inFloat32()("are random by the seed, or by a generator", () => {
    seed(5);
    const [a, b] = [randn([3]), rand([3])];
    seed(5);
    expect(randn([3]).toArray()).toEqual(a.toArray());
    expect(rand([3]).toArray()).toEqual(b.toArray());
    expect(randn([3], new Random(7)).toArray()).toEqual(randn([3], new Random(7)).toArray());
    const random = new Random(7);
    expect(randn([3], random).toArray()).not.toEqual(randn([3], random).toArray());
    setDevice("reference");
    seed(5);
    const exact = randn([3]);
    exact.data.forEach((value, i) => { expect(Math.fround(value)).toBe(a.data[i]); });
  });
});

describe("wrong arguments", () => {
  const shapes: readonly unknown[] = [undefined, null, 3, "3", [-1], [1.5], [NaN], [Infinity], ["2"], [2, null], [1e9, 1e9], [2 ** 31], {}, [[2]]];
  it.each<[string, (shape: Shape) => Variable]>([
    ["zeros", zeros], ["ones", ones], ["full", (shape) => full(shape, 1)], ["rand", rand], ["randn", randn],
  ])("%s refuses what is no shape", (name, make) => {
    for (const shape of shapes) {
      expect(() => make(shape as Shape), String(shape)).toThrow(FlimsyError);
      expect(() => make(shape as Shape), String(shape)).toThrow(new RegExp(`^${name} `));
    }
  });

  it.each<[string, () => unknown]>([
    ["full without a value", () => full([2], undefined as unknown as number)],
    ["full of text", () => full([2], "3" as unknown as number)],
    ["eye of a fraction", () => eye(1.5)],
    ["eye of a negative number", () => eye(-1)],
    ["eye of text", () => eye("2" as unknown as number)],
    ["arange of NaN", () => arange(NaN)],
    ["arange without end", () => arange(0, Infinity)],
    ["arange without arguments", () => (arange as () => unknown)()],
    ["arange with step 0", () => arange(0, 1, 0)],
    ["arange with a tiny step", () => arange(0, 1e6, 1e-9)],
    ["rand with a generator that is none", () => rand([2], Math.random as unknown as Random)],
    ["randn with a seed for a generator", () => randn([2], 5 as unknown as Random)],
    ["seed of text", () => seed("x" as unknown as number)],
    ["setDevice of an unknown name", () => setDevice("gpu" as "wasm")],
    ["setDevice of a name that every object has", () => setDevice("toString" as "wasm")],
    ["setDevice of nothing", () => setDevice(undefined as unknown as "wasm")],
  ])("%s", (_, f) => { expect(f).toThrow(FlimsyError); });
});
