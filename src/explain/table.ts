/** Rows as aligned text. */

/**
 * The header and the rows, each a line.
 * @param isText which columns are aligned at the left
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], isText: readonly boolean[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  return [header, ...rows].map((row) => row.map((cell, i) => (isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ").trimEnd());
}

export const count = (n: number, what: string): string => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : what.endsWith("ch") ? "es" : "s"}`;
export const bytes = (n: number): string => (n < 1e4 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(0)} MB`);
/** Milliseconds in microseconds. */
export const micro = (ms: number): string => (ms * 1000).toFixed(ms < 0.01 ? 2 : ms < 0.1 ? 1 : 0);

/** Floating-point operations in millions, or nothing. */
export const megaflops = (flops: number): string => (flops === 0 ? "" : (flops / 1e6).toPrecision(3));
