/**
 * The checkpoint reader against mutated files, and saving against kill -9.
 *
 *     npm run fuzz -- [--mutations 120000] [--kills 400] [--seed <n>]
 */

import { parseArgs } from "node:util";
import { Random } from "../../src/index.ts";
import { fuzz } from "./fuzzing.ts";
import { killSaves, killTraining } from "./kill.ts";

const { values } =
  parseArgs({ options: { mutations: { type: "string", default: "120000" }, kills: { type: "string", default: "400" }, seed: { type: "string" } } });
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 40) : Number(values.seed);
console.log(`Seed ${seed}`);

const start = performance.now();
const tally = fuzz(Number(values.mutations), seed, ({ mutations }) => {
  if (mutations % 10_000 === 9999) console.log(`${mutations + 1} mutations after ${((performance.now() - start) / 1000).toFixed(0)} s`);
});
console.log(
  `${tally.mutations} mutations, each restored as a new component and into one: ${tally.restored} restored whole, refused:`, tally.errors,
  `The slowest took ${tally.slowest.toFixed(0)} ms.`,
);

const { kills, interrupted } = await killSaves(Number(values.kills), 200_000, new Random(seed));
console.log(`${kills} processes killed while they saved, ${interrupted} of them in the middle of writing: every file was whole.`);

const trainings = Math.ceil(Number(values.kills) / 4);
console.log(`${trainings} trainings killed: checkpoint and history agreed each time, ${await killTraining(trainings, new Random(seed))} epochs in all.`);
