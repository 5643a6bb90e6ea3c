/**
 * Every operation, differentiated: against finite differences in random directions, to second order, and on every device.
 *
 * In float64 a central difference is exact to some 10⁻⁹ here; 10⁻⁶ is what is asked. A float32 gradient sums at most as many
 * products as there are results, so its error is within that many units in the last place of the largest entry, and
 * a few dozen for the functions within.
 */

import { describe, expect, it } from "vitest";
import { gradients, sum, type Variable } from "../../src/index.ts";
import type { Draw, Tensor } from "./draw.ts";
import {
  centralDifference, combinedAt, type Differentiable, devices, expectClose, expectGradientClose, fastDevices, forAll, functionOf, gradientsAt, innerProduct, on, origin, precisionOf,
  reference, secondGradientsAt, tensorsIn, totalSize, valuesOn,
} from "./harness.ts";
import { slopes } from "./slopes.ts";
import { combinations } from "./special.ts";
import { asInput, describeArguments, type Specification, specifications } from "./specifications.ts";

const SIZE = 48;

/** A draw with the tensors to differentiate by, and random cotangents. */
function drawn(name: string, specification: Specification, draw: Draw): Differentiable & { about: string } {
  const args = (specification.smooth ?? specification.draw)(draw);
  const f = functionOf(name, specification);
  const results = valuesOn(reference, f, args, "input", specification.training);
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

const entries = Object.entries(specifications);
const smooth = entries.filter(([, { smooth }]) => smooth !== null);
const derivable = smooth.filter(([, { gradientIsOther }]) => !gradientIsOther);
const constant = entries.filter(([, { smooth }]) => smooth === null);

describe("on the reference device", () => {
  it.each(derivable)("%s has the gradient that finite differences see", (name, specification) => {
    forAll(25, SIZE, (draw) => {
      const { about, ...d } = drawn(name, specification, draw);
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

  it.each(derivable)("%s has the second derivatives that differences of gradients see", (name, specification) => {
    forAll(15, SIZE, (draw) => {
      const { about, ...d } = drawn(name, specification, draw);
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
});

describe.each([["reference", reference], ...fastDevices] as const)("on %s", (_, device) => {
  it.each(constant)("%s passes no gradient", (name, specification) => {
    forAll(5, SIZE, (draw) => {
      const { about, ...d } = drawn(name, specification, draw);
      for (const gradient of on(device, () => gradientsAt(d, origin(d)))) expect(gradient.every((value) => value === 0), about).toBe(true);
    });
  });
});

describe.each(fastDevices)("on %s", (_, device) => {
  it.each(smooth)("%s has the gradients of the reference", (name, specification) => {
    forAll(25, 3 * SIZE, (draw) => {
      const { about, ...d } = drawn(name, specification, draw);
      const expected = on(reference, () => gradientsAt(d, origin(d)));
      const found = on(device, () => gradientsAt(d, origin(d)));
      found.forEach((gradient, k) => { expectGradientClose(gradient, expected[k], 32 + totalSize(d.cotangents), `${about} by argument ${k}`); });
    });
  });

  it.each(derivable)("%s has the second derivatives of the reference", (name, specification) => {
    forAll(12, SIZE, (draw) => {
      const { about, ...d } = drawn(name, specification, draw);
      const along = directions(draw, d.by);
      const expected = on(reference, () => secondGradientsAt(d, origin(d), along));
      const found = on(device, () => secondGradientsAt(d, origin(d), along));
      const ulps = 64 + 2 * totalSize([...d.by, ...d.cotangents]);
      found.forEach((gradient, k) => { expectGradientClose(gradient, expected[k], ulps, `${about} by argument ${k}`); });
    });
  });
});

describe.each(devices)("on %s", (_, device) => {
  const precision = precisionOf(device);
  const elementwise = entries.filter(([name, { operands }]) => operands !== undefined && name !== "dropout");

  it.each(elementwise)("%s has its slopes at infinities, NaN, ties, kinks and extremes", (name, specification) => {
    const args = combinations(specification.operands as number);
    const f = functionOf(name, specification);
    const found = on(device, () => {
      const x = args.map(asInput);
      return gradients(() => sum(f(...x) as Variable), x).map(({ data }) => data);
    });
    expect(slopes[name], `${name} needs an entry in slopes.ts`).toHaveLength(args.length);
    found.forEach((gradient, k) => {
      gradient.forEach((slope, i) => {
        const at = args.map(({ values }) => values[i]);
        const expected = slopes[name][k](...at);
        // A few roundings, of numbers that may be as large as 1 and cancel.
        expectClose([slope], [expected], 32, () => Math.max(1, Math.abs(expected)), `${name}(${at.join(", ")}) by operand ${k}`, precision);
      });
    });
  });
});
