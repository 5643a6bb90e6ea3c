// @ts-check
/**
 * Connectionist temporal classification at the sizes of the warp-ctc README: 150 steps, 40 labels, 28 symbols. Loss and gradient
 * by the scores for one utterance, on one thread. The log-space tables of `flimsy-ml/ctc`, as the paper has them, check it.
 */

import { cost, evaluate, grad, input, parameter } from "flimsy-ml";
import { align, backward, beamSearch, expand, forward, greedy } from "flimsy-ml/ctc";
import { alternate, assertClose, print, randomArray, row, scaled, uniform } from "./report.js";

const [steps, count, symbols, batch] = [150, 40, 28, 16];

/** @param {number} seed @param {number} length */
function labels(seed, length) {
  const next = uniform(seed);
  return Array.from({ length }, () => 1 + Math.floor(next() * (symbols - 1)));
}

/** @param {number[]} shape @param {number} seed @param {number} [size] */
const scores = (shape, seed, size = 3) => parameter(randomArray(shape.reduce((a, b) => a * b), seed, -size, size), shape);

const one = scores([steps, symbols], 1);
const sharp = scores([steps, symbols], 2, 60);
const many = scores([batch, steps, symbols], 3);
const long = scores([10_000, symbols], 4);
const target = labels(5, count);
const targets = Array.from({ length: batch }, (_, i) => labels(10 + i, count));
const longTarget = labels(6, 1000);

/** @param {import("flimsy-ml").Parameter} scores @param {number[] | number[][]} target */
function step(scores, target) {
  const loss = grad(() => cost.ctcWithScores(scores, target)).item();
  const gradient = scores.grad?.data ?? new Float32Array(0);
  scores.clearGrad();
  return { loss, gradient };
}

/** The loss and its gradient from the tables. @param {import("flimsy-ml").Variable} scores */
function fromTables(scores) {
  const a = forward(target, scores);
  const b = backward(target, scores);
  const last = a[steps - 1].slice(-2);
  const log = last[0] + Math.log1p(Math.exp(last[1] - last[0]));
  const states = expand(target);
  const values = Float64Array.from(scores.data);
  const gradient = Float64Array.from(values, (_, i) => {
    const row = values.subarray(Math.floor(i / symbols) * symbols, (Math.floor(i / symbols) + 1) * symbols);
    return Math.exp(values[i]) / row.reduce((sum, x) => sum + Math.exp(x), 0);
  });
  a.forEach((row, t) => row.forEach((x, s) => { gradient[t * symbols + states[s]] -= Math.exp(x + b[t][s] - log); }));
  return { loss: -log, gradient };
}

function check() {
  const found = step(one, target);
  const expected = fromTables(one);
  assertClose([found.loss], [expected.loss], 1e-6, "loss");
  assertClose(found.gradient, expected.gradient, 1e-6, "gradient");
  const separate = targets.map((target, i) => step(parameter(many.data.subarray(i * steps * symbols, (i + 1) * steps * symbols), [steps, symbols]), target));
  const together = step(many, targets);
  assertClose([together.loss], [separate.reduce((sum, { loss }) => sum + loss, 0)], 1e-6, "loss of the batch");
  assertClose(together.gradient, separate.flatMap(({ gradient }) => [...gradient]), 1e-6, "gradient of the batch");
}

check();
const data = input(one.data, [steps, symbols]);
const times = alternate({
  one: () => step(one, target),
  sharp: () => step(sharp, target),
  many: () => step(many, targets),
  loss: () => evaluate(() => cost.ctcWithScores(data, target)).item(),
  tables: () => fromTables(one),
  greedy: () => greedy(data),
  beam: () => beamSearch(data, { width: 16 }),
  align: () => align(data, target),
  long: () => step(long, longTarget),
}, { rounds: 21 });
const size = `${steps} steps, ${count} labels, ${symbols} symbols`;
print([
  row(`CTC loss + gradient, ${size}`, times.one, "ms", { atMost: 1.5 }),
  row("  with scores from −60 to 60", times.sharp, "ms", { atMost: 1.5 }),
  row(`  in a batch of ${batch}, per utterance`, scaled(times.many, 1 / batch), "ms", { atMost: 1.5 }),
  row("  loss only", times.loss, "ms"),
  row("  by the tables in log space", times.tables, "ms"),
  row("CTC loss + gradient, 10,000 steps, 1,000 labels, 28 symbols", times.long, "ms"),
  row(`CTC greedy decoding, ${steps} steps, ${symbols} symbols`, times.greedy, "ms"),
  row("CTC prefix beam search, the same, width 16", times.beam, "ms"),
  row(`CTC alignment, ${size}`, times.align, "ms"),
]);
