/** Every operation on every device: the same values as the reference, whatever the shapes and wherever the arguments are. */

import { describe, expect, it } from "vitest";
import { evaluate, type Variable } from "../../src/index.ts";
import { operations } from "../../src/operations/registry.ts";
import { type Draw, Tensor } from "./draw.ts";
import { expectClose, fastDevices, forAll, functionOf, on, reference, tensorsIn, valuesOn, ways, withVariables } from "./harness.ts";
import { asInput, describeArguments, type Specification, specifications, ulpsOf } from "./specifications.ts";

/** What rounding is relative to, for each result. */
function magnitudes(specification: Specification, args: readonly unknown[], results: readonly { data: Float64Array }[]): ArrayLike<number>[] {
  const magnitude = specification.magnitude as ((...args: unknown[]) => Variable | Variable[]) | undefined;
  if (magnitude === undefined) return results.map(({ data }) => data);
  return valuesOn(reference, magnitude, args).map(({ data }) => data);
}

describe.each(fastDevices)("%s", (_, device) => {
  function compare(name: string, specification: Specification, draw: Draw): void {
    const f = functionOf(name, specification);
    const args = specification.draw(draw);
    const way = draw.pick(ways);
    const expected = valuesOn(reference, f, args, "input", specification.training);
    const found = valuesOn(device, f, args, way, specification.training);
    const about = `${name}(${describeArguments(args)}), from ${way},`;
    expect(found.map(({ shape }) => shape), about).toEqual(expected.map(({ shape }) => shape));
    const sizes = magnitudes(specification, args, expected);
    const asVariables = on(reference, () => withVariables(args, new Map(tensorsIn(args).map((tensor) => [tensor, asInput(tensor)]))));
    const ulps = ulpsOf(specification, asVariables);
    found.forEach(({ data }, i) => { expectClose(data, expected[i].data, ulps, (k) => sizes[i][k], about); });
  }

  describe.each(Object.entries(specifications))("%s", (name, specification) => {
    it("gives what the reference gives", () => forAll(60, 300, (draw) => compare(name, specification, draw)));
    it("does so for larger arrays", () => forAll(3, 5000, (draw) => compare(name, specification, draw)));
  });

  const specials = [0, -0, 1, -1, 0.5, -2.5, 3, 100, -100, 1e-30, -1e-40, 3e38, -3e38, Infinity, -Infinity, NaN].map(Math.fround);

  /** All combinations of special values, as one array for each operand. */
  function combinations(count: number): Tensor[] {
    const total = specials.length ** count;
    return Array.from({ length: count }, (_, k) =>
      new Tensor([total], Float64Array.from({ length: total }, (_, i) => specials[Math.floor(i / specials.length ** k) % specials.length])));
  }

  const elementwise = Object.entries(specifications).filter(([, { operands }]) => operands !== undefined);

  it.each(elementwise)("%s gives what the reference gives for infinities, NaN and extremes", (name, specification) => {
    const args = combinations(specification.operands as number);
    const f = functionOf(name, specification);
    const [{ data: expected }] = valuesOn(reference, f, args);
    const [{ data }] = valuesOn(device, f, args);
    expect(data.length).toBe(expected.length);
    data.forEach((found, i) => {
      const about = `${name}(${args.map(({ values }) => values[i]).join(", ")})`;
      expectClose([found], [expected[i]], ulpsOf(specification, args), undefined, about);
    });
  });
});

describe("NaN", () => {
  const elementwise = Object.entries(specifications).filter(([name, { operands }]) => operands !== undefined && operations.has(name));
  /** Where a NaN operand does not make the result NaN: what comes out instead. */
  const exceptions: Record<string, number[]> = {
    equal: [0, 0], less: [0, 0], lessEqual: [0, 0], greater: [0, 0], greaterEqual: [0, 0], notEqual: [1, 1],
    where: [1.5, NaN, 1.5], // NaN is not 0, so it chooses a
  };

  describe.each([["reference", reference], ...fastDevices] as const)("on %s", (_, device) => {
    it.each(elementwise)("goes through %s, in its own element only", (name, { f, operands = 1 }) => {
      const apply = functionOf(name, { f } as Specification);
      const plain = Array.from({ length: operands }, () => new Float64Array(7).fill(1.5));
      const at = (values: Float64Array[]): Float64Array => on(device, () =>
        Float64Array.from((evaluate(() => apply(...values.map((v) => asInput(new Tensor([7], v))))) as Variable).data));
      const undisturbed = at(plain);
      for (let k = 0; k < operands; k++) {
        for (let i = 0; i < 7; i++) {
          const disturbed = at(plain.map((values, j) => (j === k ? values.with(i, NaN) : values)));
          expect(disturbed).toEqual(undisturbed.with(i, exceptions[name]?.[k] ?? NaN));
        }
      }
    });
  });
});
