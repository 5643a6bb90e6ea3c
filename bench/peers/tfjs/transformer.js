import * as tf from "@tensorflow/tfjs";
import { product } from "./product.js";
import { oneHot, tensor, training, values, weights } from "./training.js";

export function create(problem, variant) {
  const { vocabulary, inputs: d, heads, steps, batch, learningRate } = problem.sizes;
  const variables = [
    values(problem, "symbols.w"), values(problem, "positions"),
    values(problem, "block.attentionNorm.gain"), values(problem, "block.attentionNorm.bias"),
    weights(problem, "block.attention.wq", "block.attention.wk", "block.attention.wv"), weights(problem, "block.attention.wo"),
    values(problem, "block.networkNorm.gain"), values(problem, "block.networkNorm.bias"),
    weights(problem, "block.network.w.0"), values(problem, "block.network.b.0"),
    weights(problem, "block.network.w.1"), values(problem, "block.network.b.1"),
    weights(problem, "readout.w"), values(problem, "readout.b"),
  ];
  const [symbols, positions, gain1, bias1, qkv, wo, gain2, bias2, w1, b1, w2, b2, v, c] = variables;
  const matMul = product(variant);
  // user code
  const x = oneHot(tf.reshape(tensor(problem.data.x), [-1]), vocabulary); // an embedding that has a gradient everywhere
  const y = tf.oneHot(tf.reshape(tensor(problem.data.y), [-1]), vocabulary);
  const later = tf.tensor(Array.from({ length: steps }, (_, i) => Array.from({ length: steps }, (_, j) => (j > i ? -1e9 : 0))));

  function norm(x, gain, bias) {
    const { mean, variance } = tf.moments(x, -1, true);
    return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gain), bias);
  }
  function attention(x) {
    const [q, k, v] = tf.split(matMul(x, qkv), 3, 1).map((part) =>
      tf.reshape(tf.transpose(tf.reshape(part, [batch, steps, heads, d / heads]), [0, 2, 1, 3]), [batch * heads, steps, d / heads]));
    const scores = tf.mul(matMul(q, tf.transpose(k, [0, 2, 1])), 1 / Math.sqrt(d / heads));
    const joined = tf.transpose(tf.reshape(matMul(tf.softmax(tf.add(scores, later)), v), [batch, heads, steps, d / heads]), [0, 2, 1, 3]);
    return matMul(tf.reshape(joined, [batch * steps, d]), wo);
  }
  function cost() {
    const embedded = tf.reshape(tf.add(tf.reshape(matMul(x, symbols), [batch, steps, d]), positions), [batch * steps, d]);
    const h = tf.add(embedded, attention(norm(embedded, gain1, bias1)));
    const hidden = tf.relu(tf.add(matMul(norm(h, gain2, bias2), w1), b1));
    const out = tf.add(h, tf.add(matMul(hidden, w2), b2));
    return tf.losses.softmaxCrossEntropy(y, tf.add(matMul(out, v), c));
  }
  const optimizer = tf.train.adam(learningRate);
  // end
  return training(variables, cost, optimizer);
}
