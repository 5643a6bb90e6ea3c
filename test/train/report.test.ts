import fs, { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { input, UsageError, ValueError } from "../../src/index.ts";
import { type Curves, fit, type History, heatmap, report } from "../../src/train/index.ts";
import { begin, folders } from "./helpers.ts";

const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);
if (missing) console.info(`The pages of reports are not looked at: there is no ${executablePath}. Install Chromium or set CHROME_PATH.`);

const folder = folders();
const evil = "</script><script>globalThis.broken = true</script><img src=x onerror='globalThis.broken = true'>";

const history = (more: Partial<History> = {}): History => ({
  epochs: [1, 2, 3].map((epoch) => ({
    epoch, step: 10 * epoch, steps: 10, samples: 320, loss: 1 / epoch, metrics: { accuracy: 0.5 + epoch / 10 },
    validation: { loss: 1.5 / epoch, accuracy: epoch === 2 ? NaN : 0.5 },
    matrices: {}, learningRate: 0.1 / epoch, seconds: 2,
  })),
  curve: { every: 1, step: Array.from({ length: 30 }, (_, i) => i + 1), loss: Array.from({ length: 30 }, (_, i) => 2 / (i + 1)) },
  stopped: "finished", best: { epoch: 3, value: 0.5, name: "loss" }, step: 30, seconds: 7, parameters: 1234, model: "Model (1,234 parameters)\n  w: [2]",
  ...more,
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
    for (const [name, value] of [
      ["last loss", "0.3333"], ["best validation loss", "0.5000 (epoch 3)"], ["time", "7.0 s"], ["samples/s", "160"], ["parameters", "1,234"],
    ]) {
      expect(html).toContain(`<dt>${name}</dt><dd>${value}</dd>`);
    }
    expect(html).toContain("Model (1,234 parameters)\n  w: [2]");
    expect(readdirSync(folder("deep"))).toEqual(["report.html"]);
  });

  it("takes numbers of a loop of one's own", () => {
    const losses = Array.from({ length: 5000 }, (_, i) => 1 / (i + 1));
    report(folder("r.html"), { loss: losses, "validation/loss": [[2500, 0.5], [5000, 0.25]], error: [[5000, NaN]], none: [] });
    const html = readFileSync(folder("r.html"), "utf8");
    for (const [name, value] of [["last loss", "0.0002000"], ["last validation loss", "0.2500"], ["last error", "NaN"], ["steps", "5,000"]]) {
      expect(html).toContain(`<dt>${name}</dt><dd>${value}</dd>`);
    }
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
    say([1, "2"]).toThrow(
      'report takes numbers, or pairs [step, number] with the steps in order, as the curve "loss", but got "2" as its point 1. Read a Variable with item().',
    );
    say([[2, 1], [1, 1]]).toThrow(ValueError);
    say([[1, 1, 1]]).toThrow(ValueError);
    say([[1]]).toThrow(ValueError);
    say([undefined]).toThrow(ValueError);
    say([[1, input(1)]]).toThrow(ValueError);
    say([input(1)]).toThrow("Read a Variable with item().");
    say([[NaN, 1]]).toThrow(ValueError);
    say([[Infinity, 1]]).toThrow(ValueError);
    say([[2 ** 60, 1]]).toThrow(ValueError);
    say(3).toThrow(ValueError);
    expect(() => report(folder("r.html"), { a: { loss: [1] }, b: { loss: 1 } } as never)).toThrow(ValueError);
    expect(existsSync(folder("r.html"))).toBe(false);
  });

  it("shows the trainings that were added to one file as curves of their own", async () => {
    const file = folder("m.jsonl");
    const line = (event: string, epoch: number, step: number, loss: number, more: object = {}) =>
      `${JSON.stringify({ event, time: step, ...more, epoch, step, loss, learningRate: 1 })}\n`;
    const losses = (...of: (string | readonly string[] | Record<string, string>)[]) => {
      report(folder("r.html"), of.length === 1 ? of[0] : (of as string[]));
      const runs = JSON.parse(
        /id="runs">(.*)<\/script>/.exec(readFileSync(folder("r.html"), "utf8"))?.[1] ?? "",
      ) as { name: string; series: { metric: string; x: number[]; y: number[] }[] }[];
      return runs.map(({ name, series }) => [name, ...series.filter(({ metric }) => metric === "loss").map(({ x, y }) => [x, y])]);
    };
    // Written before lines had a number of their run: a step or an epoch that goes back begins another one.
    writeFileSync(file, line("step", 1, 1, 4) + line("step", 1, 2, 3) + line("epoch", 1, 2, 3.5) + line("step", 1, 1, 8) + line("epoch", 1, 1, 8) +
      line("step", 1, 1, 7) + line("step", 1, 5, 6) + line("step", 1, 5, 1));
    expect(losses(file)).toEqual([["m 1", [[1, 2], [4, 3]]], ["m 2", [[1], [8]]], ["m 3", [[1, 5], [7, 6]]], ["m 4", [[5], [1]]]]);
    writeFileSync(file, line("epoch", 1, 10, 4) + line("epoch", 2, 20, 3) + line("epoch", 1, 30, 9));
    expect(losses({ a: file })).toEqual([["a 1", [[10, 20], [4, 3]]], ["a 2", [[30], [9]]]]);
    // With numbers they may even take turns, and need not go back.
    writeFileSync(file, line("step", 1, 1, 4) + line("step", 1, 2, 5, { run: 7 }) + line("step", 1, 2, 3) + line("step", 1, 4, 6, { run: 7 }));
    expect(losses(file)).toEqual([["m 1", [[1, 2], [4, 3]]], ["m 2", [[2, 4], [5, 6]]]]);
    // As fit adds them.
    writeFileSync(file, "");
    for (let i = 0; i < 2; i++) {
      const { θ, ...options } = begin();
      await fit(θ, { ...options, epochs: 1, metrics: { path: file, append: true } });
    }
    expect(losses(file).map(([name, [x]]) => [name, x])).toEqual([["m 1", [1, 2, 3, 4, 5, 6, 7]], ["m 2", [1, 2, 3, 4, 5, 6, 7]]]);
  });

  it("tells files of one name by their folders", () => {
    for (const name of ["a/b/m.jsonl", "c/b/m.jsonl", "c/n.jsonl", "c/x.json", "c/x.jsonl"]) {
      mkdirSync(folder(name.slice(0, name.lastIndexOf("/"))), { recursive: true });
      writeFileSync(folder(name), "");
    }
    report(folder("r.html"), ["a/b/m.jsonl", "c/b/m.jsonl", "c/n.jsonl", "c/n.jsonl", "c/x.json", "c/x.jsonl"].map(folder));
    const runs = JSON.parse(/id="runs">(.*)<\/script>/.exec(readFileSync(folder("r.html"), "utf8"))?.[1] ?? "") as { name: string }[];
    expect(runs.map(({ name }) => name)).toEqual(["a/b/m", "c/b/m", "n.jsonl", "n.jsonl (2)", "x.json", "x.jsonl"]);
  });

  it.skipIf(process.platform === "win32")("replaces a file as save does: a link stays one, and so do permissions", () => {
    writeFileSync(folder("real.html"), "old", { mode: 0o600 });
    symlinkSync("real.html", folder("link.html"));
    report(folder("link.html"), history());
    expect(lstatSync(folder("link.html")).isSymbolicLink()).toBe(true);
    expect(readFileSync(folder("real.html"), "utf8")).toContain("uPlot");
    expect(statSync(folder("real.html")).mode & 0o777).toBe(0o600);
    // as of a write-protected file; root may write it
    vi.spyOn(fs, "accessSync").mockImplementation(() => { throw Object.assign(new Error(), { code: "EACCES" }); });
    const before = readFileSync(folder("real.html"));
    expect(() => report(folder("real.html"), history())).toThrow(`The report ${folder("real.html")} could not be written: permission was denied`);
    vi.restoreAllMocks();
    expect(readFileSync(folder("real.html")).equals(before)).toBe(true);
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
  beforeAll(async () => { browser = await chromium.launch({
    executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  }); });
  afterAll(() => browser?.close());

  /** Opens a page, does something, and returns what it did wrong: errors, requests, scripts of others. */
  async function open(file: string, look: (page: Page) => Promise<void>): Promise<void> {
    const page = await browser.newPage({ colorScheme: "light" });
    const wrong: string[] = [];
    page.on("console", (message) => { if (message.type() === "error") wrong.push(message.text()); });
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("request", (request) => { if (!request.url().startsWith("file:")) wrong.push(request.url()); });
    let late: NodeJS.Timeout | undefined;
    try {
      // A script that does not end would keep everybody waiting.
      await Promise.race([
        page.goto(pathToFileURL(file).href).then(() => look(page)),
        new Promise((_, reject) => { late = setTimeout(() => reject(new Error("The page hangs.")), 45_000); }),
      ]);
    } finally {
      clearTimeout(late);
    }
    if (await page.evaluate(() => "broken" in globalThis)) wrong.push("a script of the data has run");
    await page.close();
    expect(wrong).toEqual([]);
  }
  const drawn = (page: Page) => page.evaluate(() => [...document.querySelectorAll(".chart h3")].map((title) => title.textContent));
  const legends = (page: Page) =>
    page.evaluate(() => [...document.querySelectorAll(".chart:first-child .u-legend .u-label")].map((label) => label.textContent));

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
      const widths = await page.evaluate(() => [...document.querySelectorAll(".chart")].map((chart) =>
        [(chart.children[1] as HTMLElement).clientWidth, (chart.querySelector(".uplot") as HTMLElement).offsetWidth]));
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
      title: evil, notes: evil,
      sections: [{
        title: evil, text: evil, table: { columns: [evil], rows: [[evil], [1]] }, html: heatmap([[1]], { title: evil, rows: [evil], columns: [evil] }),
      }],
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

  const ulp = 1.0000001192092896;
  const nasty: Record<string, (readonly number[] | readonly (readonly [number, number])[])[]> = {
    "values an ulp apart": [[1, ulp], [1, 1 + 2 ** -52], [-1, -ulp], [3e7, 3e7 + 2], [1e22, 1e22 * ulp]],
    "equal values": [[1, 1], [0, 0, 0], [-5, -5], [1e300, 1e300], [5e-324, 5e-324], [-0, 0]],
    "one point, or none that can be drawn": [[1], [0], [-1e-320], [NaN, NaN], [Infinity, -Infinity], [NaN, 1, Infinity], []],
    "the largest and the smallest numbers": [[1.7e308, -1.7e308], [1.7e308, 1.7e308], [1e308, 1e-308], [5e-324, 1e-323], [1e-320, 1], [0, 5e-324]],
    "negative values, and both signs": [[-1, -2, -3], [-1, 1], [-1e-20, 1e20]],
    "steps that are far away, close together, or one": [
      [[1, 1], [1 + 2 ** -52, 2]], [[2 ** 53 - 2, 1], [2 ** 53 - 1, 2]], [[-7, 1], [0, 2]], [[5, 3]], [[0.1, 1], [0.1 + 2e-17, 2]],
    ],
  };
  it.each(Object.entries(nasty))("draws %s, on every scale and zoomed in as far as one likes", async (_, given) => {
    report(folder("r.html"), Object.fromEntries(given.map((points, i) => [`curve ${i}`, points])) as Curves);
    await open(folder("r.html"), async (page) => {
      const charts = given.filter((points) => points.length > 0).length;
      const isAlive = async () => {
        expect(await drawn(page)).toHaveLength(charts);
        expect(await page.evaluate(() => document.documentElement.dataset.drawn)).toBe(String(charts));
      };
      await isAlive();
      for (const change of [() => page.check("#log"), () => page.fill("#smooth", "0.5"), () => page.check("input[value=epochs]"), () => page.uncheck("#log")]) {
        await change();
        await isAlive();
      }
      await page.check("input[value=steps]");
      for (const plot of await page.locator(".u-over").all()) {
        // A mouse would wait for each picture.
        await plot.evaluate(async (over) => {
          const { left, top, width, height } = over.getBoundingClientRect();
          const mouse = (type: string, part: number): boolean => over.dispatchEvent(
            new MouseEvent(type, { bubbles: true, clientX: left + width * part, clientY: top + height / 2, movementX: 1 }));
          for (let i = 0; i < 8; i++) {
            for (const [type, part] of [["move", 0.49], ["down", 0.49], ["move", 0.51], ["up", 0.51]] as const) mouse(`mouse${type}`, part);
            await new Promise((resolve) => { setTimeout(resolve); });
          }
        });
        await isAlive();
        await plot.dblclick();
      }
      await isAlive();
    });
  }, 60_000);

  it("labels ticks so that they can be told apart", async () => {
    // What is written on the canvas is heard by a page that listens before it is drawn.
    report(folder("r.html"), { loss: [1, ulp, 1.0000003] });
    const html = readFileSync(folder("r.html"), "utf8");
    writeFileSync(folder("r.html"), html.replace("<body>", `<body><script>
      globalThis.written = [];
      const { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { written.push(text); return fillText.call(this, text, ...rest); };
    </script>`));
    await open(folder("r.html"), async (page) => {
      const written = [...new Set(await page.evaluate(() => (globalThis as unknown as { written: string[] }).written))];
      const ticks = written.filter((text) => text.startsWith("1.0000"));
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      for (const tick of ticks) expect(Number(tick)).toBeLessThan(1.000001);
      await page.hover(".u-over");
      expect(await page.textContent(".u-legend")).toMatch(/step2training1\.0000001/);
    });
  }, 60_000);

  it("goes over to epochs at once where there are very many", async () => {
    const count = 150_000;
    const epochs = Array.from({ length: count }, (_, i) => ({ ...history().epochs[0], epoch: i + 1, step: i + 1, steps: 1 }));
    report(folder("r.html"), history({
      epochs,
      curve: { every: 74, step: Array.from({ length: 2027 }, (_, i) => 74 * (i + 1)), loss: Array.from({ length: 2027 }, (_, i) => 1 / (i + 1)) },
    }));
    await open(folder("r.html"), async (page) => {
      const start = performance.now();
      await page.check("input[value=epochs]");
      expect(await drawn(page)).toEqual(["loss", "accuracy"]);
      expect(performance.now() - start).toBeLessThan(20_000); // each point against each epoch would be 10⁹ comparisons and more
    });
  }, 60_000);

  it("says little when there is little", async () => {
    report(folder("r.html"), history({ epochs: [], curve: { every: 1, step: [], loss: [] }, best: null, step: 0, stopped: "interrupted" }));
    await open(folder("r.html"), async (page) => { expect(await drawn(page)).toEqual([]); });
  }, 60_000);
});
