/** The built package in a real browser: a page without a bundler trains a logistic regression. */

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type OutgoingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build } from "../../scripts/build.js";

interface Report {
  losses: number[];
  accuracy: number;
  isolated: boolean;
  /** Whether the model that was saved and restored predicts the same. */
  same: boolean;
  updates: number;
  refusal: string;
  threads: { count: number; limit: number; why: string };
  /** Whether a large step gives the same numbers once the workers have started. */
  unchanged: boolean;
  /** These numbers. */
  numbers: number[];
}

const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);
if (missing) {
  console.info(`The browser smoke test is skipped: there is no ${executablePath}. Install Chromium or set CHROME_PATH.`);
}

/** No eval and no new Function: the library has to do without them. */
const policy = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'";
/** With these a page has SharedArrayBuffer. */
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function serve(dist: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const reply = (status: number, headers: OutgoingHttpHeaders, body?: Buffer) => {
      response.writeHead(status, { ...(url.searchParams.has("isolated") && isolation), ...headers }).end(body);
    };
    try {
      if (url.pathname === "/favicon.ico") reply(204, {});
      else if (url.pathname === "/") {
        const page = await readFile(new URL("./page.html", import.meta.url));
        reply(200, { "Content-Type": "text/html", "Content-Security-Policy": url.searchParams.has("workers") ? `${policy} blob:` : policy }, page);
      } else if (/^\/dist\/[\w./-]+\.js$/.test(url.pathname)) {
        const script = await readFile(path.join(dist, url.pathname.slice("/dist/".length)));
        reply(200, { "Content-Type": "text/javascript", "Cross-Origin-Embedder-Policy": "require-corp" }, script);
      } else reply(404, {});
    } catch {
      reply(404, {});
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

describe.skipIf(missing)("the built package in Chromium", () => {
  let folder: string;
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "flimsy-ml-"));
    await build(folder);
    server = await serve(folder);
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
    const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", ...quiet];
    browser = await chromium.launch({ executablePath, args });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  let numbers: number[] | null = null;

  it.each([
    { name: "an ordinary page", query: "?workers", isolated: false, why: /isolated.*Cross-Origin-Opener-Policy/, refused: null },
    { name: "a page with SharedArrayBuffer", query: "?isolated&workers", isolated: true, why: null, refused: null },
    { name: "a page that forbids workers", query: "?isolated", isolated: true, why: /worker/, refused: /blob:/ },
  ])("trains in $name", async ({ query, isolated, why, refused }) => {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    // A module that fails sets no report: the first error ends the waiting.
    const failed = new Promise((resolve) => {
      page.on("pageerror", (error) => resolve(errors.push(error.stack || String(error))));
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${query}`);
    await Promise.race([page.waitForFunction(() => "report" in globalThis), failed]);
    expect(errors.filter((text) => refused === null || !refused.test(text))).toEqual([]);
    const report = await page.evaluate(() => (globalThis as unknown as { report: Report }).report);
    await page.close();

    const { losses } = report;
    expect(report.isolated).toBe(isolated);
    expect(losses).toHaveLength(100);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses[99]).toBeLessThan(losses[0] / 2);
    expect(report.accuracy).toBeGreaterThan(0.7);
    expect([report.same, report.updates]).toEqual([true, 100]);
    expect(report.threads).toMatchObject(why === null ? { count: 2, limit: 2, why: "" } : { count: 1, limit: 1, why: expect.stringMatching(why) });
    expect(report.unchanged).toBe(true);
    expect(report.numbers.every(Number.isFinite)).toBe(true);
    numbers ??= report.numbers;
    expect(report.numbers.findIndex((value, i) => value !== numbers?.[i])).toBe(-1);
    expect(report.refusal).toMatch(/^UsageError: save got a path, but there are no files here.*serialize/);
  });
});
