// @ts-check
import { Component, input, RmsProp } from "flimsy-ml";
import { SoftmaxRegression } from "flimsy-ml/components";
import { training } from "./training.js";

/**
 * A label for each step of one sequence, by any recurrent component.
 * @param {import("../problem.js").Problem} problem
 * @param {import("flimsy-ml/components").Recurrent<any>} rnn
 */
export function tagger(problem, rnn) {
  const { inputs, classes, learningRate, decay, clip } = problem.sizes;
  // user code
  const { values } = problem.data.x;
  const xs = Array.from({ length: values.length / inputs }, (_, t) => input(values.slice(t * inputs, (t + 1) * inputs)));
  const ys = problem.data.y.values;

  class Tagger extends Component {
    rnn = rnn;
    readout = new SoftmaxRegression({ inputs: rnn.outputs, outputs: classes });
    cost() {
      let state = this.rnn.initialState();
      let sum = null;
      for (let t = 0; t < xs.length; t++) {
        state = this.rnn.step(xs[t], state);
        const cost = this.readout.cost(this.rnn.output(state), ys[t]);
        sum = sum === null ? cost : sum.add(cost);
      }
      return /** @type {import("flimsy-ml").Variable} */ (sum);
    }
  }

  const model = new Tagger();
  const optimizer = new RmsProp(model, { learningRate, decay, clip: { norm: clip } });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
