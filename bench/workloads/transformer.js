// @ts-check
/** A causal language model of one transformer block, normalisation first, with trained positions. */

import { constant, source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const transformer = {
  title: "transformer block: d 128, 4 heads, hidden 512, T 64, batch 8, vocabulary 100, causal, Adam",
  sizes: { vocabulary: 100, inputs: 128, heads: 4, hidden: 512, steps: 64, batch: 8, learningRate: 0.001 },
  make({ vocabulary, inputs, hidden, steps, batch }) {
    const { numbers, integers, weights } = source(8);
    const norm = (/** @type {string} */ name) => ({ [`${name}.gain`]: constant([inputs], 1), [`${name}.bias`]: constant([inputs], 0) });
    return {
      data: { x: integers([batch, steps], 0, vocabulary), y: integers([batch, steps], 0, vocabulary) },
      parameters: {
        "symbols.w": numbers([vocabulary, inputs], -0.5, 0.5), positions: numbers([steps, inputs], -0.5, 0.5),
        ...norm("block.attentionNorm"),
        "block.attention.wq": weights(inputs, inputs), "block.attention.wk": weights(inputs, inputs),
        "block.attention.wv": weights(inputs, inputs), "block.attention.wo": weights(inputs, inputs),
        ...norm("block.networkNorm"),
        "block.network.w.0": weights(hidden, inputs), "block.network.b.0": constant([hidden], 0),
        "block.network.w.1": weights(inputs, hidden), "block.network.b.1": constant([inputs], 0),
        "readout.w": weights(vocabulary, inputs), "readout.b": constant([vocabulary], 0),
      },
    };
  },
};
