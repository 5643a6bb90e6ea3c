/**
 * softmax(tanh(x)·wᵀ) with its derivatives by x and w, as PyTorch 1.13 gives them in float64:
 *
 *     f = lambda x, w: torch.softmax(torch.tanh(x) @ w.T, -1)
 *     torch.autograd.functional.jacobian(f, (x, w)), vjp(f, (x, w), cotangent), jvp(f, (x, w), tangents)
 */

import { expect } from "vitest";
import { input, linear, parameter, softmax, tanh, type Variable } from "../../src/index.ts";

export const x = input([[0.5, -1, 2], [1.5, 0.25, -0.75]]);
export const w = parameter([[0.2, -0.4, 0.6], [1, 0.5, -0.3]]);
export const f = (): Variable => softmax(linear(w, tanh(x)), -1);
export const cotangent = [[1, -2], [0.5, 3]];
export const tangents = [[[1, 0.5, -1], [2, 0, 1]], [[0.3, 0, -0.2], [0, 1, 0.5]]];

const zero = [0, 0, 0];
const byX = [[-0.11292250423911643, -0.06784001203287242, 0.011412489605319648], [-0.02134013465567754, -0.12488500155704113, 0.07925898159026742]];
const byW = [[0.08294166360691053, -0.13669236317216124, 0.1730254979679192], [0.13361424994666443, 0.036153882243307484, -0.0937580672954971]];
const negative = (row: readonly number[]): number[] => row.map((value) => -value);

export const expected = {
  value: [0.7655524503684027, 0.23444754963159734, 0.18002480302512336, 0.8199751969748766],
  jacobian: [
    [byX[0], zero, negative(byX[0]), zero, zero, byX[1], zero, negative(byX[1])].flat(),
    [byW[0], negative(byW[0]), negative(byW[0]), byW[0], byW[1], negative(byW[1]), negative(byW[1]), byW[1]].flat(),
  ],
  vjp: [
    [-0.33876751271734934, -0.20352003609861727, 0.03423746881595894, 0.05335033663919387, 0.3122125038926029, -0.19814745397566855],
    [-0.08521063404592938, -0.5004617951247525, 0.7534716621425004, 0.08521063404592955, 0.5004617951247525, -0.7534716621425005],
  ],
  jvp: [-0.11779798618418134, 0.11779798618418133, 0.10613975212645214, -0.10613975212645217],
};

export const flat = (variable: Variable): number[] => [...variable.data];

export function near(found: Variable, figures: readonly number[], tolerance: number): void {
  expect(found.size).toBe(figures.length);
  flat(found).forEach((value, i) => { expect(Math.abs(value - figures[i]), `element ${i}`).toBeLessThanOrEqual(tolerance); });
}
