/** Rows as aligned text. */

/**
 * The header and the rows, each a line.
 * @param isText which columns are aligned at the left
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], isText: readonly boolean[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  return [header, ...rows].map((row) => row.map((cell, i) => (isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ").trimEnd());
}

/** Floating-point operations in millions, or nothing. */
export const megaflops = (flops: number): string => (flops === 0 ? "" : (flops / 1e6).toPrecision(3));
