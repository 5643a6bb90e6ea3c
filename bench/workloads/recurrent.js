// @ts-check
/** Recurrent networks over sequences: x [steps, batch, inputs]. Weights have the names of Flimsy's components. */

import { constant, source } from "./problem.js";

/** @typedef {import("./problem.js").Values} Values */
/** @typedef {import("./problem.js").Workload} Workload */

const gates = { srnn: [""], gru: ["r", "z", "c"], lstm: ["i", "f", "o", "c"] };
/** Biases that do not begin at 0: gates that are open at first. @type {Record<string, number>} */
const open = { br: 1, bf: 1 };

/** @param {ReturnType<typeof source>} from @param {keyof typeof gates} cell @param {any} sizes */
function cellParameters({ weights }, cell, { inputs, hidden }) {
  /** @type {Record<string, Values>} */
  const parameters = {};
  for (const gate of gates[cell]) {
    parameters[`rnn.w${gate}`] = weights(hidden, inputs);
    parameters[`rnn.u${gate}`] = weights(hidden, hidden);
    parameters[`rnn.b${gate}`] = constant([hidden], open[`b${gate}`] ?? 0);
  }
  parameters["rnn.h0"] = constant([hidden], 0);
  if (cell === "lstm") parameters["rnn.c0"] = constant([hidden], 0);
  return parameters;
}

/** @param {keyof typeof gates} cell @returns {Workload} */
const xor = (cell) => ({
  title: `sequential exclusive or, ${cell.toUpperCase()} with hidden 5, T = 20, one sequence, RMSProp, clipped by norm`,
  sizes: { inputs: 2, hidden: 5, classes: 2, steps: 20, learningRate: 0.01, decay: 0.9, clip: 1 },
  make(sizes) {
    const from = source(3);
    const { inputs, hidden, classes, steps } = sizes;
    const bits = from.integers([steps], 0, 2).values;
    const x = constant([steps, 1, inputs], 0);
    bits.forEach((bit, t) => { x.values[t * inputs + bit] = 1; });
    let parity = 0;
    const y = { shape: [steps], values: Int32Array.from(bits, (bit) => (parity ^= bit)) };
    return {
      data: { x, y },
      parameters: { ...cellParameters(from, cell, sizes), "readout.w": from.weights(classes, hidden), "readout.b": constant([classes], 0) },
    };
  },
});

export const xorSrnn = xor("srnn");
export const xorGru = xor("gru");
export const xorLstm = xor("lstm");

/** The last state is classified. @type {Workload} */
export const lstm = {
  title: "LSTM with hidden 256, input 128, T = 50, gradient descent",
  sizes: { inputs: 128, hidden: 256, classes: 10, steps: 50, batch: 1, learningRate: 0.01 },
  make(sizes) {
    const from = source(4);
    const { inputs, hidden, classes, steps, batch } = sizes;
    return {
      data: { x: from.numbers([steps, batch, inputs]), y: from.integers([batch], 0, classes) },
      parameters: { ...cellParameters(from, "lstm", sizes), "readout.w": from.weights(classes, hidden), "readout.b": constant([classes], 0) },
    };
  },
};
