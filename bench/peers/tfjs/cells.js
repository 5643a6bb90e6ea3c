/** Recurrent cells with the gates as one product and the input projections of all steps as another, the fastest form here. */

import * as tf from "@tensorflow/tfjs";
import { product } from "./product.js";
import { tensor, values, weights } from "./training.js";

const gates = { srnn: [""], gru: ["r", "z", "c"], lstm: ["i", "f", "c", "o"] };

/** The variables, and a function from x [steps, batch, inputs] to the list of states [batch, hidden]. */
export function recurrent(problem, cell, variant) {
  const names = (kind) => gates[cell].map((gate) => `rnn.${kind}${gate}`);
  const [w, u, b] = [weights(problem, ...names("w")), weights(problem, ...names("u")), values(problem, ...names("b"))];
  const initial = ["rnn.h0", "rnn.c0"].filter((name) => name in problem.parameters).map((name) => values(problem, name));
  const matMul = product(variant);
  // user code
  function run(x) {
    const [steps, batch, inputs] = x.shape;
    const all = tf.add(matMul(tf.reshape(x, [steps * batch, inputs]), w), b);
    let [h, c] = initial.map((state) => tf.broadcastTo(state, [batch, state.size]));
    return tf.split(all, steps, 0).map((a) => {
      const s = matMul(h, u);
      // user code (srnn)
      if (cell === "srnn") h = tf.tanh(tf.add(a, s));
      // user code (gru)
      else if (cell === "gru") {
        const [ar, az, ac] = tf.split(a, 3, 1);
        const [sr, sz, sc] = tf.split(s, 3, 1);
        const [r, z] = [tf.sigmoid(tf.add(ar, sr)), tf.sigmoid(tf.add(az, sz))];
        const n = tf.tanh(tf.add(ac, tf.mul(r, sc)));
        h = tf.add(n, tf.mul(z, tf.sub(h, n)));
        // user code (lstm)
      } else {
        const [i, f, g, o] = tf.split(tf.add(a, s), 4, 1);
        c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
        h = tf.mul(tf.sigmoid(o), tf.tanh(c));
      }
      // user code
      return h;
    });
  }
  // end
  return { run, variables: [w, u, b, ...initial], x: tensor(problem.data.x) };
}
