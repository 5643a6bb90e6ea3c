// @ts-check
/** The rows of the table: a workload, and sizes where they are not the workload's own. */

import { convnet } from "./convnet.js";
import { ctc } from "./ctc.js";
import { elementwise } from "./elementwise.js";
import { gemm } from "./gemm.js";
import { logreg } from "./logreg.js";
import { mlpMnist } from "./mlp-mnist.js";
import { lstm, xorGru, xorLstm, xorSrnn } from "./recurrent.js";
import { tableAdam, tableSgd } from "./table.js";
import { tinyOps } from "./tiny-ops.js";
import { transformer } from "./transformer.js";
import { treelstm } from "./treelstm.js";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} program the file that has it, in the folder of each framework
 * @property {import("./problem.js").Workload} workload
 * @property {Record<string, number>} [sizes]
 * @property {number} [per] a step's time is divided by this
 * @property {string} unit of that
 * @property {readonly string[]} [families] the libraries that can do it, where not all can
 * @property {number} [flops] of a step, for figures in GFLOP/s
 */

/** @param {number} n @returns {Row} */
const gemmRow = (n) => ({ name: `gemm-${n}`, program: "gemm", workload: gemm, sizes: { n }, unit: "GFLOP/s", flops: 2 * n ** 3 });

/** Others have no gradients of rows alone: a step of theirs would pass over the whole table, or multiply it by a matrix of ones and zeros. */
const families = ["flimsy", "torch"];
const million = { rows: 1_000_000, width: 16 };

/** Nodes of a tree. */
const nodes = 2 * treelstm.sizes.leaves - 1;

/** @type {readonly Row[]} */
export const rows = [
  { name: "tiny-ops", program: "tiny-ops", workload: tinyOps, per: tinyOps.sizes.operations, unit: "ms/op" },
  { name: "logreg", program: "logreg", workload: logreg, unit: "ms" },
  { name: "xor-srnn", program: "xor-srnn", workload: xorSrnn, unit: "ms" },
  { name: "xor-gru", program: "xor-gru", workload: xorGru, unit: "ms" },
  { name: "xor-lstm", program: "xor-lstm", workload: xorLstm, unit: "ms" },
  { name: "lstm-b1-256", program: "lstm", workload: lstm, unit: "ms" },
  { name: "lstm-b32-256", program: "lstm", workload: lstm, sizes: { batch: 32 }, unit: "ms" },
  { name: "treelstm-128", program: "treelstm", workload: treelstm, per: nodes, unit: "ms/node" },
  { name: "treelstm-128-32", program: "treelstm", workload: treelstm, sizes: { trees: 32 }, per: 32 * nodes, unit: "ms/node" },
  { name: "mlp-mnist", program: "mlp-mnist", workload: mlpMnist, unit: "ms" },
  { name: "convnet", program: "convnet", workload: convnet, unit: "ms" },
  { name: "transformer", program: "transformer", workload: transformer, unit: "ms" },
  { name: "ctc", program: "ctc", workload: ctc, unit: "ms" },
  { name: "table-sgd", program: "table-sgd", workload: tableSgd, families, unit: "ms" },
  { name: "table-adam", program: "table-adam", workload: tableAdam, families, unit: "ms" },
  { name: "table-1m-sgd", program: "table-sgd", workload: tableSgd, sizes: million, families, unit: "ms" },
  { name: "table-1m-adam", program: "table-adam", workload: tableAdam, sizes: million, families, unit: "ms" },
  { name: "elementwise-1m", program: "elementwise", workload: elementwise, unit: "ms" },
  gemmRow(256), gemmRow(512), gemmRow(1024),
];

const named = (/** @type {string[]} */ ...names) => names.flatMap((name) => rows.filter((row) => row.name === name));

/** Those of the table of GPUs. A step of the small LSTM is a hundred small launches. @type {readonly Row[]} */
export const gpuRows = [
  ...named("gemm-256", "gemm-512", "mlp-mnist"),
  { name: "lstm-b8-32", program: "lstm", workload: lstm, sizes: { inputs: 16, hidden: 32, steps: 10, batch: 8 }, unit: "ms" },
  ...named("lstm-b32-256"),
];

/** How time grows: one size of the LSTM at a time. */
export const growth = [
  // Through a thousand steps nothing comes back to the initial state, in float32.
  { name: "T", size: "steps", vanishing: ["rnn.h0", "rnn.c0"], sizes: { inputs: 16, hidden: 32, batch: 1 }, values: [10, 30, 100, 300, 1000, 3000, 10000] },
  { name: "batch", size: "batch", sizes: { inputs: 64, hidden: 64, steps: 20, learningRate: 0.001 }, values: [1, 4, 16, 64, 256] },
  { name: "hidden size", size: "hidden", sizes: { inputs: 64, steps: 20, batch: 1 }, values: [16, 32, 64, 128, 256, 512] },
].map((curve) => ({ ...curve, program: "lstm", workload: lstm }));
