// @ts-check
import { GatedRecurrent } from "flimsy-ml/components";
import { tagger } from "./tagger.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { inputs, hidden } = problem.sizes;
  // user code
  const rnn = new GatedRecurrent({ inputs, outputs: hidden });
  // end
  return tagger(problem, rnn);
}
