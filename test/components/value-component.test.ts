import { describe, expect, it } from "vitest";
import { ValueComponent } from "../../src/components/index.ts";
import { input, ShapeError, ValueError } from "../../src/index.ts";
import { expectGradients, expectValue } from "./plain.ts";

describe("ValueComponent", () => {
  it("holds a parameter", () => {
    const θ = new ValueComponent({ value: [2, 3] });
    expectValue(() => θ.value.mul(input([5, 7])), [10, 21]);
    expect(new ValueComponent({ value: [[1, 2], [3, 4]] }).value.toArray()).toEqual([[1, 2], [3, 4]]);
    expect(new ValueComponent({ value: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }).value.shape).toEqual([2, 2]);
    expect(new ValueComponent({ value: input(3) }).value.item()).toBe(3);
    expect(new ValueComponent({ shape: [2] }).value.toArray()).toEqual([0, 0]);
    expect(new ValueComponent({ shape: [2, 0] }).value.size).toBe(0);
    expect([...new ValueComponent({ shape: [] }).namedParameters().keys()]).toEqual(["value"]);
  });

  it("has right gradients", () => {
    const θ = new ValueComponent({ value: [1, 2, 3] });
    expectGradients(() => θ.value.mul(θ.value).sum(), θ);
  });

  it("refuses what does not fit", () => {
    expect(() => new ValueComponent({})).toThrow(new ValueError("ValueComponent takes { value } or { shape }, but got neither."));
    expect(() => new ValueComponent({ shape: [2, -1] })).toThrow("ValueComponent takes an integer of at least 0 as shape[1], but got -1.");
    expect(() => new ValueComponent({ shape: 3 as never })).toThrow(ValueError);
    expect(() => new ValueComponent({ value: [1, 2], shape: [3] })).toThrow(ShapeError);
  });
});
