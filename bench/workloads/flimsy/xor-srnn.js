// @ts-check
import { SimpleRecurrent } from "flimsy-ml/components";
import { tagger } from "./tagger.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { inputs, hidden } = problem.sizes;
  // user code
  const rnn = new SimpleRecurrent({ inputs, outputs: hidden, activation: "tanh" });
  // end
  return tagger(problem, rnn);
}
