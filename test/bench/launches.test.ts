/**
 * What the benchmark's programs record and launch, and the bytes that this moves: figures that do not depend on the machine, so that a
 * fusion or a batch that is lost shows here. They may be smaller any time; then lower them.
 */

import { expect, it } from "vitest";
import { explain } from "../../src/explain/index.ts";
import { rows } from "../../bench/workloads/index.js";
import { problemOf } from "../../bench/workloads/problem.js";

interface Row {
  readonly name: string;
  readonly program: string;
  readonly workload: Parameters<typeof problemOf>[0];
  readonly sizes?: Record<string, number>;
}

/** Of a step with its update: operations with those of the backward pass, launches, and bytes if everything comes from memory once. */
const most: readonly (readonly [name: string, operations: number, launches: number, bytes: number])[] = [
  ["tiny-ops", 1674, 78, 28_676],
  ["logreg", 12, 9, 14_556],
  ["xor-srnn", 363, 245, 17_580],
  ["xor-gru", 944, 403, 45_752],
  ["xor-lstm", 1202, 456, 56_644],
  ["lstm-b1-256", 2539, 582, 115_145_168],
  ["lstm-b32-256", 2540, 583, 220_100_260],
  ["treelstm-128", 1169, 521, 14_541_828],
  ["treelstm-128-32", 26_720, 11_074, 86_246_740],
  ["mlp-mnist", 29, 18, 8_478_040],
  ["convnet", 46, 1296, 121_828_440],
  ["transformer", 136, 87, 59_071_800],
  ["ctc", 10, 5, 1_798_788],
  ["table-sgd", 17, 11, 2_278_932],
  ["table-adam", 27, 15, 3_868_180],
  ["elementwise-1m", 14, 2, 40_000_004],
];

it.each(most)("%s takes no more than it did", async (name, operations, launches, bytes) => {
  const { program, workload, sizes } = (rows as readonly Row[]).find((row) => row.name === name) as Row;
  const { create } = await import(`../../bench/workloads/flimsy/${program}.js`);
  const { step } = create(problemOf(workload, sizes));
  const { steps } = explain(() => step(0), { runs: 1 });
  const all = steps.flatMap((part) => part.launches);
  expect(steps.reduce((sum, part) => sum + part.operations, 0), "operations").toBeLessThanOrEqual(operations);
  expect(all.length, "launches").toBeLessThanOrEqual(launches);
  expect(all.reduce((sum, launch) => sum + launch.bytes, 0), "bytes").toBeLessThanOrEqual(bytes);
});
