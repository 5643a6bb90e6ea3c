// @ts-check
import { Adam, Component, input, parameter, zeros } from "flimsy-ml";
import { Embedding, SoftmaxRegression, TransformerBlock } from "flimsy-ml/components";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { vocabulary, inputs, heads, hidden, steps, learningRate } = problem.sizes;
  // user code
  const x = input(problem.data.x.values, problem.data.x.shape);
  const y = input(problem.data.y.values, problem.data.y.shape);

  class LanguageModel extends Component {
    symbols = new Embedding({ inputs: vocabulary, outputs: inputs });
    positions = parameter(zeros([steps, inputs]));
    block = new TransformerBlock({ inputs, heads, hidden, activation: "relu", causal: true });
    readout = new SoftmaxRegression({ inputs, outputs: vocabulary });
    cost() {
      const h = this.block.forward(this.symbols.forward(x).add(this.positions));
      return this.readout.cost(h, y, { reduction: "mean" });
    }
  }

  const model = new LanguageModel();
  const optimizer = new Adam(model, { learningRate });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
