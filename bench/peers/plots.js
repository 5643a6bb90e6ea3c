/** Plots as SVG, without a browser. */

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** On light and dark pages alike. */
const style = { background: "white", color: "black", fontFamily: "system-ui, sans-serif", fontSize: "12px" };

function svg(options) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({ ...options, document, style });
  const element = plot.tagName.toLowerCase() === "svg" ? plot : plot.querySelector("svg");
  element.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${element.outerHTML}\n`;
}

const colors = (frameworks) => ({ domain: frameworks.map(({ title }) => title), legend: false, scheme: "Tableau10" });
const titleOf = (frameworks) => Object.fromEntries(frameworks.map(({ id, title }) => [id, title]));

/** How many times Flimsy's time each framework takes, a row a workload. */
export function ratios({ rows, frameworks }) {
  const titles = titleOf(frameworks);
  const others = frameworks.filter(({ id }) => id !== "flimsy");
  const data = rows.flatMap(({ name, cells }) => Object.entries(cells)
    .filter(([id, { median }]) => id !== "flimsy" && median && cells.flimsy?.median)
    .map(([id, { median }]) => ({ name, framework: titles[id], ratio: median / cells.flimsy.median })));
  if (data.length === 0) return null;
  return svg({
    width: 900, height: Math.max(260, 90 + rows.length * 30), marginLeft: 130, marginRight: 220, marginBottom: 45,
    x: { type: "log", grid: true, label: "time / Flimsy's time (1: as fast; to the right: slower than Flimsy)", tickFormat: (x) => `${x}×`, ticks: 6 },
    y: { label: null, domain: rows.map(({ name }) => name) },
    symbol: { domain: others.map(({ title }) => title) },
    color: colors(others),
    marks: [
      Plot.ruleX([1]),
      Plot.dot(data, { x: "ratio", y: "name", stroke: "framework", symbol: "framework", r: 4, strokeWidth: 1.6, tip: false }),
      // The library's own legend would be HTML.
      ...others.map(({ title }, i) =>
        Plot.dot([0], { frameAnchor: "top-right", dx: 25, dy: 10 + 18 * i, stroke: () => title, symbol: () => title, r: 4, strokeWidth: 1.6 })),
      ...others.map(({ title }, i) => Plot.text([title], { frameAnchor: "top-right", textAnchor: "start", dx: 35, dy: 5 + 18 * i })),
    ],
  });
}

/** Time against a size, both logarithmic. */
export function growthPlot({ name, points }, frameworks) {
  const titles = titleOf(frameworks);
  const data = points.map(({ id, value, time }) => ({ framework: titles[id], value, time }));
  if (data.length === 0) return null;
  const present = frameworks.filter(({ id }) => points.some((point) => point.id === id));
  return svg({
    width: 640, height: 400, marginRight: 130, marginLeft: 60,
    x: { type: "log", label: name, grid: true, ticks: [...new Set(data.map(({ value }) => value))], tickFormat: (x) => `${x}` },
    y: { type: "log", label: "ms a step", grid: true, ticks: 6, tickFormat: (y) => `${y}` },
    color: colors(present),
    marks: [
      Plot.line(data, { x: "value", y: "time", stroke: "framework", strokeWidth: 1.8 }),
      Plot.dot(data, { x: "value", y: "time", fill: "framework", r: 2.5 }),
      Plot.text(data, Plot.selectLast({ x: "value", y: "time", z: "framework", text: "framework", fill: "framework", textAnchor: "start", dx: 8 })),
    ],
  });
}
