/** The results as Markdown tables. */

/** Three digits. */
export const digits = (value) =>
  (value >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3).includes("e") ? value.toFixed(0) : value.toPrecision(3));

export const markdown = (head, body) => [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Milliseconds in a unit that suits them. */
export const time = (ms) => (ms < 1 ? `${digits(ms * 1000)} µs` : ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1000)} s`);

const all = (rows) => rows.flatMap(({ name, cells }) => Object.entries(cells).map(([id, cell]) => ({ name, id, ...cell })));
/** Of the libraries that took part. */
export const versionsIn = (rows) => [...new Set(all(rows).map(({ version }) => version).filter(Boolean))];
export const failuresIn = (rows) => all(rows).filter(({ failure }) => failure).map(({ name, id, failure }) => `- ${name}, ${id}: ${failure}`);

/** A time in the unit of the row. */
function figure(row, cell, of) {
  if (cell === undefined) return "";
  if (cell.failure) return cell.failure.startsWith("no answer") ? `> ${cell.failure.match(/\d+/)?.[0]} s` : "failed";
  if (row.flops) return `${digits(row.flops / cell[of] / 1e6)} GFLOP/s`;
  return time(cell[of] / row.per);
}

/** How many times as long as the base in the same row. */
function ratio(row, id, base, of) {
  const [own, other] = [row.cells[base], row.cells[id]];
  return own?.[of] && other?.[of] && id !== base ? ` (${digits(other[of] / own[of])}×)` : "";
}

/** Times, and ratios to those of the base. @param {"median" | "least"} of */
export function table({ rows, frameworks }, base = "flimsy", of = "median") {
  const per = (row) => (row.per === 1 ? row.name : `${row.name}, per ${row.unit.split("/")[1]}`);
  const head = ["workload", ...frameworks.map(({ title }) => title)];
  return markdown(head, rows.map((row) => [per(row), ...frameworks.map(({ id }) => figure(row, row.cells[id], of) + ratio(row, id, base, of))]));
}
