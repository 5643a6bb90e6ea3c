import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { main } from "../../examples/rnn-comparison.ts";
import { quietly } from "./quietly.ts";

it("rnn-comparison: gates learn parity within 60 epochs", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "flimsy-example-"));
  const page = path.join(folder, "curves.html");
  const { runs, learned } = await quietly(() => main({ quick: true, check: true, seed: 1, seeds: 2, page }));
  const html = await readFile(page, "utf8");
  await rm(folder, { recursive: true });
  for (const kind of ["SimpleRecurrent", "GatedRecurrent", "Lstm"]) expect(html).toContain(kind);
  expect(runs).toHaveLength(6);
  expect(new Map(runs.map(({ kind, history }) => [kind, history.parameters]))).toEqual(
    new Map([["SimpleRecurrent", 57], ["GatedRecurrent", 137], ["Lstm", 182]]),
  );
  // Of the seeds 1 to 100 the gated network learned all within 54 epochs, the LSTM all within 75, 99 of them within 60; the simple one
  // 80 within 200. On these two seeds all learned within 25. One of two may fail where another Node rounds otherwise.
  expect(learned.GatedRecurrent).toBeGreaterThanOrEqual(1);
  expect(learned.Lstm).toBeGreaterThanOrEqual(1);
  expect(learned.SimpleRecurrent).toBeGreaterThanOrEqual(1);
  for (const { valid, history: { epochs, stopped } } of runs) {
    expect(stopped).toBe(valid === 0 ? "goal" : "finished");
    expect(epochs.at(-1)?.validation).toEqual({ errors: valid });
    expect(epochs.length === 60 || valid === 0).toBe(true);
  }
  // Sequences of 100 steps, by what was learned on 5 to 20; by guessing: 1000 of 2000.
  const gated = runs.filter(({ kind, valid }) => kind !== "SimpleRecurrent" && valid === 0).map(({ test }) => test);
  expect(Math.min(...gated)).toBeLessThan(200);
}, 60_000);
