import { nn, numpy as np } from "@jax-js/jax";
import { adam } from "./adam.js";
import { array, columns, crossEntropy, training, values, weights } from "./training.js";

export function create(problem) {
  const { vocabulary, inputs: size, heads, steps, batch, learningRate } = problem.sizes;
  const qkv = ["block.attention.wq", "block.attention.wk", "block.attention.wv"];
  // user code
  const matrices = ["block.attention.wo", "block.network.w.0", "block.network.w.1", "readout.w"];
  const others = Object.keys(problem.parameters).filter((name) => ![...qkv, ...matrices].includes(name));
  const params = {
    qkv: weights(problem, ...qkv),
    ...Object.fromEntries(matrices.map((name) => [name, weights(problem, name)])),
    ...Object.fromEntries(others.map((name) => [name, values(problem, name)])),
  };
  const data = {
    x: nn.oneHot(array(problem.data.x).reshape([-1]), vocabulary), // an embedding by take has no gradient under jit
    y: nn.oneHot(array(problem.data.y).reshape([-1]), vocabulary),
    later: np.triu(np.ones([steps, steps]), 1).mul(-1e9),
  };

  function norm(x, gain, bias) {
    return nn.standardize(x, -1, { epsilon: 1e-5 }).mul(gain).add(bias);
  }
  function attention(x, w, wo, later) {
    const [q, k, v] = np.split(np.matmul(x, w), 3, 1).map((part) => part.reshape([batch, steps, heads, size / heads]).transpose([0, 2, 1, 3]));
    const scores = np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(size / heads)).add(later);
    const joined = np.matmul(nn.softmax(scores), v).transpose([0, 2, 1, 3]);
    return np.matmul(joined.reshape([batch * steps, size]), wo);
  }
  function cost(p, { x, y, later }) {
    const embedded = np.matmul(x, p["symbols.w"]).reshape([batch, steps, size]).add(p.positions).reshape([batch * steps, size]);
    const normed = norm(embedded.ref, p["block.attentionNorm.gain"], p["block.attentionNorm.bias"]);
    const h = embedded.add(attention(normed, p.qkv, p["block.attention.wo"], later));
    const normed2 = norm(h.ref, p["block.networkNorm.gain"], p["block.networkNorm.bias"]);
    const hidden = nn.relu(np.matmul(normed2, p["block.network.w.0"]).add(p["block.network.b.0"]));
    const out = h.add(np.matmul(hidden, p["block.network.w.1"]).add(p["block.network.b.1"]));
    return crossEntropy(np.matmul(out, p["readout.w"]).add(p["readout.b"]), y).mul(1 / (batch * steps));
  }
  const optimizer = adam(learningRate);
  // end
  return training(params, data, cost, optimizer, { qkv: columns(...qkv) });
}
