/** The gates of a node as one product. All words of a step are looked up at once, as a one-hot product, which has a gradient everywhere. */

import * as tf from "@tensorflow/tfjs";
import { treesOf, treesOfStep } from "../../workloads/treelstm.js";
import { oneHot, tensor, training, values, variable, weights } from "./training.js";

export function create(problem) {
  const { vocabulary, hidden, classes, trees, learningRate } = problem.sizes;
  const all = treesOf(problem);
  const words = values(problem, "words.w");
  const [w, v] = [weights(problem, "lstm.wi", "lstm.wo", "lstm.wc"), weights(problem, "readout.w")];
  const names = ["i", "o", "c", "f.0", "f.1"].flatMap((gate) => [`lstm.u${gate}.0`, `lstm.u${gate}.1`]);
  const parts = names.map((name) => tensor(problem.parameters[name]).transpose());
  const [left, right] = [0, 1].map((k) => tf.concat(parts.filter((_, i) => i % 2 === k), 1));
  const u = variable(names, tf.concat([left, right], 0));
  const b = values(problem, "lstm.bi", "lstm.bo", "lstm.bc", "lstm.bf", "lstm.bf");
  const d = values(problem, "readout.b");
  // user code
  const leavesOf = (tree) => (tree.left ? [...leavesOf(tree.left), ...leavesOf(tree.right)] : [tree.word]);

  function encode(tree, leaves) {
    if (!tree.left) {
      const [i, o, g] = tf.split(leaves.next().value, 3, 1);
      const c = tf.mul(tf.sigmoid(i), tf.tanh(g));
      return [tf.mul(tf.sigmoid(o), tf.tanh(c)), c];
    }
    const [hl, cl] = encode(tree.left, leaves);
    const [hr, cr] = encode(tree.right, leaves);
    const [i, o, g, fl, fr] = tf.split(tf.add(tf.matMul(tf.concat([hl, hr], 1), u), b), 5, 1);
    const own = tf.mul(tf.sigmoid(i), tf.tanh(g));
    const c = tf.add(own, tf.add(tf.mul(tf.sigmoid(fl), cl), tf.mul(tf.sigmoid(fr), cr)));
    return [tf.mul(tf.sigmoid(o), tf.tanh(c)), c];
  }

  function cost(k) {
    const chosen = treesOfStep(all, k, trees);
    const symbols = chosen.flatMap(({ tree }) => leavesOf(tree));
    const vectors = tf.matMul(oneHot(tf.tensor1d(symbols, "int32"), vocabulary), words);
    const projected = tf.add(tf.matMul(vectors, w), tf.slice(b, [0], [3 * hidden]));
    const leaves = tf.split(projected, symbols.length, 0).values();
    const roots = chosen.map(({ tree }) => encode(tree, leaves)[0]);
    const y = tf.oneHot(tf.tensor1d(chosen.map((sample) => sample.y), "int32"), classes);
    return tf.losses.softmaxCrossEntropy(y, tf.add(tf.matMul(tf.concat(roots, 0), v), d), 1, 0, tf.Reduction.SUM);
  }
  const optimizer = tf.train.sgd(learningRate);
  // end
  u.parts = { names, blocks: names.map((_, i) => [[(i % 2) * hidden, Math.floor(i / 2) * hidden], [hidden, hidden]]) };
  return training([words, w, u, b, v, d], cost, optimizer);
}
