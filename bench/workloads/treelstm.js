// @ts-check
/** Binary tree LSTMs by recursion: words at the leaves, a class for the root. Each step has other trees, of any shape. */

import { constant, source } from "./problem.js";

/** @typedef {{ word: number, left?: undefined, right?: undefined } | { left: Tree, right: Tree }} Tree */

/** @type {import("./problem.js").Workload} */
export const treelstm = {
  title: "binary tree LSTM by recursion: 20 leaves, embedding 64, hidden 128, gradient descent",
  sizes: { leaves: 20, vocabulary: 1000, inputs: 64, hidden: 128, classes: 5, trees: 1, different: 4096, learningRate: 0.002 },
  make({ leaves, vocabulary, inputs, hidden, classes, different }) {
    const { numbers, integers, integer, weights } = source(5);
    // A tree as its nodes in preorder: 1 for an inner node, 0 for a leaf.
    /** @type {number[]} */
    const nodes = [];
    const grow = (/** @type {number} */ count) => {
      nodes.push(count > 1 ? 1 : 0);
      if (count === 1) return;
      const left = integer(1, count);
      grow(left);
      grow(count - left);
    };
    for (let i = 0; i < different; i++) grow(leaves);
    const u = () => weights(hidden, hidden);
    return {
      data: {
        nodes: { shape: [different, 2 * leaves - 1], values: Int32Array.from(nodes) },
        words: integers([different, leaves], 0, vocabulary),
        y: integers([different], 0, classes),
      },
      // Forget gates are of inner nodes only, and those have no input: there is no wf.
      parameters: {
        "words.w": numbers([vocabulary, inputs], -0.5, 0.5),
        "lstm.wi": weights(hidden, inputs), "lstm.wo": weights(hidden, inputs), "lstm.wc": weights(hidden, inputs),
        "lstm.bi": constant([hidden], 0), "lstm.bf": constant([hidden], 1), "lstm.bo": constant([hidden], 0), "lstm.bc": constant([hidden], 0),
        "lstm.ui.0": u(), "lstm.ui.1": u(), "lstm.uo.0": u(), "lstm.uo.1": u(), "lstm.uc.0": u(), "lstm.uc.1": u(),
        "lstm.uf.0.0": u(), "lstm.uf.0.1": u(), "lstm.uf.1.0": u(), "lstm.uf.1.1": u(),
        "readout.w": weights(classes, hidden), "readout.b": constant([classes], 0),
      },
    };
  },
};

/** The trees as objects. @param {import("./problem.js").Problem} problem @returns {{ tree: Tree, y: number }[]} */
export function treesOf({ data: { nodes, words, y } }) {
  const [nodesPerTree, leaves] = [nodes.shape[1], words.shape[1]];
  return Array.from(y.values, (label, i) => {
    let [node, leaf] = [i * nodesPerTree, i * leaves];
    /** @returns {Tree} */
    const parse = () => (nodes.values[node++] === 1 ? { left: parse(), right: parse() } : { word: words.values[leaf++] });
    return { tree: parse(), y: label };
  });
}

/** Those of a step. @template T @param {T[]} all @param {number} k @param {number} count @returns {T[]} */
export const treesOfStep = (all, k, count) => Array.from({ length: count }, (_, i) => all[(k * count + i) % all.length]);
