/** The gates of a node as one product; all words of a step are looked up at once. Under jit each new shape of tree is compiled. */

import { nn, numpy as np } from "@jax-js/jax";
import { treesOf, treesOfStep } from "../../workloads/treelstm.js";
import { sgd } from "./sgd.js";
import { columns, crossEntropy, lengths, training, values, weights } from "./training.js";

export function create(problem) {
  const { vocabulary, hidden, classes, trees, learningRate } = problem.sizes;
  const all = treesOf(problem);
  const gates = ["i", "o", "c", "f.0", "f.1"];
  const names = [0, 1].map((k) => gates.map((gate) => `lstm.u${gate}.${k}`));
  // user code
  const params = {
    words: values(problem, "words.w"),
    w: weights(problem, "lstm.wi", "lstm.wo", "lstm.wc"),
    u: np.concatenate(names.map((side) => weights(problem, ...side)), 0),
    b: values(problem, "lstm.bi", "lstm.bo", "lstm.bc", "lstm.bf", "lstm.bf"),
    v: weights(problem, "readout.w"),
    d: values(problem, "readout.b"),
  };
  const leavesOf = (tree) => (tree.left ? [...leavesOf(tree.left), ...leavesOf(tree.right)] : [tree.word]);

  function encode(tree, leaves, u, b) {
    if (!tree.left) {
      const [i, o, g] = np.split(leaves.next().value, 3, 1);
      const c = nn.sigmoid(i).mul(np.tanh(g));
      return [nn.sigmoid(o).mul(np.tanh(c.ref)), c];
    }
    const [hl, cl] = encode(tree.left, leaves, u, b);
    const [hr, cr] = encode(tree.right, leaves, u, b);
    const [i, o, g, fl, fr] = np.split(np.matmul(np.concatenate([hl, hr], 1), u.ref).add(b.ref), 5, 1);
    const c = nn.sigmoid(i).mul(np.tanh(g)).add(nn.sigmoid(fl).mul(cl)).add(nn.sigmoid(fr).mul(cr));
    return [nn.sigmoid(o).mul(np.tanh(c.ref)), c];
  }

  function cost({ words, w, u, b, v, d }, _, k) {
    const chosen = treesOfStep(all, k, trees);
    const symbols = chosen.flatMap(({ tree }) => leavesOf(tree));
    // A product, because take has no gradient under jit.
    const vectors = np.matmul(nn.oneHot(np.array(new Int32Array(symbols), { dtype: np.int32 }), vocabulary), words);
    const leaves = np.split(np.matmul(vectors, w).add(b.ref.slice([0, 3 * hidden])), symbols.length, 0).values();
    const roots = chosen.map(({ tree }) => {
      const [h, c] = encode(tree, leaves, u, b);
      c.dispose();
      return h;
    });
    u.dispose();
    b.dispose();
    const y = nn.oneHot(np.array(new Int32Array(chosen.map((sample) => sample.y)), { dtype: np.int32 }), classes);
    return crossEntropy(np.matmul(np.concatenate(roots, 0), v).add(d), y);
  }
  const optimizer = sgd(learningRate);
  // end
  const halves = (flat, [rows, width]) => Object.assign({}, ...names.map((side, k) =>
    columns(...side)(flat.subarray(k * flat.length / 2, (k + 1) * flat.length / 2), [rows / 2, width])));
  return training(params, {}, cost, optimizer, {
    words: lengths("words.w"), w: columns("lstm.wi", "lstm.wo", "lstm.wc"), u: halves,
    b: lengths("lstm.bi", "lstm.bo", "lstm.bc", "lstm.bf", "lstm.bf"), v: lengths("readout.w"), d: lengths("readout.b"),
  }, false);
}
