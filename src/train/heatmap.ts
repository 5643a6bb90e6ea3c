/** A matrix as a picture, for a report: attention weights, confusions. */

import { ready, ShapeError, ValueError, Variable } from "../index.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { isList } from "../support/arrays.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { escapeHtml } from "./html.ts";
import { compact } from "./progress.ts";

/** A matrix, [rows, columns]. */
export type HeatmapValues = Variable | readonly (readonly number[] | Float32Array | Float64Array)[];

export interface HeatmapOptions {
  /** A name for each row. */
  readonly rows?: readonly string[] | undefined;
  /** A name for each column. */
  readonly columns?: readonly string[] | undefined;
  readonly title?: string | undefined;
  /** What the rows and the columns are. */
  readonly rowTitle?: string | undefined;
  readonly columnTitle?: string | undefined;
  /** The values that are palest and darkest; 0 or the least value if that is negative, and the greatest, unless given. */
  readonly range?: readonly [low: number, high: number] | undefined;
  /** The side of a cell in pixels; unless given as large as fits a page, from 8 to 28. */
  readonly cell?: number | undefined;
}

const heatmapOptions: readonly (keyof HeatmapOptions)[] = ["rows", "columns", "title", "rowTitle", "columnTitle", "range", "cell"];

/**
 * A heat map as HTML with a picture in SVG, to stand in a section of a report or in a page of one's own. Each cell tells its
 * value when pointed at. All text is escaped.
 *
 * @param values [rows, columns]: a Variable or nested arrays; NaN is drawn as an empty cell
 * @throws ShapeError for what is no matrix, or another number of names; ValueError for other values or options
 * @example
 * const picture = heatmap([[9, 1], [2, 8]], { rows: ["cat", "dog"], columns: ["cat?", "dog?"], title: "Confusions" });
 * report("confusions.html", { loss: [0.9, 0.4, 0.3] }, { sections: [{ title: "Test", html: picture }] });
 * picture.startsWith("<figure"); // true
 */
export function heatmap(values: HeatmapValues, options: HeatmapOptions = {}): string {
  checkArguments("heatmap", arguments, 2);
  checkOptions("heatmap", options, heatmapOptions);
  const matrix = matrixOf(values);
  const [height, width] = [matrix.length, matrix[0].length];
  const { title, rowTitle, columnTitle } = options;
  const rows = namesOf("rows", options.rows, height);
  const columns = namesOf("columns", options.columns, width);
  const finite = matrix.flat().filter(Number.isFinite);
  const least = finite.reduce((a, b) => Math.min(a, b), 0);
  const greatest = finite.reduce((a, b) => Math.max(a, b), least);
  const [low, high] = options.range ?? [least, greatest];
  if (options.range !== undefined && !(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
    throw new ValueError(`heatmap takes as range two finite numbers, the less one first, but got [${low}, ${high}].`);
  }
  const cell = options.cell ?? Math.max(8, Math.min(28, Math.floor(720 / width)));
  if (!(Number.isFinite(cell) && cell > 0)) throw refusal("heatmap", "a positive number as cell", options.cell);

  // Room for names: about 7 pixels a letter; names of columns are turned if they do not fit.
  const room = (names: readonly string[]): number => Math.ceil(7 * names.reduce((longest, name) => Math.max(longest, [...name].length), 0));
  const turned = room(columns) > cell + 4;
  const left = 8 + room(rows) + (rowTitle === undefined ? 0 : 20);
  const top = 8 + (columns.length === 0 ? 0 : turned ? room(columns) : 14) + (columnTitle === undefined ? 0 : 20);
  const [w, h] = [left + width * cell + 8, top + height * cell + 8];

  const parts: string[] = [];
  matrix.forEach((row, i) => row.forEach((value, j) => {
    // halves: a difference may be beyond the largest number
    const share = Number.isNaN(value) ? 0 : Math.max(0, Math.min(1, (value / 2 - low / 2) / (high / 2 - low / 2 || 1)));
    const name = [rows[i] ?? `row ${i}`, columns[j] ?? `column ${j}`].join(" × ");
    parts.push(`<rect class="cell" x="${left + j * cell}" y="${top + i * cell}" width="${cell - 1}" height="${cell - 1}" ` +
      `fill-opacity="${Number(share.toFixed(3))}"><title>${escapeHtml(name)}: ${compact(value)}</title></rect>`);
  }));
  rows.forEach((name, i) => {
    parts.push(`<text x="${left - 6}" y="${top + (i + 0.5) * cell}" text-anchor="end" dominant-baseline="central">${escapeHtml(name)}</text>`);
  });
  columns.forEach((name, j) => {
    const [x, y] = [left + (j + 0.5) * cell, top - 6];
    parts.push(turned
      ? `<text x="${x}" y="${y}" transform="rotate(-90 ${x} ${y})" dominant-baseline="central">${escapeHtml(name)}</text>`
      : `<text x="${x}" y="${y}" text-anchor="middle">${escapeHtml(name)}</text>`);
  });
  if (columnTitle !== undefined) {
    parts.push(`<text class="axis" x="${left + (width * cell) / 2}" y="14" text-anchor="middle">${escapeHtml(columnTitle)}</text>`);
  }
  if (rowTitle !== undefined) {
    const y = top + (height * cell) / 2;
    parts.push(`<text class="axis" x="12" y="${y}" text-anchor="middle" transform="rotate(-90 12 ${y})">${escapeHtml(rowTitle)}</text>`);
  }
  const label = escapeHtml(title ?? "heat map");
  return [
    '<figure class="heatmap" style="margin:0">',
    title === undefined ? "" : `<figcaption>${escapeHtml(title)}</figcaption>`,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${label}" ` +
      `style="max-width:100%;height:auto">`,
    `<rect x="${left - 1}" y="${top - 1}" width="${width * cell + 1}" height="${height * cell + 1}" fill="var(--line,#e2e5ea)" fill-opacity="0.5"/>`,
    `<g fill="var(--heat,#1f5fbf)">${parts.filter((part) => part.startsWith("<rect")).join("")}</g>`,
    `<g fill="currentColor" font-size="12" font-family="ui-monospace,monospace">${parts.filter((part) => part.startsWith("<text")).join("")}</g>`,
    "</svg></figure>",
  ].join("");
}

/**
 * As `heatmap`, when the numbers are there: on every device.
 * @throws as `heatmap`
 * @example
 * (await heatmapAsync(evaluate(() => softmax(zeros([2, 3]))))).startsWith("<figure"); // true
 */
export async function heatmapAsync(values: HeatmapValues, options: HeatmapOptions = {}): Promise<string> {
  checkArguments("heatmapAsync", arguments, 2);
  checkOptions("heatmapAsync", options, heatmapOptions);
  return heatmap(values instanceof Variable ? await ready(values) : values, options);
}

function matrixOf(values: unknown): number[][] {
  const given: unknown = values instanceof Variable ? values.toArray() : values;
  if (!Array.isArray(given) || !given.every(isList)) throw new ShapeError(`heatmap takes a matrix, [rows, columns], but got ${describe(values)}.`);
  const matrix = given.map((row) => Array.from(row as ArrayLike<number>));
  const width = matrix[0]?.length ?? 0;
  if (width === 0 || matrix.some((row) => row.length !== width)) {
    throw new ShapeError(`heatmap takes rows of one length, at least one, but got lengths [${matrix.map((row) => row.length).join(", ")}].`);
  }
  for (const value of matrix.flat()) if (typeof value !== "number") throw refusal("heatmap", "numbers", value);
  return matrix;
}

function namesOf(what: string, names: readonly string[] | undefined, count: number): readonly string[] {
  if (names === undefined) return [];
  if (!Array.isArray(names) || names.length !== count) {
    throw new ShapeError(`heatmap takes a name for each of ${count} ${what}, but got ${Array.isArray(names) ? names.length : describe(names)}.`);
  }
  return names.map(String);
}
