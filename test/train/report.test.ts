import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { input, UsageError, ValueError } from "../../src/index.ts";
import { fit, type History, heatmap, report } from "../../src/train/index.ts";
import { begin, folders } from "./helpers.ts";

const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);
if (missing) console.info(`The pages of reports are not looked at: there is no ${executablePath}. Install Chromium or set CHROME_PATH.`);

const folder = folders();
const evil = "</script><script>globalThis.broken = true</script><img src=x onerror='globalThis.broken = true'>";

const history = (more: Partial<History> = {}): History => ({
  epochs: [1, 2, 3].map((epoch) => ({
    epoch, step: 10 * epoch, steps: 10, samples: 320, loss: 1 / epoch, metrics: { accuracy: 0.5 + epoch / 10 }, validation: { loss: 1.5 / epoch, accuracy: epoch === 2 ? NaN : 0.5 },
    learningRate: 0.1 / epoch, seconds: 2,
  })),
  curve: { every: 1, step: Array.from({ length: 30 }, (_, i) => i + 1), loss: Array.from({ length: 30 }, (_, i) => 2 / (i + 1)) },
  stopped: "finished", best: { epoch: 3, value: 0.5, name: "loss" }, step: 30, seconds: 7, parameters: 1234, model: "Model (1,234 parameters)\n  w: [2]", ...more,
});

describe("report", () => {
  it("writes one file that asks for nothing else", () => {
    const file = folder("deep/report.html");
    report(file, history(), { title: "A title", notes: "First.\n\nSecond." });
    const html = readFileSync(file, "utf8");
    expect(html).toContain("<title>A title</title>");
    expect(html).toContain("<p>First.</p>\n<p>Second.</p>");
    expect(html).toContain("uPlot");
    expect(html).not.toMatch(/<(?:link|script|img)[^>]+(?:src|href)=/);
    expect(html).not.toMatch(/@import|url\(/);
    for (const [name, value] of [["last loss", "0.3333"], ["best validation loss", "0.5000 (epoch 3)"], ["time", "7.0 s"], ["samples/s", "160"], ["parameters", "1,234"]]) {
      expect(html).toContain(`<dt>${name}</dt><dd>${value}</dd>`);
    }
    expect(html).toContain("Model (1,234 parameters)\n  w: [2]");
    expect(readdirSync(folder("deep"))).toEqual(["report.html"]);
  });

  it("takes numbers of a loop of one's own", () => {
    const losses = Array.from({ length: 5000 }, (_, i) => 1 / (i + 1));
    report(folder("r.html"), { loss: losses, "validation/loss": [[2500, 0.5], [5000, 0.25]], error: [[5000, NaN]], none: [] });
    const html = readFileSync(folder("r.html"), "utf8");
    for (const [name, value] of [["last loss", "0.0002000"], ["last validation loss", "0.2500"], ["last error", "NaN"], ["steps", "5,000"]]) expect(html).toContain(`<dt>${name}</dt><dd>${value}</dd>`);
    const [run] = JSON.parse(/id="runs">(.*)<\/script>/.exec(html)?.[1] ?? "");
    const [loss, validation, error, none] = run.series;
    expect(loss.x).toHaveLength(Math.ceil(5000 / 3));
    expect(loss.x.slice(0, 2)).toEqual([3, 6]);
    expect(loss.y[0]).toBeCloseTo((1 + 1 / 2 + 1 / 3) / 3, 12);
    expect(validation).toEqual({ metric: "loss", kind: "validation", epochs: true, x: [2500, 5000], y: [0.5, 0.25] });
    expect([error.y, none.y]).toEqual([[null], []]);
  });

  it("refuses what is no curve, and says which point", () => {
    const say = (loss: unknown) => expect(() => report(folder("r.html"), { loss } as never));
    say([1, "2"]).toThrow('report takes numbers, or pairs [step, number] with the steps in order, as the curve "loss", but got "2" as its point 1. Read a Variable with item().');
    say([[2, 1], [1, 1]]).toThrow(ValueError);
    say([[1, 1, 1]]).toThrow(ValueError);
    say([[1]]).toThrow(ValueError);
    say([undefined]).toThrow(ValueError);
    say([[1, input(1)]]).toThrow(ValueError);
    say([input(1)]).toThrow("Read a Variable with item().");
    say([[NaN, 1]]).toThrow(ValueError);
    say(3).toThrow(ValueError);
    expect(() => report(folder("r.html"), { a: { loss: [1] }, b: { loss: 1 } } as never)).toThrow(ValueError);
    expect(existsSync(folder("r.html"))).toBe(false);
  });

  it("refuses what is no run, and names a file that cannot be written", () => {
    for (const runs of [null, 3, {}, [], { a: 3 }, [history()]]) expect(() => report(folder("r.html"), runs as never)).toThrow(ValueError);
    expect(() => report(folder("r.html"), folder("none.jsonl"))).toThrow(ValueError);
    expect(() => report("", history())).toThrow(ValueError);
    mkdirSync(folder("r.html"));
    expect(() => report(folder("r.html"), history())).toThrow(UsageError);
    expect(readdirSync(folder(""))).toEqual(["r.html"]);
  });
});

describe.skipIf(missing)("the page of a report in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => { browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"] }); });
  afterAll(() => browser?.close());

  /** Opens a page, does something, and returns what it did wrong: errors, requests, scripts of others. */
  async function open(file: string, look: (page: Page) => Promise<void>): Promise<void> {
    const page = await browser.newPage({ colorScheme: "light" });
    const wrong: string[] = [];
    page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("request", (request) => { if (!request.url().startsWith("file:")) wrong.push(request.url()); });
    await page.goto(pathToFileURL(file).href);
    await look(page);
    if (await page.evaluate(() => "broken" in globalThis)) wrong.push("a script of the data has run");
    await page.close();
    expect(wrong).toEqual([]);
  }
  const drawn = (page: Page) => page.evaluate(() => [...document.querySelectorAll(".chart h3")].map((title) => title.textContent));
  const legends = (page: Page) => page.evaluate(() => [...document.querySelectorAll(".chart:first-child .u-legend .u-label")].map((label) => label.textContent));

  it("draws the curves, also on other scales", async () => {
    report(folder("r.html"), history());
    await open(folder("r.html"), async (page) => {
      expect(await drawn(page)).toEqual(["loss", "accuracy", "learning rate"]);
      expect(await legends(page)).toEqual(["step", "training", "validation"]);
      const inked = await page.evaluate(() => {
        const canvas = document.querySelector("canvas") as HTMLCanvasElement;
        const { data } = (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);
        let blue = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i] === 0x1f && data[i + 1] === 0x5f && data[i + 2] === 0xbf && data[i + 3] === 255) blue++;
        return blue;
      });
      expect(inked).toBeGreaterThan(100); // a line of 2 pixels over most of the width
      // Each as wide as its place, which depends on how many there are.
      const widths = await page.evaluate(() => [...document.querySelectorAll(".chart")].map((chart) => [(chart.children[1] as HTMLElement).clientWidth, (chart.querySelector(".uplot") as HTMLElement).offsetWidth]));
      expect(widths).toHaveLength(3);
      for (const [place, plot] of widths) expect(plot).toBe(place);
      await page.hover(".chart:first-child .u-over");
      expect(await page.textContent(".chart:first-child .u-legend")).toMatch(/^step1\dtraining0\.1/); // the values in the middle
      await page.check("input[value=epochs]");
      expect(await legends(page)).toEqual(["epoch", "training", "validation"]);
      await page.check("#log");
      await page.fill("#smooth", "0.9");
      await page.click("#theme");
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
      expect(await drawn(page)).toHaveLength(3);
      await page.setViewportSize({ width: 400, height: 800 });
      await page.waitForFunction(() => document.documentElement.scrollWidth <= 400);
    });
  }, 60_000);

  it("shows text as text, wherever it comes from", async () => {
    const wild = history({ model: evil });
    const epochs = wild.epochs.map((epoch) => ({ ...epoch, metrics: { [evil]: 1 }, validation: { [evil]: 2 } }));
    const metrics = folder("m.jsonl");
    writeFileSync(metrics, `${JSON.stringify({ event: "step", time: 1, epoch: 1, step: 1, loss: 1, learningRate: 1, [evil]: 3 })}\n`);
    report(folder("r.html"), { [evil]: { ...wild, epochs }, file: metrics }, {
      title: evil, notes: evil, sections: [{ title: evil, text: evil, table: { columns: [evil], rows: [[evil], [1]] }, html: heatmap([[1]], { title: evil, rows: [evil], columns: [evil] }) }],
    });
    await open(folder("r.html"), async (page) => {
      expect(await page.title()).toBe(evil);
      expect(await page.textContent("h1")).toBe(evil);
      expect(await drawn(page)).toContain(evil);
      expect(await page.locator("img").count()).toBe(0);
    });
  }, 60_000);

  it("compares real trainings, from histories and from metrics files", async () => {
    const { θ, ...options } = begin();
    const first = await fit(θ, { ...options, epochs: 3, metrics: folder("m.jsonl") });
    const { θ: other, ...more } = begin(true);
    const second = await fit(other, { ...more, epochs: 3 });
    report(folder("r.html"), { first, second, file: folder("m.jsonl") });
    await open(folder("r.html"), async (page) => {
      expect(await legends(page)).toEqual(["step", "first training", "second training", "file training"]);
      expect(await page.evaluate(() => [...document.querySelectorAll("thead th")].map((cell) => cell.textContent))).toEqual(["", "first", "second", "file"]);
    });
    report(folder("r.html"), [folder("m.jsonl")]);
    await open(folder("r.html"), async (page) => { expect(await drawn(page)).toEqual(["loss"]); });
  }, 60_000);

  it("compares loops of one's own", async () => {
    report(folder("r.html"), { first: { loss: [3, 2, 1], error: [[3, 0.5]] }, second: { loss: [3, 1], "validation/loss": [[2, 2]] } });
    await open(folder("r.html"), async (page) => {
      expect(await drawn(page)).toEqual(["loss", "error"]);
      expect(await legends(page)).toEqual(["step", "first training", "second training", "second validation"]);
      await page.check("input[value=epochs]"); // without epochs the steps stay
      expect(await drawn(page)).toEqual(["loss", "error"]);
    });
  }, 60_000);

  it("says little when there is little", async () => {
    report(folder("r.html"), history({ epochs: [], curve: { every: 1, step: [], loss: [] }, best: null, step: 0, stopped: "interrupted" }));
    await open(folder("r.html"), async (page) => { expect(await drawn(page)).toEqual([]); });
  }, 60_000);
});
