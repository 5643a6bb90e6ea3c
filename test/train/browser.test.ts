/** fit in a real browser, bundled as a user would. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";
import { describe, expect, it } from "vitest";

const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";

describe.skipIf(!existsSync(executablePath))("fit in Chromium", () => {
  it("trains, gives way to the page, and says what needs Node", async () => {
    const bundle = await esbuild.build({
      stdin: { resolveDir: fileURLToPath(new URL("../..", import.meta.url)), loader: "ts", contents: `
        import { Adam, parameter, Component } from "flimsy-ml";
        import { fit } from "flimsy-ml/train";
        class Scalar extends Component { w = parameter(3); }
        const θ = new Scalar();
        const options = { cost: (x) => θ.w.sub(x).pow(2).sum(), optimizer: new Adam(θ, { learningRate: 0.1 }) };
        let ticks = 0;
        const timer = setInterval(() => ticks++, 5);
        const work = () => { for (const end = performance.now() + 20; performance.now() < end; ); };
        const history = await fit(θ, { ...options, data: new Array(20).fill(1), epochs: 3, onStep: work, patience: 5 });
        clearInterval(timer);
        const errors = [];
        for (const more of [{ metrics: "m" }, { tensorboard: "t" }, { checkpoint: "c" }]) {
          errors.push(await fit(θ, { ...options, data: [1], epochs: 1, ...more }).catch((error) => error.name + ": " + error.message));
        }
        globalThis.done = { history, ticks, errors };
      ` },
      bundle: true, write: false, format: "esm", platform: "browser", conditions: ["flimsy-source"], logLevel: "error",
    });
    const browser =
      await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"] });
    try {
      const page = await browser.newPage();
      const wrong: string[] = [];
      page.on("pageerror", (error) => wrong.push(String(error)));
      await page.addScriptTag({ type: "module", content: bundle.outputFiles[0].text });
      await page.waitForFunction(() => "done" in globalThis, undefined, { timeout: 15_000 }).catch(() => {});
      expect(wrong).toEqual([]);
      const { history, ticks, errors } = await page.evaluate(() =>
        (globalThis as never as { done: { history: { step: number; stopped: string; epochs: { loss: number }[] }; ticks: number; errors: string[] } }).done);
      expect([history.step, history.stopped]).toEqual([60, "finished"]);
      expect(history.epochs[2].loss).toBeLessThan(history.epochs[0].loss);
      expect(ticks).toBeGreaterThanOrEqual(5); // 60 steps of 20 ms at least, and a turn of the event loop after each third
      expect(errors.map((text) => text.slice(0, 11))).toEqual(["UsageError:", "UsageError:", "UsageError:"]);
    } finally {
      await browser.close();
    }
  }, 60_000);
});
