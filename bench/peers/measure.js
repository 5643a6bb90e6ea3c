/** The measurement of a row: all frameworks at once, checked first, then in turns. */

import { rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { problemOf, write } from "../workloads/problem.js";
import { summary } from "../report.js";
import { agree } from "./check.js";
import { WorkerProcess } from "./worker-process.js";

/**
 * @param row of ../workloads/index.js
 * @param frameworks that take part
 * @param options seconds a cell may take in all, rounds of turns, limit in seconds for one request, whether to ask Flimsy what a step consists of, whether on
 * a GPU steps are asked for before the losses of earlier ones are known
 */
export async function measure(row, frameworks, { seconds, rounds, limit, work = false, ahead = false }) {
  const problem = problemOf(row.workload, row.sizes);
  const file = path.join(os.tmpdir(), `flimsy-bench-${process.pid}-${row.name.replaceAll(" ", "-")}.bin`);
  write(file, problem);
  const cells = [];
  try {
    // One after another: what starts does not disturb what is measured.
    for (const framework of frameworks) cells.push(await begin(framework, file, row, limit));
    const agreement = agree(cells.filter((cell) => !cell.failure), problem, row.vanishing);
    for (const cell of cells) if (!cell.failure) await attempt(cell, () => prepare(cell, row, seconds, ahead));
    await takeTurns(cells, seconds, rounds, ahead);
    for (const cell of cells) if (!cell.failure) await attempt(cell, () => finish(cell, work));
    const arrays = [...Object.values(problem.data), ...Object.values(problem.parameters)];
    const bytes = arrays.reduce((sum, { values }) => sum + values.byteLength, 0);
    return { name: row.name, sizes: problem.sizes, bytes, agreement, cells: Object.fromEntries(cells.map((cell) => [cell.id, resultOf(cell)])) };
  } finally {
    for (const { worker } of cells) worker.stop();
    rmSync(file);
  }
}

/** A framework that cannot do it loses its cell, not the run. */
async function attempt(cell, f) {
  try {
    await f();
  } catch (error) {
    cell.failure = error.message;
  }
}

/** Starts a worker and asks for its first loss and gradients. */
async function begin({ id, ...framework }, file, { program }, limit) {
  const worker = new WorkerProcess(framework, file, program, limit);
  const cell = { id, worker, samples: [], spent: 0 };
  await attempt(cell, async () => {
    cell.version = (await worker.answer()).version;
    const begin = performance.now();
    Object.assign(cell, await worker.request({ do: "gradients" }));
    cell.firstGradients = performance.now() - begin;
  });
  return cell;
}

/** Does training on the same data make the loss smaller? The first step, which may have to compile, is timed apart. */
async function prepare(cell, { workload }, seconds, ahead) {
  const run = (count, same) => cell.worker.request({ do: "steps", count, same, ahead });
  const first = await run(1, true);
  cell.firstStep = first.seconds;
  const second = await run(1, true);
  const slow = second.seconds > seconds;
  const { last } = slow ? second : await run(Math.max(1, Math.min(8, Math.floor(seconds / second.seconds))), true);
  if (workload.updates !== false && !(last < first.first)) {
    cell.failure = `the loss went from ${first.first} to ${last}`;
    return;
  }
  if (slow) { // one step has to do
    cell.samples.push(second.seconds * 1000);
    cell.spent = Infinity;
    return;
  }
  // Warm, and how many steps make a sample that the clock can see.
  let { seconds: time } = await run(1, false);
  let count = 1;
  const end = performance.now() + 300;
  while (performance.now() < end && time < 0.1) {
    count = Math.min(count * 10, Math.max(1, Math.ceil((count * 0.05) / Math.max(time, 1e-6))));
    time = (await run(count, false)).seconds;
  }
  cell.count = count;
  cell.estimate = time;
}

/** Samples in turns, so that whatever else the machine does meets all alike. Who is slow gets fewer, at least one. */
async function takeTurns(cells, seconds, rounds, ahead) {
  for (let round = 0; round < rounds; round++) {
    for (const cell of cells) {
      if (cell.failure || cell.spent === Infinity || (round > 0 && cell.spent + cell.estimate > seconds)) continue;
      await attempt(cell, async () => {
        const { seconds: time } = await cell.worker.request({ do: "steps", count: cell.count, ahead });
        cell.samples.push((time / cell.count) * 1000);
        cell.spent += time;
      });
    }
  }
}

/** What is asked when nothing is timed any more. */
async function finish(cell, work) {
  const { peak, vectors } = await cell.worker.request({ do: "memory" });
  Object.assign(cell, { memory: peak, vectors });
  if (work && cell.id === "flimsy") cell.work = await cell.worker.request({ do: "work" });
}

function resultOf({ failure, samples, firstGradients, firstStep, memory, version, difference, vectors, work }) {
  if (failure) return { failure, version };
  return { version, ...summary(samples), samples: samples.length, firstGradients, firstStep: firstStep * 1000, memory, difference, vectors, work };
}

/** Milliseconds from the start of a process to the end of its first training step, in turns. */
export async function startUp(row, frameworks, { rounds, limit }) {
  const file = path.join(os.tmpdir(), `flimsy-bench-${process.pid}-start.bin`);
  write(file, problemOf(row.workload, row.sizes));
  const times = Object.fromEntries(frameworks.map(({ id }) => [id, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const framework of frameworks) {
        const worker = new WorkerProcess(framework, file, row.program, limit);
        try {
          await worker.answer();
          await worker.request({ do: "steps", count: 1 });
          times[framework.id].push(performance.now() - worker.started);
        } catch {
          // Whoever cannot start says why in its row.
        } finally {
          worker.stop();
        }
      }
    }
  } finally {
    rmSync(file);
  }
  return Object.fromEntries(Object.entries(times).filter(([, found]) => found.length > 0).map(([id, found]) => [id, summary(found)]));
}

/** How time grows with a size. Who takes too long for one point is left out of the larger ones. */
export async function grow(curve, frameworks, options, say) {
  const points = [];
  const out = new Set();
  const left = [];
  for (const value of curve.values) {
    const still = frameworks.filter(({ id }) => !out.has(id));
    const row = { ...curve, name: `lstm ${curve.size} ${value}`, sizes: { ...curve.sizes, [curve.size]: value } };
    const { cells } = await measure(row, still, options);
    for (const [id, cell] of Object.entries(cells)) {
      if (cell.failure) say(`  ${row.name}: ${id}: ${cell.failure}`);
      else points.push({ id, value, time: cell.median, firstStep: cell.firstStep });
      const reason = cell.failure ?? (cell.firstStep > options.limit * 250 ? `the first step took ${Math.round(cell.firstStep / 1000)} s` : null);
      if (reason === null) continue;
      out.add(id);
      if (cell.failure || value !== curve.values.at(-1)) left.push(`${id} ends at ${curve.size} ${value}: ${reason}`);
    }
  }
  return { name: curve.name, size: curve.size, sizes: curve.sizes, points, left };
}
