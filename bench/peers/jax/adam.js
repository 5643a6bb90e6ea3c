import { numpy as np } from "@jax-js/jax";

// user code
/** Adam (arXiv:1412.6980). The powers of the decays are state, so that one compiled step serves all. */
export const adam = (rate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8) => ({
  init: (params) => ({
    powers: [np.array(1), np.array(1)],
    moments: Object.fromEntries(Object.entries(params).map(([name, p]) => [name, [np.zeros(p.shape), np.zeros(p.shape)]])),
  }),
  update(params, grads, { powers, moments }) {
    const [power1, power2] = [powers[0].mul(beta1), powers[1].mul(beta2)];
    const corrected = np.reciprocal(power1.ref.neg().add(1)).mul(rate);
    const correction = np.reciprocal(power2.ref.neg().add(1));
    const [nextParams, nextMoments] = [{}, {}];
    for (const name of Object.keys(params)) {
      const g = grads[name];
      const first = moments[name][0].mul(beta1).add(g.ref.mul(1 - beta1));
      const second = moments[name][1].mul(beta2).add(np.square(g).mul(1 - beta2));
      const root = np.sqrt(second.ref.mul(correction.ref)).add(epsilon);
      nextParams[name] = params[name].sub(first.ref.mul(corrected.ref).div(root));
      nextMoments[name] = [first, second];
    }
    corrected.dispose();
    correction.dispose();
    return [nextParams, { powers: [power1, power2], moments: nextMoments }];
  },
});
// end
