// @ts-check
/** What is measured on a GPU, in which sizes: for a real one, and small for one that computes on the processor. */

import { convnet } from "../workloads/convnet.js";
import { gemm } from "../workloads/gemm.js";
import { elementwise } from "../workloads/elementwise.js";
import { mlpMnist } from "../workloads/mlp-mnist.js";
import { products } from "../workloads/products.js";
import { lstm } from "../workloads/recurrent.js";
import { sum } from "../workloads/sum.js";
import { tableAdam, tableSgd } from "../workloads/table.js";
import { transformer } from "../workloads/transformer.js";
import { gpuRows } from "../workloads/index.js";

/** Powers of a factor, from one to another. @param {number} from @param {number} to @returns {number[]} */
const doubling = (from, to, factor = 2) => (from > to ? [] : [from, ...doubling(from * factor, to, factor)]);

/**
 * A row, with sizes where they are not the workload's own.
 * @typedef {object} Measured
 * @property {string} name
 * @property {string} program
 * @property {import("../workloads/problem.js").Workload} workload
 * @property {Record<string, number>} [sizes]
 * @property {readonly string[]} [families]
 * @property {number} [flops]
 */

/** Others have no such programs. */
const families = ["flimsy", "torch"];
const table = { sizes: { rows: 50_000, width: 512 }, small: { rows: 5000, width: 64 }, families };
/** @type {(Measured & { small?: Record<string, number> })[]} */
const steps = [
  { name: "mlp-64", program: "mlp-mnist", workload: mlpMnist },
  { name: "mlp-4096", program: "mlp-mnist", workload: mlpMnist, sizes: { batch: 4096 }, small: { batch: 256 } },
  { name: "convnet", program: "convnet", workload: convnet, small: { filters1: 4, filters2: 4, batch: 4 } },
  { name: "transformer", program: "transformer", workload: transformer, small: { inputs: 32, hidden: 64, steps: 16, batch: 2 } },
  { name: "lstm-128-256", program: "lstm", workload: lstm, sizes: { batch: 32 }, small: { inputs: 16, hidden: 32, steps: 10, batch: 8 } },
  { name: "table-sgd", program: "table-sgd", workload: tableSgd, ...table },
  { name: "table-adam", program: "table-adam", workload: tableAdam, ...table },
  { name: "sum", program: "sum", workload: sum, sizes: { length: 1e8 }, small: { length: 1e6 }, families },
];

/** @param {boolean} isSmall */
export const sizesOf = (isSmall) => ({
  /** Of the numbers that functions are tried on, every so many. */
  every: isSmall ? 16 : 1,
  /** Workgroups of the loop that only computes, bytes that are copied, and how long such a sample lasts, in milliseconds. */
  groups: isSmall ? 64 : 8192,
  bytes: isSmall ? 2 ** 24 : 2 ** 28,
  sample: isSmall ? 100 : 50,
  /** Dispatches of a command buffer, and launches of a step. */
  dispatches: isSmall ? 256 : 4096,
  launches: isSmall ? 64 : 512,
  reads: isSmall ? doubling(4, 2 ** 20, 64) : doubling(4, 2 ** 24, 64),
  products: (isSmall ? [64, 128, 256] : [256, 512, 1024, 2048, 4096, 8192]).map((n) => productsOf(n, isSmall)),
  steps: steps.map(({ small, ...row }) => (isSmall && small ? { ...row, sizes: small } : row)),
  /** Beside other libraries, each loss waited for. */
  peers: isSmall ? gpuRows.filter(({ name }) => ["gemm-256", "lstm-b8-32"].includes(name)) : gpuRows,
  breakEven: [
    { name: "matrix product n×n, and its sum", program: "gemm", workload: gemm, size: "n", values: doubling(64, isSmall ? 256 : 2048) },
    {
      name: "elementwise chain of n elements, with gradients", program: "elementwise", workload: elementwise, size: "length",
      values: doubling(2 ** 10, isSmall ? 2 ** 14 : 2 ** 22, 4),
    },
    { name: "784-256-10 with Adam, batch n", program: "mlp-mnist", workload: mlpMnist, size: "batch", values: doubling(1, isSmall ? 16 : 1024, 4) },
    {
      name: "LSTM of n units, T = 20, batch 32", program: "lstm", workload: lstm, size: "hidden", sizes: { inputs: 64, steps: 20, batch: 32 },
      values: doubling(16, isSmall ? 32 : 1024),
    },
  ],
});

/**
 * An even number of products, as the matrix undoes itself, and so many that what a step costs besides does not count much.
 * @param {number} n @param {boolean} isSmall @returns {Measured}
 */
function productsOf(n, isSmall) {
  const repeats = 2 * Math.max(1, Math.min(isSmall ? 2 : 32, Math.round(2 ** 34 / (2 * n ** 3))));
  return { name: `product-${n}`, program: "products", workload: products, sizes: { n, repeats }, flops: 2 * n ** 3 * repeats };
}
