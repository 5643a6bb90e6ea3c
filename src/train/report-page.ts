/** The style and the script of a report's page. The script reads its data from the page, and writes text only as text. */

export const pageStyle = `
:root { color-scheme: light; --back: #f6f7f9; --card: #fff; --text: #1c2330; --faint: #667085; --line: #e2e5ea; --heat: #1f5fbf; --accent: #1f5fbf; }
:root[data-theme=dark] { color-scheme: dark; --back: #12151b; --card: #1a1f28; --text: #e4e8ef; --faint: #97a1b3; --line: #2d3542; --heat: #6ea8fe; --accent: #6ea8fe; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { display: flex; align-items: center; justify-content: space-between; gap: 16px; padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 10px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 75ch; overflow-wrap: anywhere; }
.notes { color: var(--faint); }
section { margin: 28px 0; }
button { font: inherit; font-size: 18px; color: inherit; background: none; border: 1px solid var(--line); border-radius: 8px; width: 36px; height: 36px; cursor: pointer; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px; margin: 20px 0; }
.tile, .chart, .scroll, pre, .heatmap { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 10px 14px; }
.tile dt { color: var(--faint); font-size: 13px; }
.tile dd { margin: 0; font-size: 17px; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.controls { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 22px; margin-bottom: 12px; }
.controls label { display: inline-flex; align-items: center; gap: 6px; margin-right: 8px; }
.controls output { width: 3em; color: var(--faint); font-variant-numeric: tabular-nums; }
fieldset { border: 0; margin: 0; padding: 0; display: flex; align-items: center; }
legend { float: left; padding: 0 8px 0 0; color: var(--faint); }
input { accent-color: var(--accent); margin: 0; }
.hint { color: var(--faint); font-size: 13px; }
#charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 14px; }
.chart { padding: 12px 12px 6px; min-width: 0; }
.chart h3 { margin: 0 0 4px 6px; font-size: 15px; overflow-wrap: anywhere; }
.chart .uplot, .u-legend { font: 12px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; color: var(--text); }
.u-legend { text-align: left; }
.u-legend .raw { display: none; }
.u-legend .u-marker { border-radius: 2px; }
.u-legend .u-value { font-variant-numeric: tabular-nums; min-width: 4em; display: inline-block; }
.u-select { background: color-mix(in srgb, var(--accent) 18%, transparent); }
.scroll { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; width: 100%; }
.scroll td, .scroll th { text-align: left; padding: 7px 14px; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.scroll tr:last-child td { border-bottom: 0; }
.scroll th { color: var(--faint); font-weight: 600; font-size: 13px; }
.scroll td:first-child { color: var(--faint); }
.scroll td.number, .scroll th.number { text-align: right; }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.heatmap { display: inline-block; max-width: 100%; padding: 12px; margin: 0 10px 10px 0 !important; vertical-align: top; }
.heatmap figcaption { font-weight: 600; margin-bottom: 4px; }
.heatmap .cell:hover { stroke: var(--text); stroke-width: 1.5; }
footer { color: var(--faint); font-size: 13px; padding-bottom: 28px; }
@media (max-width: 560px) { header, main, footer { padding-left: 14px; padding-right: 14px; } }
@media print { button, .controls { display: none; } .chart, section { break-inside: avoid; } }
`;

export const pageScript = `
"use strict";
(() => {
  const runs = JSON.parse(document.getElementById("runs").textContent);
  const charts = document.getElementById("charts");
  const root = document.documentElement;
  const light = ["#1f5fbf", "#d9691f", "#2a8c4a", "#9b3fb5", "#c22f4e", "#0f8a96", "#8a6d12", "#5b6474"];
  const dark = ["#6ea8fe", "#ff9f5a", "#5fcf86", "#d18cf0", "#ff7b93", "#45cbd8", "#e3c04d", "#aab4c5"];
  const view = { x: "steps", log: false, smooth: 0 };
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const isDark = () => root.dataset.theme === "dark";
  root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

  const format = (value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2);
    return Number.isInteger(value) ? value.toLocaleString("en-US") : String(Number(value.toPrecision(5)));
  };
  /** Where a step is, in epochs. */
  const inEpochs = (step, ends) => {
    if (ends.length === 0) return step;
    let e = 0;
    while (e < ends.length - 1 && ends[e] < step) e++;
    const from = e === 0 ? 0 : ends[e - 1];
    return e + (step - from) / (ends[e] - from);
  };
  /** An exponential average, corrected for its beginning. */
  const smoothed = (values, share) => {
    let sum = 0, weight = 0;
    return values.map((value) => {
      if (value === null) return null;
      sum = share * sum + (1 - share) * value;
      weight = share * weight + (1 - share);
      return sum / weight;
    });
  };
  const faded = (colour) => colour + "40";

  const metrics = [...new Set(runs.flatMap((run) => run.series.map((series) => series.metric)))];
  // The loss first, the learning rate last.
  const rank = (name) => (name === "loss" ? 0 : name === "learning rate" ? 2 : 1);
  metrics.sort((a, b) => rank(a) - rank(b));

  const lines = (metric) => runs.flatMap((run, r) => run.series.filter((series) => series.metric === metric && series.x.length > 0).map((series) => {
    const validation = series.kind === "validation";
    const colour = (isDark() ? dark : light)[(runs.length === 1 ? (validation ? 1 : 0) : r) % light.length];
    const kind = metric === "learning rate" ? "" : series.kind;
    const label = runs.length === 1 ? kind || metric : [run.name, kind].filter(Boolean).join(" ");
    const x = view.x === "steps" ? series.x : series.x.map((step) => inEpochs(step, run.ends));
    return { label, colour, validation, epochs: series.epochs, x, y: series.y };
  }));

  const drawn = [];
  function place(metric) {
    const all = lines(metric);
    if (all.length === 0) return () => {};
    // A learning rate that stays as it is stands in the summary.
    if (metric === "learning rate" && all.every((line) => line.y.every((value) => value === line.y[0]))) return () => {};
    const series = [{ label: view.x === "steps" ? "step" : "epoch", value: (_, value) => format(value) }];
    const tables = [];
    for (const line of all) {
      const average = view.smooth > 0 && !line.epochs && metric !== "learning rate";
      const dash = line.validation && runs.length > 1 ? [6, 4] : undefined;
      const points = { show: line.epochs && line.x.length <= 60, size: 5 };
      const value = (_, shown) => format(shown);
      if (average) {
        series.push({ label: line.label + " (raw)", class: "raw", stroke: faded(line.colour), width: 1, points: { show: false }, spanGaps: true, value });
        tables.push([line.x, line.y]);
      }
      series.push({ label: line.label, stroke: line.colour, width: 2, dash, points: line.x.length === 1 ? { show: true, size: 6 } : points, spanGaps: true, value });
      tables.push([line.x, average ? smoothed(line.y, view.smooth) : line.y]);
    }
    // A logarithm has no place for what is not positive.
    const positive = all.every((line) => line.y.every((value) => value === null || value > 0));
    const log = view.log && positive;
    const data = uPlot.join(tables);
    const box = document.createElement("div");
    box.className = "chart";
    const title = document.createElement("h3");
    title.textContent = metric + (view.log && !positive ? " (not all positive: linear scale)" : "");
    const plot = document.createElement("div");
    box.append(title, plot);
    charts.append(box);
    const axis = { stroke: () => css("--faint"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { stroke: () => css("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
    // Ticks of a logarithmic axis: the decades, and 2 and 5 where there is room for them.
    const ticks = (_, values) => {
      const decades = values.filter((value) => value !== null && Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9).length;
      return values.map((value) => {
        if (value === null) return null;
        const digit = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
        return digit === 1 || digit === 10 || (decades <= 3 && (digit === 2 || digit === 5)) ? format(value) : null;
      });
    };
    const options = {
      width: 0, height: 260, series,
      scales: { x: { time: false }, y: log ? { distr: 3, range: (_, low, high) => [low / 1.15, high * 1.15] } : {} },
      axes: [axis, { ...axis, size: 64, values: log ? ticks : (_, values) => values.map((value) => (value === null ? null : format(value))) }],
      cursor: { points: { size: 6 } },
    };
    // Drawn when all places are there: how wide one is depends on the others.
    return () => {
      options.width = Math.max(200, plot.clientWidth);
      drawn.push({ plot: new uPlot(options, data, plot), place: plot });
    };
  }

  function redraw() {
    for (const { plot } of drawn.splice(0)) plot.destroy();
    charts.textContent = "";
    for (const draw of metrics.map(place)) draw();
    root.dataset.drawn = String(drawn.length);
  }

  let waiting = 0;
  addEventListener("resize", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => { for (const { plot, place } of drawn) plot.setSize({ width: Math.max(200, place.clientWidth), height: 260 }); });
  });
  for (const radio of document.querySelectorAll("input[name=x]")) radio.addEventListener("change", () => { view.x = radio.value; redraw(); });
  document.getElementById("log").addEventListener("change", (event) => { view.log = event.target.checked; redraw(); });
  document.getElementById("smooth").addEventListener("input", (event) => {
    view.smooth = Number(event.target.value);
    document.getElementById("smoothed").textContent = event.target.value;
    redraw();
  });
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; redraw(); });
  redraw();
})();
`;
