import { nn, numpy as np } from "@jax-js/jax";
import { sgd } from "./sgd.js";
import { array, training, values } from "./training.js";

export function create(problem) {
  const { operations, learningRate } = problem.sizes;
  const params = { start: values(problem, "start") };
  const data = { shift: array(problem.data.shift), factor: array(problem.data.factor) };
  // user code
  function cost({ start }, { shift, factor }) {
    let x = start;
    for (let i = 0; i < operations; i++) {
      if (i % 3 === 0) x = x.add(shift.ref);
      else if (i % 3 === 1) x = x.mul(factor.ref);
      // np.tanh uses its argument twice, so that compiling a chain of n takes 2ⁿ under jit.
      else x = nn.sigmoid(x.mul(2)).mul(2).sub(1);
    }
    shift.dispose();
    factor.dispose();
    return np.square(x).sum();
  }
  // end
  return training(params, data, cost, sgd(learningRate));
}
