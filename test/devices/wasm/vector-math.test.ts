import { describe, expect, it } from "vitest";
import { I32, ModuleBuilder, V128 } from "../../../src/devices/wasm/assembler.ts";
import { importMath, mathImports, VectorMath } from "../../../src/devices/wasm/vector-math.ts";
import { type BinaryName, evaluateBinary, evaluateUnary, type UnaryName } from "../../../src/kernels/expression.ts";

const unaryNames: readonly UnaryName[] = [
  "neg", "abs", "sign", "floor", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "relu",
];
const binaryNames: readonly BinaryName[] = [
  "add", "sub", "mul", "div", "pow", "maximum", "minimum", "equal", "less", "lessEqual",
];

/** Largest errors allowed, in units in the last place; ½ is correct rounding, which all others must have. */
const tolerances: Partial<Record<UnaryName | BinaryName, number>> = {
  exp: 2, expm1: 2, log: 2, log1p: 2, sin: 2, cos: 2, tanh: 3, sigmoid: 3, pow: 0.51,
};

/** A module with each function as a loop over arrays: (a, b, c, result, bytes). */
function assemble(fused: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.importMemory("memory");
  const imports = importMath(module);
  const loop = (name: string, write: (math: VectorMath, a: number, b: number, c: number) => void): void => {
    module.function(name, 5, (body) => {
      const math = new VectorMath(body, fused, imports);
      const [offset, ...locals] = [body.local(I32), body.local(V128), body.local(V128), body.local(V128)];
      body.while(
        () => body.get(offset).get(4).i32LtU(),
        () => {
          locals.forEach((local, i) => { body.get(i).get(offset).i32Add().v128Load().set(local); });
          body.get(3).get(offset).i32Add();
          write(math, locals[0], locals[1], locals[2]);
          body.v128Store().increment(offset, 16);
        },
      );
    });
  };
  for (const name of unaryNames) loop(name, (math, a) => math.apply(name, a));
  for (const name of binaryNames) loop(name, (math, a, b) => math.apply(name, a, b));
  loop("select", (math, a, b, c) => math.select(a, b, c));
  return module.finish();
}

type Run = (name: string, ...inputs: readonly Float32Array[]) => Float32Array;

function instantiate(code: Uint8Array<ArrayBuffer>): Run {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory, ...mathImports } });
  return (name, ...inputs) => {
    const { length } = inputs[0];
    const stride = Math.ceil(length / 4) * 16;
    const missing = 4 * stride - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    inputs.forEach((input, i) => { new Float32Array(memory.buffer, i * stride, length).set(input); });
    (exports[name] as (...args: number[]) => void)(0, stride, 2 * stride, 3 * stride, stride);
    return new Float32Array(memory.buffer, 3 * stride, length).slice();
  };
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

function bitsOf(value: number): number {
  scratch[0] = value;
  return scratchBits[0];
}

/** The distance of float32 numbers around a value: 2⁻¹⁴⁹ for denormals. */
function unit(value: number): number {
  const exponent = (bitsOf(value) >>> 23) & 0xff;
  return 2 ** (Math.min(Math.max(exponent, 1), 254) - 150);
}

/** Infinity counts as the number after the largest one. */
const finite = (value: number): number => Math.min(Math.max(value, -(2 ** 128)), 2 ** 128);

function error(computed: number, exact: number): number {
  if (Number.isNaN(exact) || Number.isNaN(computed)) return Number.isNaN(exact) && Number.isNaN(computed) ? 0 : Infinity;
  const rounded = Math.fround(exact);
  if (computed === rounded && !Number.isFinite(rounded)) return 0;
  // An infinity or a zero that is one by nature, not by rounding, must be met exactly.
  if (!Number.isFinite(exact) || exact === 0) return computed === exact ? 0 : Infinity;
  return Math.abs(finite(computed) - finite(exact)) / unit(exact);
}

/** Bit patterns at a regular distance over all of float32, and each one around points of interest. */
const samples = (() => {
  const bits: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += 4099) bits.push(pattern | 0);
  const interesting = [
    0, 2 ** -126, 2 ** -24, 2 ** -12, 0.22, 0.25, 0.3, Math.LN2 / 2, 0.625, Math.LN2, Math.SQRT1_2, 1, Math.SQRT2, 2,
    9.01, 10, 17.33, 20, 87.34, 88.02, 88.72, 89, 103.28, 103.97, 104, 2 ** 24, 2 ** 28, 2 ** 28 * Math.PI, 3.4e38, Infinity,
    // The float32 closest to a multiple of π/2, relatively (Muller, Elementary Functions).
    16367173 * 2 ** 72,
  ];
  for (let i = 1; i < 40; i++) interesting.push((i * Math.LN2) / 2 + Math.LN2, (i * Math.PI) / 4, 10 ** i * Math.PI);
  for (const point of interesting) {
    for (let i = -500; i < 500; i++) bits.push(bitsOf(point) + i, bitsOf(-point) + i);
  }
  return new Float32Array(Int32Array.from(bits).buffer);
})();

const specials = Float32Array.of(
  0, -0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, 1e-45, -1e-45, 1e-40, 2 ** -126, 1e-30, -1e-30, 0.99999994, 1.0000001,
  100, -100, 127, 128, -149, -150, 16777215, -16777215, 16777216, 1e10, 3.4028235e38, -3.4028235e38,
  Infinity, -Infinity, NaN, 7,
);

/** All pairs of special values and many pairs of the size at which powers neither overflow nor vanish. */
const pairs = (() => {
  const a: number[] = [];
  const b: number[] = [];
  for (const x of specials) {
    for (const y of specials) {
      a.push(x);
      b.push(y);
    }
  }
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes
    return state / 2 ** 32;
  };
  for (let i = 0; i < 200_000; i++) {
    const x = Math.fround(2 ** ((random() * 2 - 1) * 149 * random() ** 4));
    a.push(i % 100 === 0 ? -x : x);
    b.push(i % 3 === 0 ? Math.round(random() * 20 - 10) : ((random() * 2 - 1) * 155) / Math.abs(Math.log2(x) || 1));
  }
  return [Float32Array.from(a), Float32Array.from(b)];
})();

const known = new Map<UnaryName, Float64Array>();

/** The function of the samples, computed once for all modes. */
function exact(name: UnaryName): Float64Array {
  let values = known.get(name);
  if (values === undefined) {
    values = new Float64Array(samples.length);
    for (let i = 0; i < samples.length; i++) values[i] = evaluateUnary(name, samples[i]);
    known.set(name, values);
  }
  return values;
}

/** What goes wrong most: the largest error and where. */
function worst(computed: Float32Array, expected: ArrayLike<number>): { at: number; ulp: number } {
  let at = 0;
  let ulp = 0;
  for (let i = 0; i < computed.length; i++) {
    const e = error(computed[i], expected[i]);
    if (e > ulp) [at, ulp] = [i, e];
  }
  return { at, ulp };
}

for (const fused of [false, true]) {
  const code = assemble(fused);
  describe.runIf(!fused || WebAssembly.validate(code))(`vector math, ${fused ? "fused" : "plain"}`, () => {
    const run = WebAssembly.validate(code) ? instantiate(code) : () => new Float32Array();
    const one = (name: UnaryName, x: number): number => run(name, Float32Array.of(x))[0];

    it.each(unaryNames)("%s is accurate over all of float32", (name) => {
      const computed = run(name, samples);
      const { at, ulp } = worst(computed, exact(name));
      expect(ulp, `${name}(${samples[at]}) = ${computed[at]}`).toBeLessThanOrEqual(tolerances[name] ?? 0.5);
    });

    it.each(binaryNames)("%s is accurate, for special values too", (name) => {
      const [a, b] = pairs;
      const computed = run(name, a, b);
      const { at, ulp } = worst(computed, Float64Array.from(a, (x, i) => evaluateBinary(name, x, b[i])));
      expect(ulp, `${name}(${a[at]}, ${b[at]}) = ${computed[at]}`).toBeLessThanOrEqual(tolerances[name] ?? 0.5);
    });

    it("meets infinities, zeros and the denormals", () => {
      expect(one("exp", -Infinity)).toBe(0);
      expect(one("exp", 0)).toBe(1);
      expect(one("exp", 1000)).toBe(Infinity);
      expect(one("exp", -100)).toBe(Math.fround(Math.exp(-100)));
      expect(one("expm1", -Infinity)).toBe(-1);
      expect(one("log", 1)).toBe(0);
      expect(one("log", -0)).toBe(-Infinity);
      expect(one("log", -1)).toBeNaN();
      expect(one("log", 1e-40)).toBeCloseTo(Math.log(1e-40), 4);
      expect(one("log1p", -1)).toBe(-Infinity);
      expect(one("tanh", Infinity)).toBe(1);
      expect(one("tanh", -Infinity)).toBe(-1);
      expect(one("sigmoid", -Infinity)).toBe(0);
      expect(one("sigmoid", Infinity)).toBe(1);
      expect(one("sin", Infinity)).toBeNaN();
      expect(one("sin", 1e30)).toBe(Math.fround(Math.sin(Math.fround(1e30))));
    });

    it.each(["expm1", "log1p", "tanh", "sin", "sqrt", "floor"] as const)("%s keeps the sign of zero", (name) => {
      expect(one(name, -0)).toBe(-0);
      expect(one(name, 0)).toBe(0);
    });

    it.each(unaryNames)("%s propagates NaN and leaves the other lanes alone", (name) => {
      for (let lane = 0; lane < 4; lane++) {
        const inputs = Float32Array.of(0.5, 1.5, 1e20, -0.25);
        const expected = run(name, inputs);
        inputs[lane] = NaN;
        expected[lane] = NaN;
        expect(run(name, inputs)).toEqual(expected);
      }
    });

    it.each([...unaryNames, ...binaryNames])("%s gives for a lane what does not depend on the others", (name) => {
      const some = Float32Array.from({ length: 4000 }, (_, i) => 0.001 + i * 0.0037);
      const exponents = some.map((x) => Math.sin(x) * 3);
      const alone = (special: number) => {
        // Lanes 0 and 2 are looked at, 1 and 3 may be anything: what lies behind the end of an array.
        const [a, b] = [some, exponents].map((xs) => Float32Array.from({ length: 2 * xs.length }, (_, i) => (i % 2 === 0 ? xs[i / 2] : special)));
        return run(name, a, b).filter((_, i) => i % 2 === 0);
      };
      const expected = alone(0.5);
      for (const special of [1e30, -1e5, -3, NaN, Infinity, 0]) expect(alone(special)).toEqual(expected);
    });

    it("selects bits where the condition is not zero", () => {
      const conditions = Float32Array.of(0, -0, 1, NaN, 1e-45, -Infinity, 0, 1);
      const a = Float32Array.of(1, 2, 3, 4, 5, NaN, NaN, -0);
      const b = Float32Array.of(-1, -2, -3, -4, -5, -6, -0, NaN);
      expect(run("select", conditions, a, b)).toEqual(Float32Array.of(-1, -2, 3, 4, 5, NaN, -0, -0));
    });
  });
}
