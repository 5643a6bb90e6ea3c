/** What each cost means: a small case in closed form, on every device, with special values. One without does not compile. */

import { afterEach, expect, it } from "vitest";
import * as cost from "../../src/cost/index.ts";
import { input, setDevice } from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

const { log, exp, LN2 } = Math;
const inf = Infinity;
/** Each case: what the cost gives, and what it is. */
const meanings = {
  mse: [
    [() => cost.mse(input([[1, -2], [0.5, 3]]), [[0, 2], [0.5, 1]]).item(), (1 + 16 + 0 + 4) / 2],
    [() => cost.mse(input([[1, -2], [0.5, 3]]), [[0, 2], [0.5, 1]], { weight: [3, 5], reduction: "mean" }).item(), (3 * 17 / 2 + 5 * 4 / 2) / 2],
    [() => cost.mse(input([inf]), [1]).item(), inf],
    [() => cost.mse(input([1, NaN]), [1, 0]).item(), NaN],
    [() => cost.mse(input([-0]), [0]).item(), 0],
  ],
  bernoulliCrossEntropyWithScores: [
    [() => cost.bernoulliCrossEntropyWithScores(input([2, -1, 0]), [1, 0, 0.25]).item(), log(1 + exp(-2)) + log(1 + exp(-1)) + LN2],
    [() => cost.bernoulliCrossEntropyWithScores(input([1e4]), [0]).item(), 1e4],
    [() => cost.bernoulliCrossEntropyWithScores(input([-1e4]), [0]).item(), 0],
    [() => cost.bernoulliCrossEntropyWithScores(input([NaN]), [1]).item(), NaN],
  ],
  bernoulliCrossEntropy: [
    [() => cost.bernoulliCrossEntropy(input([0.25, 0.5, 0.75]), [1, 0, 0.5]).item(), log(4) + LN2 - log(0.75 * 0.25) / 2],
    [() => cost.bernoulliCrossEntropy(input([0, 1]), [1, 1]).item(), 20 * log(10)], // a probability of 0 counts as 10⁻²⁰
    [() => cost.bernoulliCrossEntropy(input([NaN]), [1]).item(), NaN],
  ],
  categoricalCrossEntropyWithScores: [
    [() => cost.categoricalCrossEntropyWithScores(input([[0, log(2), log(5)], [1, 1, 1]]), [1, 2]).item(), log(8 / 2) + log(3)],
    [
      () => cost.categoricalCrossEntropyWithScores(input([[0, log(2), log(5)], [1, 1, 1]]), [0, 1], { weight: [2, 3], reduction: "mean" }).item(),
      (2 * log(8) + 3 * log(3)) / 2,
    ],
    [() => cost.categoricalCrossEntropyWithScores(input([1e4, -1e4]), 1).item(), 2e4],
    [() => cost.categoricalCrossEntropyWithScores(input([0, -inf]), 0).item(), 0],
    [() => cost.categoricalCrossEntropyWithScores(input([0, -inf]), 1).item(), inf],
    [() => cost.categoricalCrossEntropyWithScores(input([0, NaN]), 0).item(), NaN],
  ],
  categoricalCrossEntropy: [
    [() => cost.categoricalCrossEntropy(input([[0.125, 0.875], [0.5, 0.5]]), [0, 1]).item(), log(8) + LN2],
    [() => cost.categoricalCrossEntropy(input([1, 0]), 1).item(), 20 * log(10)],
    [() => cost.categoricalCrossEntropy(input([NaN, 0.5]), 0).item(), NaN],
  ],
  negativeLogLikelihood: [
    [() => cost.negativeLogLikelihood(input([[-1, -2], [-3, -0.5]]), [1, 0]).item(), 5],
    [() => cost.negativeLogLikelihood(input([-1, -inf]), 0).item(), 1],
    [() => cost.negativeLogLikelihood(input([-1, -inf]), [1, 0]).item(), 1],
    [() => cost.negativeLogLikelihood(input([-1, NaN]), 1).item(), NaN],
  ],
  mae: [
    [() => cost.mae(input([[1, -2], [0.5, 3]]), [[0, 2], [0.5, 1]]).item(), 7],
    [() => cost.mae(input([inf]), [1]).item(), inf],
    [() => cost.mae(input([1, NaN]), [1, 0]).item(), NaN],
  ],
  huber: [
    [() => cost.huber(input([[1, -2], [0.5, 3]]), [[0, 2], [0.25, 1]], { delta: 1 }).item(), 0.5 + 3.5 + 1 / 32 + 1.5],
    [() => cost.huber(input([-inf]), [1]).item(), inf],
    [() => cost.huber(input([NaN]), [0]).item(), NaN],
  ],
  hinge: [
    [() => cost.hinge(input([0.25, -2]), [1, 1]).item(), 0.75 + 3],
    [() => cost.hinge(input([1, 3, 2.5]), 1).item(), 0.5],
    [() => cost.hinge(input([inf]), [1]).item(), 0],
    [() => cost.hinge(input([NaN]), [1]).item(), NaN],
  ],
  focal: [
    [() => cost.focal(input([log(3)]), [0], { gamma: 1 }).item(), 0.75 * log(4)],
    [() => cost.focal(input([log(3), 0]), 0, { gamma: 3 }).item(), (1 / 4) ** 3 * log(4 / 3)],
    [() => cost.focal(input([1e4, 0]), 1).item(), 1e4],
    [() => cost.focal(input([0, NaN]), 1).item(), NaN],
  ],
  klDivergence: [
    [() => cost.klDivergence(input([-LN2, -LN2]), [0.25, 0.75]).item(), log(0.5) / 4 + log(1.5) * 0.75],
    [() => cost.klDivergence(input([-1, -inf]), [1, 0]).item(), 1],
    [() => cost.klDivergence(input([-1, -inf]), [0, 1]).item(), inf],
  ],
  cosineEmbedding: [
    [() => cost.cosineEmbedding(input([[3, 4], [3, 4]]), input([[1, 0], [1, 0]]), [1, -1]).item(), 1],
    [() => cost.cosineEmbedding(input([NaN]), input([1]), 1).item(), NaN],
  ],
  triplet: [
    [() => cost.triplet(input([[0, 0], [1, 1]]), input([[3, 4], [1, 1]]), input([[0, 5], [1, 1.5]]), { margin: 1 }).item(), 1 + 0.5],
    [() => cost.triplet(input([NaN]), input([1]), input([1])).item(), NaN],
  ],
  contrastive: [
    [() => cost.contrastive(input([[1, 0], [0, 2]]), input([[3, 0], [5, 0]]), { temperature: 1 }).item(), 2 * LN2],
    [() => cost.contrastive(input([[1], [NaN]]), input([[1], [1]])).item(), NaN],
  ],
  dice: [
    [() => cost.dice(input([0.5, 1, 0]), [1, 1, 0], { smooth: 0 }).item(), 1 - 3 / 3.5],
    [() => cost.dice(input([NaN]), [1]).item(), NaN],
  ],
  // Two steps, the symbols blank, a and b: "a" is spelt by aa, a– and –a.
  ctcWithScores: [
    [() => cost.ctcWithScores(input([[0, log(2), 0], [log(3), 0, 0]]), [1]).item(), -log((2 / 4) * (1 / 5) + (2 / 4) * (3 / 5) + (1 / 4) * (1 / 5))],
    [() => cost.ctcWithScores(input([[0, log(2), 0], [log(3), 0, 0]]), []).item(), -log((1 / 4) * (3 / 5))],
    [() => cost.ctcWithScores(input([[0, log(2), 0], [log(3), 0, 0]]), [1, 2]).item(), -log((2 / 4) * (1 / 5))],
    [() => cost.ctcWithScores(input([[0, 0], [NaN, 0]]), [1]).item(), NaN],
  ],
} satisfies Record<keyof typeof cost, readonly (readonly [found: () => number, expected: number])[]>;

it.each(Object.entries(meanings))("%s is what it says", (_, cases) => {
  for (const device of ["wasm", "reference"] as const) {
    setDevice(device);
    cases.forEach(([found, expected], i) => {
      const value = found();
      // float32 to some roundings of 6e-8.
      if (Number.isFinite(expected)) expect(Math.abs(value - expected), `case ${i} on ${device}: ${value}, not ${expected}`)
        .toBeLessThanOrEqual((device === "wasm" ? 1e-6 : 1e-13) * Math.max(1, Math.abs(expected)));
      else expect(value, `case ${i} on ${device}`).toBe(expected);
    });
  }
});

it("each cost is there", () => { expect(Object.keys(meanings).sort()).toEqual(Object.keys(cost).sort()); });
