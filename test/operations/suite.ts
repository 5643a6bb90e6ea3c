/**
 * All that is tested of every operation: its values, gradients, second derivatives and special values on every device, its method and its refusals. A test
 * file gives the entries of its operations.
 *
 * In float64 a central difference is exact to some 10⁻⁹ here; 10⁻⁶ is what is asked. A float32 gradient sums at most as many
 * products as there are results, so its error is within that many units in the last place of the largest entry, and
 * a few dozen for the functions within.
 */

import { describe, expect, it, vi } from "vitest";
import type { Device } from "../../src/devices/device.ts";
import { ReferenceDevice } from "../../src/devices/reference/reference.ts";
import { type Operation, operations } from "../../src/engine/operation.ts";
import * as flimsy from "../../src/index.ts";
import { evaluate, FlimsyError, gradients, sum, Variable } from "../../src/index.ts";
import { type Draw, Tensor } from "./draw.ts";
import { asInput, describeArguments, type Entry, type Slope, ulpsOf } from "./entry.ts";
import {
  centralDifference, combinedAt, type Differentiable, devices, expectClose, expectGradientClose, fastDevices, forAll, functionOf, gradientsAt,
  innerProduct, on, origin, precisionOf, reference, secondGradientsAt, tensorsIn, totalSize, valuesOn, type Way, ways, withVariables,
} from "./harness.ts";
import { combinations } from "./special.ts";

type Named = readonly [name: string, entry: Entry];

export function testOperations(entries: Readonly<Record<string, Entry>>): void {
  describe.each<[string, Entry]>(Object.entries(entries))("%s", (name, entry) => {
    const named: Named = [name, entry];
    describe.each(devices)("on %s", (_, device) => {
      testValues(named, device);
      if (entry.slopes !== undefined) testExtremes(named, entry.slopes, device);
      else testSpecialValues(named, device);
      if (entry.smooth === null) testNoGradient(named, device);
    });
    if (entry.smooth !== null) testGradients(named);
    if (operations.has(name)) testUse(named);
    if (Object.hasOwn(flimsy, name) && name !== "dropout") testMisuse(named);
    if (Object.hasOwn(Variable.prototype, name)) testMethod(named);
  });
}

// -- values -------------------------------------------------------------------------------------------

/** What rounding is relative to, for each result: also where some arguments are not finite, what the finite ones make. */
function magnitudes(entry: Entry, args: readonly unknown[], results: readonly { values: Float64Array }[]): ArrayLike<number>[] {
  const magnitude = entry.magnitude as ((...args: unknown[]) => Variable | Variable[]) | undefined;
  if (magnitude === undefined) return results.map(({ values }) => values);
  const finite = (arg: unknown): unknown => {
    if (arg instanceof Tensor) return new Tensor(arg.shape, arg.values.map((x) => (Number.isFinite(x) ? x : 0)), arg.differentiable);
    return Array.isArray(arg) ? arg.map(finite) : arg;
  };
  return valuesOn(reference, magnitude, args.map(finite)).map(({ data }) => data);
}

const meaningOf = (entry: Entry, args: readonly unknown[]): Tensor[] => [(entry.meaning as (...args: unknown[]) => Tensor | Tensor[])(...args)].flat();

/** The meaning is computed in float64 too: where the device has that, the roundings of both count. */
const allowedOn = (device: Device, ulps: number): number => (device === reference && ulps > 0 ? 2 * ulps + 4 : ulps);

const asVariables = (args: readonly unknown[]): unknown[] => withVariables(args, new Map(tensorsIn(args).map((tensor) => [tensor, asInput(tensor)])));

/** The value on the device against the meaning in plain numbers. */
function compare([name, entry]: Named, device: Device, args: readonly unknown[], way: Way): void {
  const expected = meaningOf(entry, args);
  const found = valuesOn(device, functionOf(name, entry), args, way, entry.training);
  const about = `${name}(${describeArguments(args)}), from ${way},`;
  expect(found.map(({ shape }) => shape), about).toEqual(expected.map(({ shape }) => shape));
  const sizes = magnitudes(entry, args, expected);
  const ulps = allowedOn(device, ulpsOf(entry, on(reference, () => asVariables(args))));
  found.forEach(({ data }, i) => { expectClose(data, expected[i].values, ulps, (k) => sizes[i][k], about, precisionOf(device)); });
}

function testValues(named: Named, device: Device): void {
  const [, entry] = named;
  it("gives what it means", () => forAll(60, 300, (draw) => compare(named, device, entry.draw(draw), draw.pick(ways))));
  it("does so for larger arrays", () => forAll(3, 5000, (draw) => compare(named, device, entry.draw(draw), draw.pick(ways))));
}

function testSpecialValues(named: Named, device: Device): void {
  it("gives what it means for infinities, NaN, zeros and ties", () => {
    const some = [0, -0, Infinity, -Infinity, NaN, 1, 1];
    forAll(40, 60, (draw) => {
      const args = named[1].draw(draw);
      const x = tensorsIn(args).find(({ differentiable }) => differentiable);
      if (x === undefined) return;
      // One kind of them, or several together.
      const kinds = draw.oneIn(3) ? some : [draw.pick(some), draw.pick(some)];
      for (let i = 0; i < x.values.length; i++) if (draw.random.uniform() < 0.3) x.values[i] = kinds[draw.random.integer(0, kinds.length)];
      compare(named, device, args, "input");
    });
  });
}

/** Of an expression. */
function testExtremes([name, entry]: Named, slopes: readonly Slope[], device: Device): void {
  const precision = precisionOf(device);
  const f = functionOf(name, entry);
  const args = combinations(slopes.length);

  it("gives what it means for infinities, NaN and extremes", () => {
    const [expected] = meaningOf(entry, args);
    const [{ data }] = valuesOn(device, f, args);
    expect(data.length).toBe(expected.values.length);
    const ulps = allowedOn(device, ulpsOf(entry, args));
    data.forEach((found, i) => {
      const about = `${name}(${args.map(({ values }) => values[i]).join(", ")})`;
      expectClose([found], [expected.values[i]], ulps, undefined, about, precision);
    });
  });

  it("has its slopes at infinities, NaN, ties, kinks and extremes", () => {
    const found = on(device, () => {
      const x = args.map(asInput);
      return gradients(() => sum(f(...x) as Variable), x).map(({ data }) => data);
    });
    found.forEach((gradient, k) => {
      gradient.forEach((slope, i) => {
        const at = args.map(({ values }) => values[i]);
        const expected = slopes[k](...at);
        // A few roundings, of numbers that may be as large as 1 and cancel.
        expectClose([slope], [expected], 32, () => Math.max(1, Math.abs(expected)), `${name}(${at.join(", ")}) by operand ${k}`, precision);
      });
    });
  });

  it("lets NaN through, in its own element only", () => {
    const plain = slopes.map(() => new Float64Array(7).fill(1.5));
    const at = (values: Float64Array[]): Float64Array => on(device, () =>
      Float64Array.from((evaluate(() => f(...values.map((v) => asInput(new Tensor([7], v))))) as Variable).data));
    const undisturbed = at(plain);
    slopes.forEach((_, k) => {
      for (let i = 0; i < 7; i++) {
        const disturbed = at(plain.map((values, j) => (j === k ? values.with(i, NaN) : values)));
        expect(disturbed).toEqual(undisturbed.with(i, entry.nan?.[k] ?? NaN));
      }
    });
  });
}

// -- gradients ----------------------------------------------------------------------------------------

const SIZE = 48;

/** A draw with the tensors to differentiate by, and random cotangents. */
function drawn([name, entry]: Named, draw: Draw): Differentiable & { about: string } {
  const args = (entry.smooth ?? entry.draw)(draw);
  const f = functionOf(name, entry);
  const results = valuesOn(reference, f, args, "input", entry.training);
  return {
    f,
    args,
    by: tensorsIn(args).filter((tensor) => tensor.differentiable),
    cotangents: results.map(({ shape }) => draw.tensor(shape, (random) => random.uniform(-1, 1))),
    about: `${name}(${describeArguments(args)})`,
  };
}

const directions = (draw: Draw, tensors: readonly Tensor[]): Float64Array[] =>
  tensors.map((tensor) => draw.tensor(tensor.shape, (random) => random.uniform(-1, 1)).values);

const zerosLike = (tensors: readonly Tensor[]): Float64Array[] => tensors.map((tensor) => new Float64Array(tensor.values.length));

function expectDerivative(found: number, expected: number, about: string): void {
  expect(Math.abs(found - expected) / Math.max(1, Math.abs(expected)), `${about}: ${found}, but finite differences give ${expected}`).toBeLessThan(1e-6);
}

function testNoGradient(named: Named, device: Device): void {
  it("passes no gradient", () => {
    forAll(5, SIZE, (draw) => {
      const { about, ...d } = drawn(named, draw);
      for (const gradient of on(device, () => gradientsAt(d, origin(d)))) expect(gradient.every((value) => value === 0), about).toBe(true);
    });
  });
}

function testGradients(named: Named): void {
  const isDerivative = !named[1].gradientIsOther;
  if (isDerivative) testFiniteDifferences(named);

  describe.each(fastDevices)("on %s", (_, device) => {
    it("has the gradients of the reference", () => {
      forAll(25, 3 * SIZE, (draw) => {
        const { about, ...d } = drawn(named, draw);
        const expected = on(reference, () => gradientsAt(d, origin(d)));
        const found = on(device, () => gradientsAt(d, origin(d)));
        found.forEach((gradient, k) => { expectGradientClose(gradient, expected[k], 32 + totalSize(d.cotangents), `${about} by argument ${k}`); });
      });
    });

    if (isDerivative) it("has the second derivatives of the reference", () => {
      forAll(12, SIZE, (draw) => {
        const { about, ...d } = drawn(named, draw);
        const along = directions(draw, d.by);
        const expected = on(reference, () => secondGradientsAt(d, origin(d), along));
        const found = on(device, () => secondGradientsAt(d, origin(d), along));
        const ulps = 64 + 2 * totalSize([...d.by, ...d.cotangents]);
        found.forEach((gradient, k) => { expectGradientClose(gradient, expected[k], ulps, `${about} by argument ${k}`); });
      });
    });
  });
}

function testFiniteDifferences(named: Named): void {
  it("has the gradient that finite differences see", () => {
    forAll(25, SIZE, (draw) => {
      const { about, ...d } = drawn(named, draw);
      on(reference, () => {
        const point = origin(d);
        const found = gradientsAt(d, point);
        // Along each argument by itself, so that errors cannot hide behind one another.
        const along = directions(draw, [...d.by, ...d.cotangents]);
        d.by.forEach((_, k) => {
          const direction = zerosLike([...d.by, ...d.cotangents]).with(k, along[k]);
          const expected = centralDifference((at) => combinedAt(d, at), point, direction);
          expectDerivative(innerProduct(found, direction), expected, `${about} by argument ${k}`);
        });
      });
    });
  });

  it("has the second derivatives that differences of gradients see", () => {
    forAll(15, SIZE, (draw) => {
      const { about, ...d } = drawn(named, draw);
      on(reference, () => {
        const point = origin(d);
        const along = directions(draw, d.by);
        const found = secondGradientsAt(d, point, along);
        const direction = directions(draw, [...d.by, ...d.cotangents]);
        const expected = centralDifference((at) => innerProduct(gradientsAt(d, at), along), point, direction);
        expectDerivative(innerProduct(found, direction), expected, about);
      });
    });
  });
}

// -- use ----------------------------------------------------------------------------------------------

function testUse([name, entry]: Named): void {
  it("is what its entry applies", () => {
    const lower = vi.spyOn(operations.get(name) as Operation, "lower");
    try {
      const device = new ReferenceDevice(); // which has no plans yet
      forAll(20, 64, (draw) => { valuesOn(device, functionOf(name, entry), entry.draw(draw), "input", entry.training); });
      expect(lower, `Drawing for "${name}" never applied the operation of that name.`).toHaveBeenCalled();
    } finally {
      lower.mockRestore();
    }
  });
}

function testMethod([name, entry]: Named): void {
  it("is a method, which does what the function does", () => {
    forAll(8, 24, (draw) => {
      const args = entry.draw(draw);
      if (!(args[0] instanceof Tensor)) return; // a number has no methods
      on(reference, () => {
        const variables = asVariables(args);
        const [first, ...rest] = variables as [Record<string, (...x: unknown[]) => Variable | Variable[]>, ...unknown[]];
        // The entry of dropout has the seed of its generator; outside of training it is the identity.
        if (name === "dropout") rest[1] = new flimsy.Random(rest[1] as number);
        const both = [first[name](...rest), functionOf(name, entry)(...variables)];
        const [byMethod, byFunction] = both.map((result) => [result].flat().map((v) => [v.shape, v.data]));
        expect(byMethod).toEqual(byFunction);
      });
    });
  });
}

const nonsense: readonly unknown[] = [
  undefined, null, "x", "", true, NaN, Infinity, -1, 1.5, {}, [], [1, 2], [[1], [2, 3]], [undefined], ["1"], () => 1, Symbol("s"), 10n,
  { shape: [2] }, { length: 1 }, new Float32Array(2), new Map(), Promise.resolve(1),
];

const flatten = (result: unknown): unknown => [result].flat().map((variable) => (variable as Variable).toArray());

/** Arguments that make no sense are refused with an error of Flimsy's own, and the next use works. */
function testMisuse([name, entry]: Named): void {
  it("refuses what it cannot work with", () => {
    const f = (flimsy as unknown as Record<string, (...args: unknown[]) => unknown>)[name];
    forAll(3, 24, (draw) => {
      const args = entry.draw(draw);
      on(reference, () => {
        const before = flatten(f(...asVariables(args)));
        for (let k = 0; k < args.length; k++) {
          for (const wrong of nonsense) {
            let result: unknown;
            try {
              result = f(...asVariables(args).with(k, wrong));
            } catch (error) {
              if (error instanceof FlimsyError) continue;
              const shown = typeof wrong === "object" ? JSON.stringify(wrong) : String(wrong);
              throw new Error(`${name} with ${shown} as argument ${k} of ${args.length}`, { cause: error });
            }
            // It made sense after all: then it is a result like any other.
            for (const variable of [result].flat()) {
              expect(variable).toBeInstanceOf(Variable);
              (variable as Variable).toArray();
            }
          }
        }
        expect(flatten(f(...asVariables(args)))).toEqual(before);
      });
    });
  });
}
