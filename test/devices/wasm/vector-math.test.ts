import { describe, expect, it } from "vitest";
import { I32, ModuleBuilder, V128 } from "../../../src/devices/wasm/assembler.ts";
import { importMath, mathImports, VectorMath } from "../../../src/devices/wasm/vector-math.ts";
import { type BinaryName, evaluateBinary, type UnaryName } from "../../../src/kernels/expression.ts";
import { binaryNames, exact, pairs, samples, unaryNames, worst } from "../accuracy.ts";

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
  return module.complete();
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
