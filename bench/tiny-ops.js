// @ts-check
/**
 * What one operation costs when its data cost nothing: 1000 additions, products and hyperbolic tangents in a row, on
 * 8 floats, with gradients. Either every step has the same structure, so that its plan is found, or none has.
 */

import { add, grad, input, mul, parameter, tanh } from "flimsy-ml";
import { alternate, assertClose, print, randomArray, row, scaled, uniform } from "./report.js";

const OPERATIONS = 1000;
// Such that neither values nor gradients vanish on the way.
const start = parameter(randomArray(8, 1));
const shift = input(randomArray(8, 2, -0.1, 0.1));
const factor = input(randomArray(8, 3).map((x) => Math.sign(x) * (1 + 0.01 * x)));

/** @param {Uint8Array} sequence which operation comes when */
function program(sequence) {
  /** @type {import("flimsy-ml").Variable} */
  let x = start;
  for (let i = 0; i < sequence.length; i++) {
    const kind = sequence[i];
    x = kind === 0 ? add(x, shift) : kind === 1 ? mul(x, factor) : tanh(x);
  }
  return x.sum();
}

/** @param {Uint8Array} sequence */
function step(sequence) {
  const loss = grad(() => program(sequence));
  start.clearGrad();
  return loss;
}

const repeated = Uint8Array.from({ length: OPERATIONS }, (_, i) => i % 3);
const next = uniform(4);
const sequence = new Uint8Array(OPERATIONS);
function anotherSequence() {
  for (let i = 0; i < OPERATIONS; i++) sequence[i] = Math.floor(next() * 3);
  return sequence;
}

/** The loss and the gradients in plain float64. @param {Uint8Array} sequence */
function expected(sequence) {
  let loss = 0;
  const gradient = Array.from(start.data, (x, i) => {
    let slope = 1;
    for (const kind of sequence) {
      if (kind === 0) x += shift.data[i];
      else if (kind === 1) {
        x *= factor.data[i];
        slope *= factor.data[i];
      } else {
        x = Math.tanh(x);
        slope *= 1 - x * x;
      }
    }
    loss += x;
    return slope;
  });
  return { loss, gradient };
}

function check() {
  for (const sequence of [repeated, repeated, repeated, repeated, repeated, anotherSequence(), anotherSequence()]) {
    const loss = grad(() => program(sequence));
    const right = expected(sequence);
    assertClose(loss.data, [right.loss], 1e-3, "loss");
    assertClose(start.grad?.data ?? [], right.gradient, 1e-3, "gradient");
    start.clearGrad();
  }
}

check();
const times = alternate({
  repeats: () => step(repeated),
  never: () => step(anotherSequence()),
  sequence: () => anotherSequence(),
}, { rounds: 101 });
check();
const perOperation = 1000 / OPERATIONS;
// The sequence is drawn inside the measured time: a program has to get its structure from somewhere.
print([
  row("tiny operation, forward + backward, structure repeats", scaled(times.repeats, perOperation), "µs", { atMost: 0.5 }),
  row("tiny operation, forward + backward, never repeats", scaled(times.never, perOperation), "µs", { atMost: 1 }),
  row("  of which drawing the sequence", scaled(times.sequence, perOperation), "µs"),
]);
