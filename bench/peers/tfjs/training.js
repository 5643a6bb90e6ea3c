/** What all programs share: the backend, parameters, a training step, and a look at the gradients. */

import * as tf from "@tensorflow/tfjs";
import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import { provideGpu } from "../gpu.js";

/** The number that a step gives; on a GPU a promise of it. */
export let read = (loss) => taken(loss, loss.dataSync());
function taken(loss, [value]) {
  loss.dispose();
  return value;
}

/** @param {"cpu" | "wasm" | "wasm-tuned" | "webgpu"} variant */
export async function start(variant) {
  setThreadsCount(1);
  if (variant === "webgpu") {
    await provideGpu();
    await import("@tensorflow/tfjs-backend-webgpu");
    read = async (loss) => taken(loss, await loss.data());
  }
  await tf.setBackend(variant.replace("-tuned", ""));
  await tf.ready();
  return `TensorFlow.js ${tf.version.tfjs}`;
}

const typeOf = (values) => (values instanceof Int32Array ? "int32" : "float32");

/** An array of the problem. */
export const tensor = ({ values, shape }) => tf.tensor(values, shape, typeOf(values));

/** A trained matrix [inputs, outputs] of weights [outputs, inputs], so that a layer is x·w; several are put side by side. */
export function weights(problem, ...names) {
  const parts = names.map((name) => tensor(problem.parameters[name]).transpose());
  return variable(names, tf.concat(parts, 1), 1, parts.map((part) => part.shape[1]));
}

/** A trained array as it is; several are joined along the first axis. */
export function variable(names, value, axis = 0, sizes = [value.shape[axis]]) {
  const result = tf.variable(value);
  result.parts = { names: [names].flat(), axis, sizes };
  return result;
}
export function values(problem, ...names) {
  const parts = names.map((name) => tensor(problem.parameters[name]));
  return variable(names, tf.concat(parts, 0), 0, parts.map((part) => part.shape[0]));
}

/** A row for each symbol with a 1 in its place. (The wasm backend's own oneHot in float32 holds the bits of integers.) */
export const oneHot = (symbols, depth) => tf.cast(tf.oneHot(symbols, depth), "float32");

export function training(variables, cost, optimizer, { clip = null } = {}) {
  // user code
  const step = (k) => read(tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => cost(k), variables);
    if (clip !== null) scale(grads, clip);
    optimizer?.applyGradients(grads);
    return value;
  }));

  function scale(grads, bound) {
    const norm = tf.sqrt(tf.addN(Object.values(grads).map((g) => tf.sum(tf.square(g)))));
    const factor = tf.div(bound, tf.maximum(norm, bound));
    for (const name of Object.keys(grads)) grads[name] = tf.mul(grads[name], factor);
  }
  // end

  const tensors = () => tf.tidy(() => {
    const { value, grads } = tf.variableGrads(() => cost(0), variables);
    const found = {};
    for (const { name, parts } of variables) {
      const all =
        !grads[name] ? [] : parts.blocks ? parts.blocks.map((block) => tf.slice(grads[name], ...block)) : tf.split(grads[name], parts.sizes, parts.axis);
      // A name that occurs twice has the sum of both gradients.
      parts.names.forEach((name, i) => { found[name] = all[i] && found[name] ? tf.add(found[name], all[i]) : all[i]; });
    }
    return { value, found };
  });
  async function gradients() {
    const { value, found } = tensors();
    const numbers = await Promise.all(Object.entries(found).map(async ([name, g]) => [name, g ? [(await g.data()).slice()] : []]));
    return { loss: await read(value), gradients: Object.fromEntries(numbers) };
  }
  return { step, gradients };
}
