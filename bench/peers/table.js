/** The results as Markdown tables. */

/** Three digits. */
export const digits = (value) =>
  (value >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3).includes("e") ? value.toFixed(0) : value.toPrecision(3));

export const markdown = (head, body) => [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Milliseconds in a unit that suits them. */
export const time = (ms) => (ms < 1 ? `${digits(ms * 1000)} µs` : ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`);

/** A time in the unit of the row. */
function figure(row, cell) {
  if (cell === undefined) return "";
  if (cell.failure) return cell.failure.startsWith("no answer") ? `> ${cell.failure.match(/\d+/)?.[0]} s` : "failed";
  if (row.flops) return `${digits(row.flops / cell.median / 1e6)} GFLOP/s`;
  return time(cell.median / row.per);
}

/** How many times as long as Flimsy in the same row. */
function ratio(row, id) {
  const [own, other] = [row.cells.flimsy, row.cells[id]];
  return own?.median && other?.median && id !== "flimsy" ? ` (${digits(other.median / own.median)}×)` : "";
}

/** Times, and ratios to Flimsy's. */
export function table({ rows, frameworks }) {
  const per = (row) => (row.per === 1 ? row.name : `${row.name}, per ${row.unit.split("/")[1]}`);
  const head = ["workload", ...frameworks.map(({ title }) => title)];
  return markdown(head, rows.map((row) => [per(row), ...frameworks.map(({ id }) => figure(row, row.cells[id]) + ratio(row, id))]));
}
