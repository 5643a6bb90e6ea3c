// user code
/** Gradient descent. */
export const sgd = (rate) => ({
  init: () => ({}),
  update: (params, grads, state) => [Object.fromEntries(Object.keys(params).map((name) => [name, params[name].sub(grads[name].mul(rate))])), state],
});
// end
