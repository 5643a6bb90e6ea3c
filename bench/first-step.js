// @ts-check
/** The first training step of a small model in a fresh process; started by start.js. */

import { affine, cost, GradientDescent, grad, input, parameter, tanh, zeros } from "flimsy-ml";

const imported = performance.now();
const random = (/** @type {number} */ n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i + 1) / 4);
const w1 = parameter(random(16 * 20), [16, 20]);
const b1 = parameter(zeros([16]));
const w2 = parameter(random(3 * 16), [3, 16]);
const b2 = parameter(zeros([3]));
const parameters = [w1, b1, w2, b2];
const x = input(random(50 * 20), [50, 20]);
const y = Int32Array.from({ length: 50 }, (_, i) => i % 3);
const optimizer = new GradientDescent(parameters, { learningRate: 0.001 });

const before = w1.data;
const loss = grad(() => cost.categoricalCrossEntropyWithScores(affine(w2, tanh(affine(w1, x, b1)), b2), y)).item();
optimizer.update();
const moved = w1.data.filter((value, i) => value !== before[i]).length;
console.log(JSON.stringify({ imported, finished: performance.now() }));

if (!Number.isFinite(loss) || moved < before.length / 2) throw new Error(`Wrong result: loss ${loss}, ${moved} weights moved`);
