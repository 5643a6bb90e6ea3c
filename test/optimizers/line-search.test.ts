import { describe, expect, it } from "vitest";
import { cubicMinimum, type Point, strongWolfe } from "../../src/optimizers/line-search.ts";
import { atOnce, type Search } from "../../src/optimizers/search.ts";

const { exp, log, sin, cos } = Math;

/** A function and its derivative. */
const functions: Record<string, readonly [(t: number) => number, (t: number) => number]> = {
  quadratic: [(t) => (t - 3) ** 2, (t) => 2 * (t - 3)],
  quartic: [(t) => (t - 1) ** 4 - t, (t) => 4 * (t - 1) ** 3 - 1],
  steep: [(t) => exp(2 * t) - 50 * t, (t) => 2 * exp(2 * t) - 50],
  valley: [(t) => -t / (t * t + 2), (t) => (t * t - 2) / (t * t + 2) ** 2],
  log: [(t) => log(1 + exp(t - 8)) - 0.01 * t, (t) => 1 / (1 + exp(8 - t)) - 0.01],
  ripples: [(t) => (t - 2) ** 2 + 0.1 * cos(20 * t), (t) => 2 * (t - 2) - 2 * sin(20 * t)],
};

/** Where torch.optim.lbfgs._strong_wolfe of PyTorch 1.13 ends in float64, and after how many evaluations. */
const torch: [name: string, first: number, at: number, evaluations: number][] = [
  ["quadratic", 1, 1, 1], ["quadratic", 0.01, 1, 3], ["quadratic", 20, 3, 2],
  ["quartic", 1, 1, 1], ["quartic", 0.01, 0.05505, 2], ["quartic", 20, 1.550044266537427, 4],
  ["steep", 1, 1, 1], ["steep", 0.01, 1, 3], ["steep", 20, 1.6809239221768537, 6],
  ["valley", 1, 1, 1], ["valley", 0.01, 0.8230493060851678, 3], ["valley", 20, 20, 1],
  ["log", 1, 3.3912564597511548, 3], ["log", 0.01, 3.3719296396535015, 5], ["log", 20, 2.109072049792978, 3],
  ["ripples", 1, 2.199126816157143, 3], ["ripples", 0.01, 0.20897599660189056, 3], ["ripples", 20, 2.1559931457834054, 2],
];

/** Searches along a function, and counts. */
function searched(f: (t: number) => number, slope: (t: number) => number, first: number): { found: Point; asked: number[] } {
  const asked: number[] = [];
  const look = function* (at: number): Search<Point> {
    asked.push(at);
    yield at;
    return { at, value: f(at), slope: slope(at) };
  };
  return { found: atOnce(strongWolfe(look, { at: 0, value: f(0), slope: slope(0) }, first, 1e-9)), asked };
}

describe("a line search", () => {
  it.each(torch)("ends where PyTorch's does: %s from %d", (name, first, at, evaluations) => {
    const [f, slope] = functions[name];
    const { found, asked } = searched(f, slope, first);
    expect(found.at).toBeCloseTo(at, 10);
    expect(asked).toHaveLength(evaluations);
    // The strong Wolfe conditions, for c₁ = 10⁻⁴ and c₂ = 0.9
    expect(found.value).toBeLessThanOrEqual(f(0) + 1e-4 * found.at * slope(0));
    expect(Math.abs(found.slope)).toBeLessThanOrEqual(0.9 * Math.abs(slope(0)));
  });

  it("comes back from where the function is infinite", () => {
    const { found } = searched((t) => (t < 5 ? (t - 3) ** 2 : Infinity), (t) => (t < 5 ? 2 * (t - 3) : NaN), 1000);
    expect(found.value).toBeLessThan(9);
  });

  it("gives the start where nothing is better", () => {
    const { found, asked } = searched((t) => (t === 0 ? 0 : 1), () => -1, 1);
    expect(found.at).toBe(0);
    expect(asked.length).toBeLessThanOrEqual(25);
  });

  it("ends where a function falls without end", () => {
    const { found, asked } = searched((t) => -t, () => -1, 1);
    expect(asked).toHaveLength(25);
    expect(found.at).toBe(asked[24]);
  });
});

it("the least of a cubic is found, within bounds", () => {
  const cubic = (at: number): Point => ({ at, value: at ** 3 - 3 * at, slope: 3 * at * at - 3 });
  expect(cubicMinimum(cubic(0), cubic(2.5), 0, 2.5)).toBeCloseTo(1, 12);
  expect(cubicMinimum(cubic(0), cubic(2.5), 1.5, 2.5)).toBe(1.5);
  const falling = (at: number): Point => ({ at, value: -at * at * at - at, slope: -3 * at * at - 1 });
  expect(cubicMinimum(falling(-1), falling(1), -1, 1)).toBe(0);
});
