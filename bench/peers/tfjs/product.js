import * as tf from "@tensorflow/tfjs";

/** The plain product; or, where the backend's transposed products are slow, one whose gradient transposes first. */
export const product = (variant) => (variant === "wasm-tuned" ? tuned : (a, b) => tf.matMul(a, b));

// user code (wasm-tuned)
const transposed = (x) => tf.transpose(x, x.rank === 2 ? [1, 0] : [0, 2, 1]);
const tuned = tf.customGrad((a, b, save) => {
  save([a, b]);
  return { value: tf.matMul(a, b), gradFunc: (dy, [a, b]) => [tf.matMul(dy, transposed(b)), tf.matMul(transposed(a), dy)] };
});
// end
