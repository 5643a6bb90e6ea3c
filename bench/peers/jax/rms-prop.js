import { numpy as np } from "@jax-js/jax";

// user code
/** RMSProp, with the gradients clipped by their norm if there is a bound. */
export const rmsProp = (rate, decay, bound = null) => ({
  init: (params) => Object.fromEntries(Object.entries(params).map(([name, p]) => [name, np.zeros(p.shape)])),
  update(params, grads, state) {
    const names = Object.keys(params);
    if (bound !== null) {
      const norm = np.sqrt(names.map((name) => np.square(grads[name].ref).sum()).reduce((a, b) => a.add(b)));
      const factor = np.reciprocal(np.maximum(norm, bound)).mul(bound);
      for (const name of names) grads[name] = grads[name].mul(factor.ref);
      factor.dispose();
    }
    const [nextParams, nextState] = [{}, {}];
    for (const name of names) {
      const g = grads[name];
      const s = state[name].mul(decay).add(np.square(g.ref).mul(1 - decay));
      nextParams[name] = params[name].sub(g.mul(rate).div(np.sqrt(s.ref.add(1e-8))));
      nextState[name] = s;
    }
    return [nextParams, nextState];
  },
});
// end
