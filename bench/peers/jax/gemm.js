import { jit, numpy as np } from "@jax-js/jax";
import { array } from "./training.js";

export function create({ data }, variant) {
  // user code
  const [a, b] = [array(data.a), array(data.b)];
  const product = (a, b) => np.matmul(a, b).sum();
  const run = variant === "jit" ? jit(product) : product;
  const step = () => run(a.ref, b.ref).item();
  // end
  return { step, gradients: () => ({ loss: step(), gradients: {} }) };
}
