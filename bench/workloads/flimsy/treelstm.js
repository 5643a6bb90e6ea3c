// @ts-check
import { Component, GradientDescent } from "flimsy-ml";
import { BinaryTreeLstm, Embedding, SoftmaxRegression } from "flimsy-ml/components";
import { treesOf, treesOfStep } from "../treelstm.js";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { vocabulary, inputs, hidden, classes, trees, learningRate } = problem.sizes;
  const all = treesOf(problem);
  // user code
  class Classifier extends Component {
    words = new Embedding({ inputs: vocabulary, outputs: inputs });
    lstm = new BinaryTreeLstm({ inputs, outputs: hidden });
    readout = new SoftmaxRegression({ inputs: hidden, outputs: classes });
    /** @param {import("../treelstm.js").Tree} tree @returns {import("flimsy-ml/components").LstmState} */
    encode(tree) {
      return tree.left
        ? this.lstm.step(null, [this.encode(tree.left), this.encode(tree.right)])
        : this.lstm.step(this.words.forward(tree.word));
    }
    /** @param {import("../treelstm.js").Tree} tree @param {number} y */
    cost(tree, y) { return this.readout.cost(this.lstm.output(this.encode(tree)), y); }
  }

  const model = new Classifier();
  const optimizer = new GradientDescent(model, { learningRate });
  const costOf = (/** @type {number} */ k) => treesOfStep(all, k, trees).map(({ tree, y }) => model.cost(tree, y)).reduce((a, b) => a.add(b));
  // end
  return training(problem, model, costOf, optimizer);
}
