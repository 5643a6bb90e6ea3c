import { jit, numpy as np } from "@jax-js/jax";
import { chainOf } from "../../workloads/products.js";
import { array, read } from "./training.js";

export function create({ sizes: { n, repeats } }) {
  const { start, reflection } = chainOf(n);
  const [a, b] = [start, reflection].map((values) => array({ values, shape: [n, n] }));
  const run = jit((a, b) => {
    let c = a;
    for (let k = 0; k < repeats; k++) c = np.matmul(c, b.ref);
    b.dispose();
    return c.slice(0).sum();
  });
  const step = () => read(run(a.ref, b.ref));
  return { step, gradients: async () => ({ loss: await step(), gradients: {} }) };
}
