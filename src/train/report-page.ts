/** The style and the script of a report's page. The script reads its data from the page, and writes text only as text. */

export const pageStyle = `
:root { color-scheme: light; --back: #f6f7f9; --card: #fff; --text: #1c2330; --faint: #667085; --line: #e2e5ea; --heat: #1f5fbf; --accent: #1f5fbf; }
:root[data-theme=dark] { color-scheme: dark; --back: #12151b; --card: #1a1f28; --text: #e4e8ef; --faint: #97a1b3; --line: #2d3542;
  --heat: #6ea8fe; --accent: #6ea8fe; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { display: flex; align-items: center; justify-content: space-between; gap: 16px; padding-top: 28px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 10px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 75ch; overflow-wrap: anywhere; }
.notes { color: var(--faint); }
section { margin: 28px 0; }
button { font: inherit; font-size: 18px; color: inherit; background: none; border: 1px solid var(--line);
  border-radius: 8px; width: 36px; height: 36px; cursor: pointer; }
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

  /** A number in a few characters, or in as many digits as are needed to tell it from its neighbours. */
  const format = (value, digits = 0) => {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e7)) return digits === 0 ? value.toExponential(2) : value.toExponential(digits - 1).replace(/\\.?0+e/, "e");
    return Number.isInteger(value) ? value.toLocaleString("en-US") : String(Number(value.toPrecision(Math.max(5, digits))));
  };
  /** How many digits tell numbers of a size apart that differ by so much. */
  const digitsFor = (size, difference) => (difference > 0 && size > 0 ? Math.min(15, Math.max(0, Math.ceil(Math.log10(size / difference))) + 1) : 0);
  const sizeOf = (low, high) => Math.max(Math.abs(low), Math.abs(high));
  /**
   * A range that has a size, whatever the values are: equal ones, none, or some that differ in the last bits only. The library that draws leaves
   * that to us, and looks for ticks for ever where there can be none.
   */
  const wide = (low, high, pad) => {
    if (low === null || high === null || !(low <= high)) return [0, 1];
    const size = sizeOf(low, high);
    const least = Math.max(low === high ? 0.2 * size || 1 : 1e-12 * size, 1e-290);
    const middle = low / 2 + high / 2;
    const span = high - low;
    if (span < least) return [middle - least / 2, middle + least / 2];
    return [low >= 0 && low < pad * span ? 0 : low - pad * span, high + pad * span];
  };
  /** Round numbers in a range, at most so many: a bounded number of steps, however small they are. */
  const ticks = (low, high, most) => {
    const raw = (high - low) / most;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
    const first = Math.ceil(low / step);
    const count = Math.min(Math.floor(high / step) - first + 1, most + 1);
    return Array.from({ length: Math.max(0, count) || 0 }, (_, i) => Number(((first + i) * step).toPrecision(15)));
  };
  /** The same where positions are logarithms: decades, 2 and 5 between them where there is room, or round numbers in less than a decade. */
  const logTicks = (low, high, most) => {
    if (high - low < 1) return ticks(10 ** low, 10 ** high, most).map(Math.log10).filter((tick) => tick >= low && tick <= high);
    const stride = Math.max(1, Math.ceil((high - low) / most));
    const digits = high - low <= 3 ? [0, Math.log10(2), Math.log10(5)] : [0];
    const decades = Array.from({ length: Math.floor((high - Math.floor(low)) / stride) + 1 }, (_, i) => Math.floor(low) + i * stride);
    return decades.flatMap((decade) => digits.map((digit) => decade + digit)).filter((tick) => tick >= low && tick <= high);
  };
  /** Where a step is, in epochs. */
  const inEpochs = (step, ends) => {
    if (ends.length === 0) return step;
    let [e, above] = [0, ends.length - 1];
    while (e < above) {
      const middle = (e + above) >> 1;
      if (ends[middle] < step) e = middle + 1;
      else above = middle;
    }
    const from = e === 0 ? 0 : ends[e - 1];
    return e + (step - from) / (ends[e] - from || 1);
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
    const values = all.flatMap((line) => line.y.filter((value) => value !== null));
    const least = values.reduce((a, b) => Math.min(a, b), Infinity);
    const greatest = values.reduce((a, b) => Math.max(a, b), -Infinity);
    // A logarithm has no place for what is not positive.
    const positive = values.length === 0 || least > 0;
    const log = view.log && positive;
    // Of the largest numbers there are, a difference may be larger still.
    const unit = sizeOf(least, greatest) > 1e290 ? 1e20 : 1;
    const [put, back] = log ? [Math.log10, (value) => 10 ** value] : [(value) => value / unit, (value) => value * unit];
    const putAll = (values) => values.map((value) => (value === null ? null : put(value)));
    const digits = digitsFor(sizeOf(least, greatest), greatest - least);
    const series = [{ label: view.x === "steps" ? "step" : "epoch", value: (_, value) => format(value) }];
    const tables = [];
    for (const line of all) {
      const average = view.smooth > 0 && !line.epochs && metric !== "learning rate";
      const dash = line.validation && runs.length > 1 ? [6, 4] : undefined;
      const points = { show: line.epochs && line.x.length <= 60, size: 5 };
      const value = (_, shown) => (shown === null || shown === undefined ? "–" : format(back(shown), digits + 1));
      if (average) {
        series.push({ label: line.label + " (raw)", class: "raw", stroke: faded(line.colour), width: 1, points: { show: false }, spanGaps: true, value });
        tables.push([line.x, putAll(line.y)]);
      }
      const marks = line.x.length === 1 ? { show: true, size: 6 } : points;
      series.push({ label: line.label, stroke: line.colour, width: 2, dash, points: marks, spanGaps: true, value });
      tables.push([line.x, putAll(average ? smoothed(line.y, view.smooth) : line.y)]);
    }
    const data = uPlot.join(tables);
    const box = document.createElement("div");
    box.className = "chart";
    const title = document.createElement("h3");
    title.textContent = metric + (view.log && !positive ? " (not all positive: linear scale)" : "");
    const plot = document.createElement("div");
    box.append(title, plot);
    charts.append(box);
    const axis = {
      stroke: () => css("--faint"), grid: { stroke: () => css("--line"), width: 1 }, ticks: { stroke: () => css("--line"), width: 1 },
      font: "12px system-ui, sans-serif",
      incrs: (_, axis, low, high) => [Math.max(5, high - low)], // not used, but asked for
    };
    const labels = (shown, back) => {
      const values = shown.map(back);
      const digits = values.reduce((most, value, i) => (i === 0 ? most : Math.max(most, digitsFor(sizeOf(values[i - 1], value), value - values[i - 1]))), 1);
      return values.map((value) => format(value, digits));
    };
    const options = {
      width: 0, height: 260, series,
      scales: { x: { time: false, range: (_, low, high) => wide(low, high, 0) }, y: { range: (_, low, high) => wide(low, high, 0.06) } },
      axes: [
        {
          ...axis, splits: (plot, _, low, high) => ticks(low, high, Math.max(2, Math.floor(plot.width / 90))),
          values: (_, shown) => labels(shown, (value) => value),
        },
        {
          ...axis, splits: (_, axis, low, high) => (log ? logTicks : ticks)(low, high, 6), values: (_, shown) => labels(shown, back),
          size: (_, shown) => Math.max(64, 16 + 7 * (shown ?? []).reduce((longest, text) => Math.max(longest, text.length), 0)),
        },
      ],
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
