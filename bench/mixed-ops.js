// @ts-check
/**
 * As tiny-ops, with the operations of real models: products of 8×8 matrices, views, slices, joins, rows, sums and broadcasting.
 * These cost more than tiny ones, in the planner and in the kernels; there is no limit for them, but no hiding either.
 */

import { concat, grad, input, matmul, parameter, setDevice, slice, softmax, transpose } from "flimsy-ml";
import { alternate, assertClose, print, randomArray, row, scaled, uniform } from "./report.js";

const OPERATIONS = 1000;
const start = parameter(randomArray(64, 1), [8, 8]);
const weights = parameter(randomArray(64, 2, -0.6, 0.6), [8, 8]);
const bias = parameter(randomArray(8, 3, -0.5, 0.5));
const row8 = input(randomArray(8, 4, 0.9, 1.1));
const parameters = [start, weights, bias];

/** @typedef {import("flimsy-ml").Variable} Variable */

/** Parts of a program: how many operations each is, and what it does. @type {readonly [number, (x: Variable) => Variable][]} */
const parts = [
  [1, (x) => matmul(x, weights)],
  [1, (x) => x.add(bias)],
  [1, (x) => x.tanh()],
  [1, (x) => x.mul(row8)],
  [2, (x) => softmax(x).mul(8)],
  [2, (x) => x.sub(x.mean(0, true))],
  [3, (x) => concat([slice(x, null, [3, 8]), slice(x, null, [0, 3])], 1)],
  [3, (x) => x.reshape([64]).add(0.1).reshape([8, 8])],
  [2, (x) => transpose(x).sub(x)],
  [3, (x) => x.add(x.sum(1).mul(0.1))],
];

/** @param {Uint8Array} sequence */
function program(sequence) {
  /** @type {Variable} */
  let x = start;
  for (let i = 0, count = 0; count < OPERATIONS; i++) {
    const [size, part] = parts[sequence[i]];
    x = part(x);
    count += size;
  }
  return x.mul(x).mean();
}

function clear() {
  for (const parameter of parameters) parameter.clearGrad();
}

/** @param {Uint8Array} sequence */
function step(sequence) {
  grad(() => program(sequence));
  clear();
}

const next = uniform(5);
const sequence = new Uint8Array(OPERATIONS);
function anotherSequence() {
  for (let i = 0; i < OPERATIONS; i++) sequence[i] = Math.floor(next() * parts.length);
  return sequence;
}
const repeated = anotherSequence().slice();

/** Against the float64 loops of the reference device. */
function check() {
  for (const sequence of [repeated, repeated, repeated, repeated, repeated, anotherSequence()]) {
    const found = ["wasm", "reference"].map((device) => {
      setDevice(/** @type {import("flimsy-ml").DeviceName} */ (device));
      const loss = grad(() => program(sequence)).item();
      const gradients = parameters.map((parameter) => Float64Array.from(parameter.grad?.data ?? []));
      clear();
      return { loss, gradients };
    });
    setDevice("wasm");
    assertClose([found[0].loss], [found[1].loss], 1e-3, "loss");
    found[0].gradients.forEach((gradient, i) => { assertClose(gradient, found[1].gradients[i], 1e-2, `gradient ${i}`); });
  }
}

check();
const times = alternate({ repeats: () => step(repeated), never: () => step(anotherSequence()) }, { rounds: 61 });
const perOperation = 1000 / OPERATIONS;
print([
  row("mixed operation on [8, 8], forward + backward, structure repeats", scaled(times.repeats, perOperation), "µs"),
  row("mixed operation on [8, 8], forward + backward, never repeats", scaled(times.never, perOperation), "µs"),
]);
