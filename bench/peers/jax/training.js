/** What all programs share: the backend, parameters, a training step, and a look at the gradients. Functions of this library consume their arguments. */

import { readFileSync } from "node:fs";
import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from "@jax-js/jax";
import { provideGpu } from "../gpu.js";

export let compiled = true;
/** The number that a step gives; on a GPU a promise of it. */
export let read = (loss) => loss.item();

/** @param {"eager" | "jit" | "webgpu"} variant */
export async function start(variant) {
  compiled = variant !== "eager";
  if (variant === "webgpu") {
    await provideGpu();
    read = async (loss) => (await loss.data())[0];
  }
  const device = variant === "webgpu" ? "webgpu" : "wasm"; // one thread: Node has no global Worker
  await init(device);
  defaultDevice(device);
  const { version } = JSON.parse(readFileSync(new URL("../node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"));
  return `jax-js ${version}`;
}

/** An array of the problem. */
export const array = ({ values, shape }) => np.array(values.slice(), { shape, dtype: values instanceof Int32Array ? np.int32 : np.float32 });

/** A matrix [inputs, outputs] of weights [outputs, inputs], so that a layer is x·w; several are put side by side. */
export const weights = (problem, ...names) => np.concatenate(names.map((name) => array(problem.parameters[name]).transpose()), 1);
/** Parameters as they are, one after another. */
export const values = (problem, ...names) => np.concatenate(names.map((name) => array(problem.parameters[name])), 0);

/** Σ −log softmax(scores)[label], of labels as rows with a 1. */
export const crossEntropy = (scores, labels) => nn.logSoftmax(scores).mul(labels).sum().neg();
export const labels = (problem, classes) => nn.oneHot(array(problem.data.y), classes);

/**
 * @param params an object of arrays
 * @param cost (params, data, k) → the loss; k is a number
 * @param parts for a parameter that holds several of the problem: (its gradient as a flat array, its shape) → gradients by name
 * @param same whether all steps have one structure, so that k does not matter
 */
export function training(params, data, cost, optimizer, parts = {}, same = true) {
  const withGradient = (params, data, k) => valueAndGrad((params, data) => cost(params, data, k))(params, data);
  let state = optimizer?.init(params) ?? {};
  // user code
  function train(params, state, data, k) {
    const [loss, grads] = withGradient(optimizer ? tree.ref(params) : params, data, k);
    return optimizer ? [loss, ...optimizer.update(params, grads, state)] : [loss, grads];
  }
  const run = compiled ? jit(train, { staticArgnums: [3] }) : train;

  function step(k) {
    const [loss, next, nextState] = run(optimizer ? params : tree.ref(params), state, tree.ref(data), same ? 0 : k);
    if (optimizer) [params, state] = [next, nextState];
    else for (const gradient of Object.values(next)) gradient.dataSync();
    return read(loss);
  }
  // end

  async function gradients() {
    const first = compiled ? jit(withGradient, { staticArgnums: [2] }) : withGradient;
    const [loss, grads] = first(tree.ref(params), tree.ref(data), 0);
    const found = {};
    for (const [name, gradient] of Object.entries(grads)) {
      const { shape } = gradient;
      const flat = await gradient.data();
      for (const [part, array] of Object.entries((parts[name] ?? whole(name))(flat, shape))) found[part] = [...(found[part] ?? []), array];
    }
    return { loss: await read(loss), gradients: found };
  }
  return { step, gradients };
}

const whole = (name) => (flat) => ({ [name]: flat });

/** The names of what lies side by side in [rows, columns], each `width` columns wide. */
export const columns = (...names) => (flat, [rows, width]) => {
  const size = width / names.length;
  return Object.fromEntries(
    names.map((name, i) => [name, Float32Array.from({ length: rows * size }, (_, at) => flat[Math.floor(at / size) * width + i * size + (at % size)])]),
  );
};
/** The names of what lies one after another, each as large; a name that occurs twice has the sum of both. */
export const lengths = (...names) => (flat) => {
  const size = flat.length / names.length;
  const found = {};
  names.forEach((name, i) => {
    const part = flat.slice(i * size, (i + 1) * size);
    found[name] = name in found ? part.map((x, at) => x + found[name][at]) : part;
  });
  return found;
};
