import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  add, arange, debug, evaluate, type FlimsyError, grad, gradients, input, mul, type NestedArray, Parameter, parameter, reshape, setDevice, ShapeError,
  StaleVariableError, sum,
  UsageError, ValueError, Variable, zeros,
} from "../../src/index.ts";
import { inFloat32 } from "../device.ts";

afterEach(() => setDevice("wasm"));

describe("input", () => {
  it.each<[string, unknown, number[], number[]]>([
    ["a number", 3, [], [3]],
    ["nested arrays", [[1, 2, 3], [4, 5, 6]], [2, 3], [1, 2, 3, 4, 5, 6]],
    ["a deep array with one element", [[[7]]], [1, 1, 1], [7]],
    ["no elements", [], [0], []],
    ["empty rows", [[], []], [2, 0], []],
    ["NaN and infinities", [NaN, Infinity, -Infinity, -0], [4], [NaN, Infinity, -Infinity, -0]],
    ["a Float32Array", new Float32Array([1, 2]), [2], [1, 2]],
    ["a Float64Array", new Float64Array([1, 2]), [2], [1, 2]],
    ["an Int32Array", new Int32Array([-1, 2]), [2], [-1, 2]],
    ["a Uint8ClampedArray", new Uint8ClampedArray([255, 2]), [2], [255, 2]],
    ["a BigInt64Array of small integers", new BigInt64Array([-1n, 2n]), [2], [-1, 2]],
    ["a Variable", new Variable([2], null, null, -1, input([4, 5]).storage), [2], [4, 5]],
  ])("takes %s", (_, data, shape, values) => {
    const x = input(data as number);
    expect(x.shape).toEqual(shape);
    expect(Array.from(x.data)).toEqual(values);
    expect(x.size).toBe(values.length);
  });

  it("takes flat data with a shape", () => {
    expect(input([1, 2, 3, 4, 5, 6], [2, 3]).toArray()).toEqual([[1, 2, 3], [4, 5, 6]]);
    expect(input(new Int8Array(6), [3, 2, 1]).shape).toEqual([3, 2, 1]);
    expect(input(5, [1, 1]).toArray()).toEqual([[5]]);
    expect(input([], [3, 0]).toArray()).toEqual([[], [], []]);
  });

  it("copies data and shape", () => {
    const data = new Float32Array([1, 2]);
    const nested = [[1, 2]];
    const shape = [2, 1];
    const [a, b] = [input(data, shape), input(nested)];
    data[0] = nested[0][0] = shape[0] = 99;
    expect(a.toArray()).toEqual([[1], [2]]);
    expect(b.toArray()).toEqual([[1, 2]]);
  });

  inFloat32()("rounds to float32 on the wasm device, and keeps float64 on the reference device", () => {
    expect(input(0.1).item()).toBe(Math.fround(0.1));
    setDevice("reference");
    expect(input(0.1).item()).toBe(0.1);
    expect(input([0.1]).data).toBeInstanceOf(Float64Array);
  });

  it("is the inverse of toArray", () => {
    const arrays = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }).chain((shape) => {
      const nest = (axis: number): fc.Arbitrary<NestedArray> =>
        axis === shape.length ? fc.integer({ min: -99, max: 99 }) : fc.array(nest(axis + 1), { minLength: shape[axis], maxLength: shape[axis] });
      return nest(0);
    });
    fc.assert(fc.property(arrays, (array) => { expect(input(array).toArray()).toEqual(array); }));
  });
});

describe("reading", () => {
  const x = input([[1, 2], [3, 4]]);

  inFloat32()("gives the numbers in every form", async () => {
    expect(x.toArray()).toEqual([[1, 2], [3, 4]]);
    expect(x.data).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(await x.read()).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(input([[5]]).item()).toBe(5);
  });

  it("gives copies", async () => {
    x.data[0] = 99;
    (await x.read())[0] = 99;
    (x.toArray() as number[][])[0][0] = 99;
    expect(x.data[0]).toBe(1);
  });

  it("item needs exactly one element", () => {
    expect(() => x.item()).toThrow(ShapeError);
    expect(() => x.item()).toThrow(/shape \[2, 2\].*toArray\(\)/s);
    expect(() => input([]).item()).toThrow(ShapeError);
  });
});

describe("printing", () => {
  /** Read once, so that the host has its numbers. */
  const known = (x: Variable): Variable => {
    x.data;
    return x;
  };

  it("shows shape and values, the rows of matrices below each other", () => {
    expect(String(input([1, 2.5]))).toBe("Variable [2] [1, 2.5]");
    expect(String(input([[1, 2.5], [1 / 3, -4]]))).toBe("Variable [2, 2]\n[[1, 2.5],\n [0.333333, -4]]");
    expect(String(known(arange(8).reshape([2, 2, 2])))).toBe("Variable [2, 2, 2]\n[[[0, 1],\n  [2, 3]],\n [[4, 5],\n  [6, 7]]]");
    expect(String(input(3))).toBe("Variable [] 3");
    expect(String(input([NaN, -Infinity]))).toBe("Variable [2] [NaN, -Infinity]");
    expect(`${input([])}`).toBe("Variable [0] []");
    expect(String(zeros([2, 0]))).toBe("Variable [2, 0]\n[[],\n []]");
    expect(inspect({ x: input([[1], [2]]) })).toBe("{\n  x: Variable [2, 1]\n  [[1],\n   [2]]\n}");
    expect(inspect([parameter([1, 2])])).toBe("[ Parameter [2] [1, 2] ]");
    // Integers that float32 holds are exact, and zeros keep their signs.
    expect(String(input([-0, 0, 16777215, -1234567, 1 / 3]))).toBe("Variable [5] [-0, 0, 16777215, -1234567, 0.333333]");
  });

  it("shows the ends of what is large", () => {
    expect(String(known(arange(100)))).not.toContain("…");
    expect(String(known(arange(101)))).toBe("Variable [101] [0, 1, 2, …, 98, 99, 100]");
    expect(String(known(arange(700).reshape([100, 7]))).split("\n").slice(1)).toEqual([
      "[[0, 1, 2, …, 4, 5, 6],", " [7, 8, 9, …, 11, 12, 13],", " [14, 15, 16, …, 18, 19, 20],", " …,",
      " [679, 680, 681, …, 683, 684, 685],", " [686, 687, 688, …, 690, 691, 692],", " [693, 694, 695, …, 697, 698, 699]]",
    ]);
  });

  it("shows what an open step knows: after a look, at once in eager mode", () => {
    evaluate(() => {
      const y = add(input([[1], [2]]), 1);
      const view = y.reshape([2]);
      expect(String(y)).toContain("not computed yet");
      y.toArray();
      expect([String(y), String(view)]).toEqual(["Variable [2, 1]\n[[2],\n [3]]", "Variable [2] [2, 3]"]);
      expect(String(y.mul(2))).toBe("Variable [2, 1] (mul, not computed yet)");
      return 0;
    });
    debug({ eager: true });
    try {
      evaluate(() => { expect(String(add(input([1, 2]), 1))).toBe("Variable [2] [2, 3]"); return 0; });
    } finally {
      debug({ eager: false });
    }
  });

  it("does not run an open step, and never throws", () => {
    let kept: Variable | null = null;
    evaluate(() => {
      kept = add(input([1, 2]), 1);
      expect(String(kept)).toBe("Variable [2] (add, not computed yet)");
      return 0;
    });
    expect(String(kept)).toBe("Variable [2] (add, of a step that has ended)");
    expect(inspect(kept)).toContain("of a step that has ended");
    expect(`${kept}`).toContain("add");
  });
});

describe("a Variable that is cloned or posted", () => {
  it("says what to send", () => {
    const used = parameter([1, 2]);
    const x = input([1, 2]);
    const made = grad(() => ({ loss: used.mul(x).sum(), y: used.add(x) }));
    const { port1 } = new MessageChannel();
    for (const value of [input([1]), x, used, used.grad, made.y, { model: { w: used } }]) {
      for (const send of [structuredClone, (v: unknown) => port1.postMessage(v)]) {
        expect(() => send(value)).toThrow(
          expect.objectContaining({ name: "DataCloneError", message: expect.stringContaining("Send data and shape of a Variable") }),
        );
      }
    }
    port1.close();
    const { data, shape } = structuredClone({ data: made.y.data, shape: made.y.shape });
    expect(input(data, shape).toArray()).toEqual([2, 4]);
  });
});

describe("operators of the language", () => {
  const [a, b] = [input(1), input(2)] as unknown as [number, number];

  it.each<[string, () => unknown]>([
    ["+", () => a + b], ["-", () => a - b], ["*", () => a * b], ["<", () => a < b], ["unary -", () => -a],
    // biome-ignore lint/suspicious/noDoubleEquals: what a user may write
    ["== with a number", () => a == 2],
    // biome-ignore lint/style/useTemplate: what a user may write
    ["Math", () => Math.exp(a)], ["Number", () => Number(a)], ["+ with text", () => "x" + a],
  ])("%s is refused, with what to write instead", (_, f) => {
    expect(f).toThrow(ValueError);
    expect(f).toThrow(/a\.add\(b\).*a\.item\(\)/s);
  });
});

describe("a Variable kept beyond its step", () => {
  /** A result of a step that has ended, which f did not return. */
  function left(): Variable {
    let kept: Variable | null = null;
    evaluate(() => {
      kept = mul(input([1, 2]), 3);
      return sum(kept);
    });
    return kept as unknown as Variable;
  }

  it.each<[string, (v: Variable) => unknown]>([
    ["a view", (v) => reshape(v, [2, 1])],
    ["data", (v) => v.data],
    ["toArray", (v) => v.toArray()],
    ["an operation outside of a step", (v) => add(v, 1)],
    ["a method", (v) => v.exp()],
    ["another step", (v) => evaluate(() => sum(v))],
    ["another step with gradients", (v) => grad(() => sum(v))],
    ["the result of another step", (v) => evaluate(() => [v])],
    ["gradients", (v) => gradients(() => input(1), [v])],
    ["input", (v) => input(v)],
    ["parameter", (v) => parameter(v)],
    ["assign", (v) => parameter([1, 2]).assign(v)],
  ])("cannot be used in %s: the error names the operation and says what to do", (_, use) => {
    const v = left();
    expect(() => use(v)).toThrow(StaleVariableError);
    expect(() => use(v)).toThrow(/\[2\] was made by mul in a step that has ended.*Return it.*item\(\) or toArray\(\)/s);
  });

  it("cannot be awaited", async () => {
    await expect(left().read()).rejects.toThrow(StaleVariableError);
  });

  it("is no trouble for the next step, nor after an error", () => {
    const v = left();
    expect(() => add(v, 1)).toThrow(StaleVariableError);
    expect(add(input(1), 1).item()).toBe(2);
    let thrown: Variable | null = null;
    expect(() => evaluate(() => {
      thrown = add(input(1), 1);
      throw new RangeError("mine");
    })).toThrow(RangeError);
    expect(() => (thrown as unknown as Variable).item()).toThrow(StaleVariableError);
  });

  it("is fine if it was read in the step, as far as what was read goes", () => {
    let kept: Variable | null = null;
    let value = 0;
    evaluate(() => {
      kept = add(input(1), 1);
      value = kept.item();
      return value;
    });
    expect(value).toBe(2);
    expect(() => (kept as unknown as Variable).item()).toThrow(StaleVariableError);
  });
});

describe("Parameter", () => {
  it("is a Variable with a gradient that begins as null", () => {
    const p = parameter([[1, 2]]);
    expect(p).toBeInstanceOf(Parameter);
    expect(p).toBeInstanceOf(Variable);
    expect(p.grad).toBeNull();
    expect(p.toArray()).toEqual([[1, 2]]);
  });

  it("is made of anything that input takes, as a copy", () => {
    const x = input([1, 2]);
    const p = parameter(x);
    p.assign([5, 6]);
    expect(x.toArray()).toEqual([1, 2]);
    expect(parameter([1, 2, 3, 4], [2, 2]).shape).toEqual([2, 2]);
    expect(parameter(parameter([3])).toArray()).toEqual([3]);
  });

  it("takes new values of its shape", () => {
    const p = parameter([[1, 2], [3, 4]]);
    for (let run = 0; run < 3; run++) {
      expect(p.assign([[5, 6], [7, run]])).toBe(p);
      expect(evaluate(() => mul(p, 2)).toArray()).toEqual([[10, 12], [14, 2 * run]]);
      p.assign(new Float64Array([1, 2, 3, 4]));
      expect(p.toArray()).toEqual([[1, 2], [3, 4]]);
      p.assign(add(p, 1));
      expect(p.toArray()).toEqual([[2, 3], [4, 5]]);
    }
    for (const wrong of [[1, 2, 3, 4], [[1, 2]], 5]) expect(() => p.assign(wrong)).toThrow(ShapeError);
    expect(() => p.assign(new Float32Array(3))).toThrow(ShapeError);
    expect(() => p.assign("x" as unknown as number)).toThrow(ValueError);
    expect(p.toArray()).toEqual([[2, 3], [4, 5]]);
  });

  it("cannot change under a step that uses it", () => {
    const p = parameter([1, 2]);
    const other = parameter([3]);
    const loss = grad(() => {
      const doubled = mul(p, 2);
      expect(() => p.assign([5, 5])).toThrow(UsageError);
      expect(() => p.assign([5, 5])).toThrow(/assign was called inside grad or evaluate.*before or after/s);
      expect(() => p.clearGrad()).toThrow(UsageError);
      other.assign([4]); // not used yet
      return add(sum(doubled), sum(other));
    });
    expect(loss.item()).toBe(10);
    p.assign([5, 5]);
    p.clearGrad();
    expect(p.toArray()).toEqual([5, 5]);
  });

  it("shows its gradient as it is now", () => {
    const p = parameter([1, 2]);
    grad(() => sum(mul(p, 3)));
    expect(p.grad?.toArray()).toEqual([3, 3]);
    expect(String(p.grad)).toBe("Variable [2] [3, 3]");
    expect(mul(p.grad as Variable, 2).toArray()).toEqual([6, 6]);
    // Kept, it is where gradients accumulate; a copy is `data`.
    const [kept, copy] = [p.grad as Variable, (p.grad as Variable).data];
    grad(() => sum(p));
    expect(p.grad?.toArray()).toEqual([4, 4]);
    expect(kept.toArray()).toEqual([4, 4]);
    expect([...copy]).toEqual([3, 3]);
    p.clearGrad();
    expect(p.grad).toBeNull();
  });
});

describe("errors of input and parameter", () => {
  class Thing {}
  it.each<[string, unknown, unknown, typeof FlimsyError, RegExp]>([
    ["ragged rows", [[1, 2], [3]], undefined, ShapeError, /ragged array: data\[1\] is an array of 1 where an array of 2 was expected/],
    ["a row where a number should be", [1, [2]], undefined, ShapeError, /data\[1\] is an array of 1 where a number/],
    ["a number where a row should be", [[1], 2], undefined, ShapeError, /data\[1\] is 2 where an array of 1/],
    ["text", "123", undefined, ValueError, /"123"/],
    ["text in an array", [1, "2"], undefined, ValueError, /"2" at data\[1\]/],
    ["null", null, undefined, ValueError, /null/],
    ["undefined", undefined, undefined, ValueError, /undefined/],
    ["null in an array", [[1, null]], undefined, ValueError, /null at data\[0\]\[1\]/],
    ["a hole", new Array(3), undefined, ValueError, /undefined at data\[0\]/],
    ["true", [true], undefined, ValueError, /true at data\[0\]/],
    ["a BigInt", [1n], undefined, ValueError, /got 1n at data\[0\]/],
    ["a Date", new Date(0), undefined, ValueError, /of type Date/],
    ["a Date in an array", [new Date(0)], undefined, ValueError, /of type Date at data\[0\]/],
    ["an object", { a: 1 }, undefined, ValueError, /got an object/],
    ["an object without a prototype", Object.create(null), undefined, ValueError, /got an object/],
    ["an instance", new Thing(), undefined, ValueError, /of type Thing/],
    ["a Map", new Map(), undefined, ValueError, /of type Map/],
    ["a function", () => 1, undefined, ValueError, /a function/],
    ["a symbol", Symbol("s"), undefined, ValueError, /Symbol\(s\)/],
    ["an ArrayBuffer", new ArrayBuffer(8), undefined, ValueError, /of type ArrayBuffer/],
    ["a DataView", new DataView(new ArrayBuffer(8)), undefined, ValueError, /of type DataView/],
    ["a promise", Promise.resolve(1), undefined, ValueError, /a promise: await it first/],
    ["variables in an array", [input(1)], undefined, ValueError, /a Variable \[\] at data\[0\]/],
    ["integers that float32 cannot hold", new Int32Array([2 ** 24 + 1]), undefined, ValueError, /16777217.*float32/],
    ["BigInts that float32 cannot hold", new BigInt64Array([2n ** 60n]), undefined, ValueError, /float32/],
    ["too few numbers", [1, 2, 3], [2, 2], ShapeError, /3 numbers for shape \[2, 2\], which has 4/],
    ["null as size", [1], [null], ShapeError, /shape \[null\]: a size is an integer/],
    ["a negative size", [1], [-1], ShapeError, /\[-1\]: a size is an integer of at least 0/],
    ["a fractional size", [1], [0.5], ShapeError, /integer/],
    ["NaN as size", [1], [NaN], ShapeError, /integer/],
    ["text as size", [1], ["1"], ShapeError, /shape \["1"\]: a size is an integer/],
    ["a number as shape", [1], 1, ShapeError, /takes a shape such as \[2, 3\], but got 1/],
    ["null as shape", [1], null, ShapeError, /takes a shape/],
    ["a huge shape", [1], [1e6, 1e6], ShapeError, /1000000000000 elements/],
  ])("%s", (_, data, shape, kind, message) => {
    for (const make of [input, parameter] as ((data: unknown, shape?: unknown) => Variable)[]) {
      expect(() => make(data, shape)).toThrow(kind);
      expect(() => make(data, shape)).toThrow(message);
      expect(() => make(data, shape)).toThrow(new RegExp(`^${make.name}`));
    }
  });
});

describe("moving between devices", () => {
  beforeEach(() => setDevice("wasm"));

  inFloat32()("keeps values bit for bit, and what was float64 stays so until a float32 device writes", () => {
    const p = parameter([1 / 3, 2]);
    grad(() => sum(mul(p, p)));
    const [values, gradient] = [p.data, p.grad?.data];
    for (const device of ["reference", "wasm", "reference", "wasm"] as const) {
      setDevice(device);
      expect(evaluate(() => add(p, 0)).toArray()).toEqual(Array.from(values));
      expect(add(p.grad as Variable, 0).toArray()).toEqual(Array.from(gradient as Float32Array));
    }
    setDevice("reference");
    const q = parameter([1 / 3]);
    setDevice("wasm");
    expect(evaluate(() => add(q, 0)).item()).toBe(Math.fround(1 / 3));
    setDevice("reference");
    expect(evaluate(() => add(q, 0)).item()).toBe(1 / 3);
  });

  it("adds to a gradient that the other device has begun", () => {
    const p = parameter([1, 2]);
    for (let run = 1; run <= 6; run++) {
      setDevice(run % 2 === 0 ? "reference" : "wasm");
      grad(() => sum(p));
      expect(p.grad?.toArray()).toEqual([run, run]);
    }
  });

  it("reads results of one device on the other", () => {
    const x = evaluate(() => mul(input([1, 2]), 2));
    setDevice("reference");
    const y = evaluate(() => mul(x, 1 / 3));
    expect(y.toArray()).toEqual([2 / 3, 4 / 3]);
    setDevice("wasm");
    expect(mul(y, 3).toArray()).toEqual([2, 4]);
  });
});

describe("rows and text", () => {
  it("takes typed rows, and refuses ragged ones", () => {
    expect(input([new Float32Array([1, 2]), Int32Array.of(3, 4)]).toArray()).toEqual([[1, 2], [3, 4]]);
    expect(() => input([new Float32Array(2), new Float32Array(3)])).toThrow(ShapeError);
  });
  it("is its numbers as JSON", () => {
    expect(JSON.stringify({ x: input([[1, 2], [3, 4]]), y: input(5) })).toBe('{"x":[[1,2],[3,4]],"y":5}');
  });
});
