// @ts-check
/**
 * Products of square matrices, through the public functions. A step chains several, x·w·w·…, and returns one number, so
 * that results stay where they are computed: what is measured is the products, their recording, and one sum.
 * The factors are orthogonal, so the numbers keep their size.
 */

import { evaluate, grad, input, linear, matmul, parameter, transpose } from "flimsy-ml";
import { alternate, assert, assertClose, print, randomArray, row, total } from "./report.js";

/** A Householder reflection: orthogonal, and no entry is 0. @param {number} n */
function orthogonal(n) {
  const v = randomArray(n, n);
  const square = v.reduce((sum, x) => sum + x * x, 0);
  return Float32Array.from({ length: n * n }, (_, i) => (Math.floor(i / n) === i % n ? 1 : 0) - (2 * v[Math.floor(i / n)] * v[i % n]) / square);
}

/**
 * Some entries of the product in plain float64.
 * @param {ArrayLike<number>} a @param {ArrayLike<number>} b @param {number} n @param {ArrayLike<number>} found
 */
function checkProduct(a, b, n, found) {
  const at = Array.from({ length: 64 }, (_, i) => [(i * 37) % n, (i * 101 + 5) % n]);
  const expected = at.map(([i, j]) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
    return sum;
  });
  assertClose(at.map(([i, j]) => found[i * n + j]), expected, 1e-4, `product of ${n}×${n}`);
}

/** GFLOP/s from milliseconds. @param {import("./report.js").Sample} time @param {number} operations */
const rate = (time, operations) => {
  const [low, high] = time.quartiles;
  return { median: operations / time.median / 1e6, quartiles: /** @type {[number, number]} */ ([operations / high / 1e6, operations / low / 1e6]) };
};

/** @param {number} n */
function bench(n) {
  const count = Math.max(2, Math.min(64, Math.round(2 ** 26 / n ** 3)));
  const flops = 2 * n ** 3 * count;
  const x = input(randomArray(n * n, 7), [n, n]);
  const w = input(orthogonal(n), [n, n]);
  const trained = parameter(w);
  const start = parameter(x);
  /** @param {(x: import("flimsy-ml").Variable) => import("flimsy-ml").Variable} f @param {import("flimsy-ml").Variable} x */
  const chain = (f, x) => {
    for (let i = 0; i < count; i++) x = f(x);
    return x.sum();
  };
  const steps = {
    plain: () => evaluate(() => chain((h) => matmul(h, w), x)),
    linear: () => evaluate(() => chain((h) => linear(w, h), x)),
    transposed: () => evaluate(() => chain((h) => matmul(transpose(w), h), x)),
    trained: () => {
      const loss = grad(() => chain((h) => linear(trained, h), start));
      trained.clearGrad();
      start.clearGrad();
      return loss;
    },
  };

  const any = input(randomArray(n * n, 8), [n, n]);
  const turned = transpose(any);
  checkProduct(x.data, any.data, n, evaluate(() => matmul(x, any)).data);
  checkProduct(x.data, turned.data, n, evaluate(() => linear(any, x)).data);
  checkProduct(turned.data, x.data, n, evaluate(() => matmul(transpose(any), x)).data);
  const sum = total(x.data);
  // A reflection undoes itself, and is its own transpose.
  for (const [name, step] of Object.entries(steps)) {
    for (let i = 0; i < 5; i++) assert(count % 2 === 0 && Math.abs(step().item() - sum) < 1e-3 * n, `the chain ${name} of ${n}×${n} changed the sum`);
  }
  grad(() => chain((h) => linear(trained, h), start));
  assertClose(start.grad?.data ?? [], new Float32Array(n * n).fill(1), 1e-2, "gradient of x");
  const slopes = /** @type {ArrayLike<number>} */ (trained.grad?.data);
  assert(Array.from(slopes).every(Number.isFinite) && Array.from(slopes).some((g) => g !== 0), "gradient of w");
  trained.clearGrad();
  start.clearGrad();

  const times = alternate({ plain: steps.plain, linear: steps.linear, transposed: steps.transposed, trained: steps.trained }, { rounds: n > 500 ? 15 : 31 });
  const limit = n === 512 ? { atLeast: 40 } : {};
  print([
    row(`${n}×${n} matmul(x, w)`, rate(times.plain, flops), "GFLOP/s", limit),
    row(`${n}×${n} linear(w, x), that is x·wᵀ`, rate(times.linear, flops), "GFLOP/s", limit),
    row(`${n}×${n} matmul(transpose(w), x), with the copy that it takes`, rate(times.transposed, flops), "GFLOP/s"),
    row(`${n}×${n} linear, forward + backward: x·wᵀ, g·w, gᵀ·x and sums`, rate(times.trained, 3 * flops), "GFLOP/s"),
  ]);
}

for (const n of [64, 128, 256, 512, 1024]) bench(n);
