// @ts-check
import { Adam, Component, input, relu } from "flimsy-ml";
import { Conv2d, MaxPool2d, SoftmaxRegression } from "flimsy-ml/components";
import { training } from "./training.js";

/** @param {import("../problem.js").Problem} problem */
export function create(problem) {
  const { filters1, filters2, window, padding, classes, batch, learningRate } = problem.sizes;
  const flat = problem.parameters["readout.w"].shape[1];
  // user code
  const x = input(problem.data.x.values, problem.data.x.shape);
  const y = /** @type {Int32Array} */ (problem.data.y.values);
  const pool = new MaxPool2d({ size: 2 });

  class ConvNet extends Component {
    conv1 = new Conv2d({ inputs: 1, outputs: filters1, size: window, padding });
    conv2 = new Conv2d({ inputs: filters1, outputs: filters2, size: window, padding });
    readout = new SoftmaxRegression({ inputs: flat, outputs: classes });
    cost() {
      const h = relu(pool.forward(this.conv1.forward(x)));
      const g = relu(pool.forward(this.conv2.forward(h)));
      return this.readout.cost(g.reshape([batch, flat]), y, { reduction: "mean" });
    }
  }

  const model = new ConvNet();
  const optimizer = new Adam(model, { learningRate });
  // end
  return training(problem, model, () => model.cost(), optimizer);
}
