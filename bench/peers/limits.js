/** What bounds a row: arithmetic at the rate of a large matrix product, and bytes at the rate of reading; both of the same run. */

import { peakRate, readRate } from "./probe.js";

/** Rows where arithmetic or memory decides, not how many operations there are. */
export const limited = ["lstm-b1-256", "lstm-b32-256", "mlp-mnist", "convnet", "transformer", "elementwise-1m", "gemm-256", "gemm-512", "gemm-1024"];

/** GB/s of reading as many bytes as the parameters and data of a row have. */
export const readingOf = ({ bytes }) => readRate(bytes);

export { peakRate };

/** The row whose rate stands for arithmetic. */
const STANDARD = "gemm-512";

/** Milliseconds of each limited row as measured, and at least: by arithmetic, by memory. Null if the run has no rate to compare with. */
export function limitsOf(rows) {
  const standard = rows.find(({ name }) => name === STANDARD);
  const time = standard?.cells.flimsy?.median;
  if (time === undefined) return null;
  const rate = standard.flops / time; // in a millisecond
  const found = rows.filter(({ cells, read }) => read !== undefined && cells.flimsy?.work).map(({ name, read, cells: { flimsy: { median, work } } }) => {
    const [arithmetic, memory] = [work.flops / rate, work.bytes / (read * 1e6)];
    return { name, ...work, read, arithmetic, memory, least: Math.max(arithmetic, memory), measured: median };
  });
  return found.length === 0 ? null : { rate: rate / 1e6, rows: found };
}
