/** There is no CTC in jax-js: the forward recursion in log space, differentiated by the library. */

import { nn, numpy as np } from "@jax-js/jax";
import { sgd } from "./sgd.js";
import { training, values } from "./training.js";

export function create(problem) {
  const { batch, steps, symbols, labels, learningRate } = problem.sizes;
  const y = problem.data.y.values;
  // user code
  const params = { scores: values(problem, "scores") };
  const never = -1e30;
  const states = 2 * labels + 1;
  const symbolOf = (i, s) => (s % 2 === 1 ? y[i * labels + (s - 1) / 2] : 0);
  const table = (f, type = Float32Array) =>
    np.array(type.from({ length: batch * states }, (_, at) => f(Math.floor(at / states), at % states)), { shape: [batch, states] });
  const data = {
    chosen: nn.oneHot(table(symbolOf, Int32Array), symbols).transpose([0, 2, 1]),
    // A label may follow the one before the blank between them, unless both are the same.
    skip: table((i, s) => (s > 1 && s % 2 === 1 && symbolOf(i, s) !== symbolOf(i, s - 2) ? 0 : never)),
    start: table((_, s) => (s < 2 ? 0 : never)),
  };
  const shifted = (alpha, by) => np.concatenate([np.full([batch, by], never), alpha.slice([], [0, states - by])], 1);

  function cost({ scores }, { chosen, skip, start }) {
    const emitted = np.split(np.matmul(nn.logSoftmax(scores), chosen), steps, 1).map((row) => row.reshape([batch, states]));
    let alpha = start.add(emitted[0]);
    for (const row of emitted.slice(1)) {
      const paths = [alpha.ref, shifted(alpha.ref, 1), shifted(alpha, 2).add(skip.ref)];
      alpha = nn.logsumexp(np.stack(paths), 0).add(row);
    }
    skip.dispose();
    return nn.logsumexp(alpha.slice([], [states - 2, states]), 1).sum().neg();
  }
  const optimizer = sgd(learningRate);
  // end
  return training(params, data, cost, optimizer);
}
