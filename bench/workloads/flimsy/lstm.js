// @ts-check
import { Component, GradientDescent, input } from "flimsy-ml";
import { Lstm, SoftmaxRegression } from "flimsy-ml/components";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { inputs, hidden, classes, steps, batch, learningRate } = problem.sizes;
  // user code
  const { values } = problem.data.x;
  const size = batch * inputs;
  const xs = Array.from({ length: steps }, (_, t) => input(values.slice(t * size, (t + 1) * size), [batch, inputs]));
  const y = /** @type {Int32Array} */ (problem.data.y.values);

  class Classifier extends Component {
    rnn = new Lstm({ inputs, outputs: hidden });
    readout = new SoftmaxRegression({ inputs: hidden, outputs: classes });
    cost() {
      let state = this.rnn.initialState(batch);
      for (const x of xs) state = this.rnn.step(x, state);
      return this.readout.cost(this.rnn.output(state), y);
    }
  }

  const model = new Classifier();
  const optimizer = new GradientDescent(model, { learningRate });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
