/** Every operation on every device gives what it means in plain numbers, whatever the shapes and wherever the arguments are. */

import { describe, expect, it } from "vitest";
import { evaluate, type Variable } from "../../src/index.ts";
import { operations } from "../../src/engine/operation.ts";
import { Tensor } from "./draw.ts";
import {
  devices, expectClose, fastDevices, forAll, functionOf, on, precisionOf, reference, tensorsIn, valuesOn, type Way, ways, withVariables,
} from "./harness.ts";
import { meanings } from "./meanings.ts";
import { combinations } from "./special.ts";
import { asInput, describeArguments, type Specification, specifications, ulpsOf } from "./specifications.ts";

/** What rounding is relative to, for each result: also where some arguments are not finite, what the finite ones make. */
function magnitudes(specification: Specification, args: readonly unknown[], results: readonly { values: Float64Array }[]): ArrayLike<number>[] {
  const magnitude = specification.magnitude as ((...args: unknown[]) => Variable | Variable[]) | undefined;
  if (magnitude === undefined) return results.map(({ values }) => values);
  const finite = (arg: unknown): unknown =>
    arg instanceof Tensor ? new Tensor(arg.shape, arg.values.map((x) => (Number.isFinite(x) ? x : 0)), arg.differentiable) : Array.isArray(arg) ? arg.map(finite) : arg;
  return valuesOn(reference, magnitude, args.map(finite)).map(({ data }) => data);
}

const elementwise = Object.entries(specifications).filter(([, { operands }]) => operands !== undefined);

const meaningOf = (name: string, args: readonly unknown[]): Tensor[] => [(meanings[name] as (...args: unknown[]) => Tensor | Tensor[])(...args)].flat();

describe.each(devices)("%s", (_, device) => {
  const precision = precisionOf(device);

  /** The value on the device against the meaning in plain numbers. */
  function compare(name: string, specification: Specification, args: readonly unknown[], way: Way): void {
    const expected = meaningOf(name, args);
    const found = valuesOn(device, functionOf(name, specification), args, way, specification.training);
    const about = `${name}(${describeArguments(args)}), from ${way},`;
    expect(found.map(({ shape }) => shape), about).toEqual(expected.map(({ shape }) => shape));
    const sizes = magnitudes(specification, args, expected);
    const asVariables = on(reference, () => withVariables(args, new Map(tensorsIn(args).map((tensor) => [tensor, asInput(tensor)]))));
    const given = ulpsOf(specification, asVariables);
    // The meaning is computed in float64 too: where the device has that, the roundings of both count.
    const ulps = device === reference && given > 0 ? 2 * given + 4 : given;
    found.forEach(({ data }, i) => { expectClose(data, expected[i].values, ulps, (k) => sizes[i][k], about, precision); });
  }

  describe.each(Object.entries(specifications))("%s", (name, specification) => {
    it("gives what it means", () => forAll(60, 300, (draw) => compare(name, specification, specification.draw(draw), draw.pick(ways))));
    it("does so for larger arrays", () => forAll(3, 5000, (draw) => compare(name, specification, specification.draw(draw), draw.pick(ways))));
  });

  const others = Object.entries(specifications).filter(([name, { operands }]) => operands === undefined && name !== "uniform" && name !== "oneHot");

  it.each(others)("%s gives what it means for infinities, NaN, zeros and ties", (name, specification) => {
    const some = [0, -0, Infinity, -Infinity, NaN, 1, 1];
    forAll(40, 60, (draw) => {
      const args = specification.draw(draw);
      const x = tensorsIn(args).find(({ differentiable }) => differentiable);
      if (x === undefined) return;
      // One kind of them, or several together.
      const kinds = draw.oneIn(3) ? some : [draw.pick(some), draw.pick(some)];
      for (let i = 0; i < x.values.length; i++) if (draw.random.uniform() < 0.3) x.values[i] = kinds[draw.random.integer(0, kinds.length)];
      compare(name, specification, args, "input");
    });
  });

  it.each(elementwise)("%s gives what it means for infinities, NaN and extremes", (name, specification) => {
    const args = combinations(specification.operands as number);
    const [expected] = meaningOf(name, args);
    const [{ data }] = valuesOn(device, functionOf(name, specification), args);
    expect(data.length).toBe(expected.values.length);
    const given = ulpsOf(specification, args);
    data.forEach((found, i) => {
      const about = `${name}(${args.map(({ values }) => values[i]).join(", ")})`;
      expectClose([found], [expected.values[i]], device === reference && given > 0 ? 2 * given + 4 : given, undefined, about, precision);
    });
  });
});

describe("NaN", () => {
  const registered = elementwise.filter(([name]) => operations.has(name));
  /** Where a NaN operand does not make the result NaN: what comes out instead. */
  const exceptions: Record<string, number[]> = {
    equal: [0, 0], less: [0, 0], lessEqual: [0, 0], greater: [0, 0], greaterEqual: [0, 0], notEqual: [1, 1],
    where: [1.5, NaN, 1.5], // NaN is not 0, so it chooses a
  };

  describe.each([["reference", reference], ...fastDevices] as const)("on %s", (_, device) => {
    it.each(registered)("goes through %s, in its own element only", (name, { f, operands = 1 }) => {
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
