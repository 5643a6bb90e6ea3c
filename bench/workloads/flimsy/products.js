// @ts-check
import { evaluate, input, matmul, slice } from "flimsy-ml";
import { chainOf } from "../products.js";
import { read } from "../start.js";

/** @param {import("../problem.js").Problem} problem */
export function create({ sizes: { n, repeats } }) {
  const { start, reflection } = chainOf(n);
  const [a, b] = [input(start, [n, n]), input(reflection, [n, n])];
  const step = () => read(evaluate(() => {
    let c = a;
    for (let k = 0; k < repeats; k++) c = matmul(c, b);
    return slice(c, 0).sum();
  }));
  return { step, gradients: async () => ({ loss: await step(), gradients: {} }) };
}
