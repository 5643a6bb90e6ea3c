import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { emitExpressions } from "../../../src/devices/webgpu/emit-expression.ts";
import { call, functionsFor } from "../../../src/devices/webgpu/functions.ts";
import { argument, constant, type Expr, evaluateBinary, interpret } from "../../../src/kernels/expression.ts";
import { binaryNames, exact, pairs, samples, unaryNames, worst } from "../accuracy.ts";
import { type Gpu, gpu, runEach } from "./adapter.ts";

// A million numbers are little for a GPU, but not for a processor that stands for one.
vi.setConfig({ testTimeout: 60_000 });

/** Results below these may be flushed to 0, and so may arguments: then they are no test of anything. */
const isNormal = (x: number): boolean => !(Math.abs(x) < 2 ** -126) || x === 0;

/** Without those that an adapter may flush. */
function normal(computed: Float32Array, expected: ArrayLike<number>, inputs: readonly Float32Array[]): [Float32Array, number[], number[]] {
  const isKept = (i: number): boolean => inputs.every((x) => isNormal(x[i])) && (expected[i] === 0 || !(Math.abs(expected[i]) < 2 ** -125));
  const kept = [...computed.keys()].filter(isKept);
  return [Float32Array.from(kept, (i) => computed[i]), kept.map((i) => expected[i]), kept];
}

describe.runIf(gpu !== null)(`functions in WGSL on ${gpu?.name}`, () => {
  const run = (text: string, results: string[], ...inputs: readonly Float32Array<ArrayBuffer>[]) => runEach(gpu as Gpu, functionsFor, text, results, inputs);

  it.each(unaryNames)("%s is accurate over all of float32", async (name) => {
    const [found] = await run("", [call(name, "a[i]")], samples);
    const [computed, expected, at] = normal(found, exact(name), [samples]);
    const most = worst(computed, expected);
    expect(most.ulp, `${name}(${samples[at[most.at]]}) = ${computed[most.at]}`).toBeLessThanOrEqual(4);
    // A subnormal result is one that has been flushed, or nearly right.
    found.forEach((y, i) => { if (Math.abs(exact(name)[i]) < 2 ** -125 && isNormal(samples[i])) expect(Math.abs(y)).toBeLessThanOrEqual(2 ** -124.9); });
  });

  it.each(binaryNames)("%s is accurate, for special values too", async (name) => {
    const [a, b] = pairs;
    const [found] = await run("", [call(name, "a[i]", "b[i]")], a, b);
    const [computed, expected, at] = normal(found, Float64Array.from(a, (x, i) => evaluateBinary(name, x, b[i])), pairs);
    const most = worst(computed, expected);
    expect(most.ulp, `${name}(${a[at[most.at]]}, ${b[at[most.at]]}) = ${computed[most.at]}`).toBeLessThanOrEqual(4);
  });

  it("choose by conditions, whatever is not chosen", async () => {
    const conditions = Float32Array.of(0, -0, 1, NaN, Infinity, -2);
    const [found] = await run("", [call("select", "a[i]", "1.0", "number(0x7fc00000u)")], conditions);
    expect([...found]).toEqual([NaN, NaN, 1, 1, 1, 1]);
  });

  it("give logarithms of subnormal numbers, where an adapter loads these", async () => {
    const [found] = await run("", [call("log", "a[i]"), call("sqrt", "a[i]")], Float32Array.of(1e-40, 1e-45));
    expect(found[0] / Math.log(Math.fround(1e-40))).toBeCloseTo(1, 6);
    expect(found[1] / Math.log(Math.fround(1e-45))).toBeCloseTo(1, 6);
  });

  // What a fused kernel computes is what launches one by one give: to the bit.
  it("give in one kernel the bits that they give one by one", async () => {
    const x = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i) * 3);
    const y = Float32Array.from({ length: 500 }, (_, i) => Math.cos(3 * i) * 2);
    const shape = fc.array(fc.tuple(fc.nat(20), fc.nat(), fc.nat()), { minLength: 2, maxLength: 12 });
    for (const drawn of fc.sample(shape, { numRuns: 25, seed: 5 })) {
      const made: Expr[] = [argument(0), argument(1), constant(0.3)];
      for (const [code, p, q] of drawn) {
        const [a, b] = [made[p % made.length], made[q % made.length]];
        const unary = ["tanh", "sigmoid", "sin", "exp", "log1p", "neg", "relu", "abs"] as const;
        const binary = ["add", "mul", "sub", "div", "maximum", "add", "mul", "sub"] as const;
        made.push(code < 8 ? a[unary[code]]() : code < 16 ? a[binary[code - 8]](b) : a.mul(b).add(made[(p + q) % made.length]));
      }
      const root = made[made.length - 1];
      const given = (e: Expr): string | undefined => (e.kind === "argument" ? `${"ab"[e.value]}[i]` : undefined);
      const together = emitExpressions([root], given);
      const [fused] = await run(together.text, together.values, x, y);

      const values = new Map<Expr, Float32Array<ArrayBuffer>>([[argument(0), x], [argument(1), y]]);
      const one = async (e: Expr): Promise<Float32Array<ArrayBuffer>> => {
        const known = values.get(e);
        if (known !== undefined) return known;
        if (e.isConstant) return new Float32Array(x.length).fill(e.value);
        const inputs: Float32Array<ArrayBuffer>[] = [];
        for (const part of e.inputs) inputs.push(await one(part));
        const [result] = await run("", [call(e.kind as "add", ...inputs.map((_, k) => `${"abc"[k]}[i]`))], ...inputs);
        values.set(e, result.slice());
        return result.slice();
      };
      const apart = await one(root);
      expect([...new Uint32Array(fused.slice().buffer)], String(root)).toEqual([...new Uint32Array(apart.slice().buffer)]);

      // And it is what the expression means, where that is well conditioned.
      const results = new Float64Array(1);
      let at = 0;
      const meaning = interpret([root], (k) => (k === 0 ? x : y)[at], () => 0);
      for (at = 0; at < x.length; at++) {
        meaning(results);
        const isPlain = Math.abs(results[0]) < 1e3 && !String(root).includes("div");
        if (isPlain) expect(Math.abs(fused[at] - results[0])).toBeLessThan(1e-2 * (1 + Math.abs(results[0])));
      }
    }
  }, 60_000);
});

it("are in a module only where they are called, each once", () => {
  expect(functionsFor("reluOf(x)")).toMatch(/^fn reluOf[^\n]*$/);
  expect(functionsFor("tanhOf(x) + expOf(y)").match(/fn reduce\(/g)).toHaveLength(1);
  expect(functionsFor("max(x, y)")).toBe("");
});
