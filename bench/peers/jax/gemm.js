import { jit, numpy as np } from "@jax-js/jax";
import { array, compiled, read } from "./training.js";

export function create({ data }) {
  // user code
  const [a, b] = [array(data.a), array(data.b)];
  const product = (a, b) => np.matmul(a, b).sum();
  const run = compiled ? jit(product) : product;
  const step = () => read(run(a.ref, b.ref));
  // end
  return { step, gradients: async () => ({ loss: await step(), gradients: {} }) };
}
