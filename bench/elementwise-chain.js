// @ts-check
/**
 * A chain of five elementwise operations on a million elements, against one pass over the same memory.
 *
 * Forward reads x and y and writes z; its measure is x + y → z, one operation which does the same. With gradients, x and y
 * are read and both gradients written; the measure is a step that reads x and y and writes x + y and x − y.
 * The limit is for arithmetic, which memory should bound; a tanh takes longer than its data take to arrive, so that chain is there to be known.
 * The steps return the first element only: a slice is a view, so all of z is computed but none of it is copied out.
 */

import { add, evaluate, grad, input, maximum, mul, parameter, slice, sub, tanh } from "flimsy-ml";
import { alternate, assert, assertClose, print, randomArray, row, total } from "./report.js";

const N = 1_000_000;
const x = input(randomArray(N, 1));
const y = input(randomArray(N, 2));
const p = parameter(x);
const q = parameter(y);

/** @typedef {import("flimsy-ml").Variable} Variable */
/** @param {Variable} z */
const first = (z) => slice(z, [0, 1]);

/** @param {Variable} x @param {Variable} y */
const arithmetic = (x, y) => mul(maximum(sub(add(mul(x, y), x), 0.25), y), 0.5);
/** @param {Variable} x @param {Variable} y */
const curved = (x, y) => sub(mul(tanh(add(mul(x, y), 0.5)), y), x);

/** @param {(x: Variable, y: Variable) => Variable} f */
function train(f) {
  grad(() => f(p, q).sum());
  p.clearGrad();
  q.clearGrad();
}

/**
 * Value and gradients against a function of numbers, by central differences.
 * @param {(x: Variable, y: Variable) => Variable} f @param {(x: number, y: number) => number} plain
 */
function check(f, plain) {
  for (let i = 0; i < 5; i++) evaluate(() => first(f(x, y))); // fused by now
  const h = 1e-6;
  const z = evaluate(() => f(x, y)).data;
  for (let i = 0; i < 5; i++) train(f);
  const loss = grad(() => f(p, q).sum()).item();
  const at = Array.from({ length: 100 }, (_, i) => i * 9973);
  const [xs, ys] = [x.data, y.data];
  assertClose(at.map((i) => z[i]), at.map((i) => plain(xs[i], ys[i])), 1e-5, "chain");
  assertClose([loss], [total(z)], 1e-3, "loss");
  const gradientP = p.grad?.data ?? [];
  const gradientQ = q.grad?.data ?? [];
  assertClose(at.map((i) => gradientP[i]), at.map((i) => (plain(xs[i] + h, ys[i]) - plain(xs[i] - h, ys[i])) / (2 * h)), 1e-4, "gradient of x");
  assertClose(at.map((i) => gradientQ[i]), at.map((i) => (plain(xs[i], ys[i] + h) - plain(xs[i], ys[i] - h)) / (2 * h)), 1e-4, "gradient of y");
  assert(gradientP.length === N && gradientQ.length === N, "gradients are missing");
  p.clearGrad();
  q.clearGrad();
}

check(arithmetic, (x, y) => Math.max(x * y + x - 0.25, y) * 0.5);
check(curved, (x, y) => Math.tanh(x * y + 0.5) * y - x);

const times = alternate({
  pass: () => { evaluate(() => first(add(x, y))); },
  pass2: () => { evaluate(() => [first(add(x, y)), first(sub(x, y))]); },
  arithmetic: () => { evaluate(() => first(arithmetic(x, y))); },
  curved: () => { evaluate(() => first(curved(x, y))); },
  trainArithmetic: () => train(arithmetic),
  trainCurved: () => train(curved),
}, { rounds: 61 });

/** How fast memory was. @param {number} arrays read and written @param {import("./report.js").Sample} time */
const bandwidth = (arrays, { median }) => `${((arrays * N * 4) / median / 1e6).toFixed(1)} GB/s`;
print([
  row(`one pass over a million: x, y → z (${bandwidth(3, times.pass)})`, times.pass, "ms"),
  row(`one pass over a million: x, y → two results (${bandwidth(4, times.pass2)})`, times.pass2, "ms"),
  row("chain of mul add sub maximum mul, forward", times.ratio("arithmetic", "pass"), "passes", { atMost: 1.5 }),
  row("chain of mul add tanh mul sub, forward", times.ratio("curved", "pass"), "passes"),
  row("chain of mul add sub maximum mul, sum, forward + backward", times.ratio("trainArithmetic", "pass2"), "passes"),
  row("chain of mul add tanh mul sub, sum, forward + backward", times.ratio("trainCurved", "pass2"), "passes"),
]);
