/** The built package in a real browser: a page without a bundler trains a logistic regression. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type OutgoingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import * as esbuild from "esbuild";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { built } from "../built.ts";

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

/** Pages and scripts of single tests, by path. */
const extra = new Map<string, string>();

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
      } else if (extra.has(url.pathname)) {
        const policyOf = url.searchParams.get("policy");
        const type = url.pathname.endsWith(".js") ? "text/javascript" : "text/html";
        reply(200, { "Content-Type": type, ...(policyOf !== null && { "Content-Security-Policy": policyOf }) }, Buffer.from(extra.get(url.pathname) as string));
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
    folder = await built();
    server = await serve(folder);
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
    const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", ...quiet];
    browser = await chromium.launch({ executablePath, args });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
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

  const opened = async (address: string): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}${address}`);
    return page;
  };

  it("says which directive a policy lacks that forbids WebAssembly, and computes on the reference device there", async () => {
    extra.set("/policy", '<!doctype html><script type="module" src="/policy.js"></script>').set("/policy.js", `
      import { DeviceError, grad, parameter, setDevice, sum } from "/dist/index.js";
      let message = "";
      try { grad(() => sum(parameter([1]))); } catch (error) { if (error instanceof DeviceError) message = error.message; }
      setDevice("reference");
      const w = parameter([1, 2]);
      globalThis.result = { loss: grad(() => sum(w.mul(w))).item(), gradient: w.grad.toArray(), message };`);
    const page = await opened(`/policy?policy=${encodeURIComponent("script-src 'self'")}`);
    await page.waitForFunction("globalThis.result !== undefined");
    const result = await page.evaluate(() => (globalThis as unknown as { result: { message: string } }).result);
    await page.close();
    // In the middle is what Chromium says.
    expect(result.message).toMatch(/^WebAssembly does not work here \(CompileError: WebAssembly\.Module\(\): .*"script-src 'self'".*\)\. A Content/);
    expect(result.message).toMatch(/\. A Content-Security-Policy needs script-src 'wasm-unsafe-eval' for it; setDevice\("reference"\) does without, slowly\.$/);
    expect(result).toMatchObject({ loss: 5, gradient: [2, 4] });
  });

  const busy = `
    import { evaluate, matmul, rand, sum, threads } from "/dist/index.js";
    const large = () => evaluate(() => sum(matmul(rand([300, 300]), rand([300, 300])))).item();
    threads(2);
    for (const end = performance.now() + 300; performance.now() < end;) large();
    const reports = [threads()];
    for (let i = 0; i < 500 && threads().count < 2; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    large();
    reports.push(threads());`;
  it.each([
    ["a page", `<!doctype html><script type="module">${busy} globalThis.reports = reports;</script>`],
    ["a worker", '<!doctype html><script type="module">new Worker("/busy.js?isolated", { type: "module" }).onmessage = ({ data }) => { ' +
      'globalThis.reports = data; };</script>'],
  ])("in %s that never yields says that threads wait for that, and has them once it does", async (_, text) => {
    extra.set("/busy", text).set("/busy.js", `${busy} postMessage(reports);`);
    const page = await opened("/busy?isolated");
    await page.waitForFunction(() => "reports" in globalThis);
    const reports = await page.evaluate(() => (globalThis as unknown as { reports: unknown }).reports);
    await page.close();
    const why = "Workers are starting. Browsers start them when this thread returns to its event loop; it has not yet.";
    expect(reports).toEqual([{ count: 1, limit: 2, why }, { count: 2, limit: 2, why: "" }]);
  });

  it.each([false, true])("names the user's line in an inline script that holds the library too (minified: %s)", async (minify) => {
    const contents = `import { input } from "./index.js";
      const fail = (x) => x.add([1, 7101, 2]).exp();
      try { fail(input([1, 2])); } catch (error) { globalThis.stack = error.stack; }`;
    const { outputFiles } = await esbuild.build({ stdin: { contents, resolveDir: folder }, bundle: true, format: "esm", minify, write: false });
    const text = `<!doctype html>\n<title>inline</title>\n<script type="module">\n${outputFiles[0].text}</script>`;
    extra.set("/inline", text);
    const page = await opened("/inline");
    await page.waitForFunction(() => "stack" in globalThis);
    const stack = await page.evaluate(() => (globalThis as unknown as { stack: string }).stack);
    await page.close();
    const [, line, column] = /^.*\n.*\/inline:(\d+):(\d+)/.exec(stack) ?? [];
    expect(text.split("\n").slice(Number(line) - 1).join("\n").slice(Number(column) - 1).slice(0, 50)).toContain("7101");
  });
});
