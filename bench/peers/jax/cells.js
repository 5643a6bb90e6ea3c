/** Recurrent cells with the gates as one product and the input projections of all steps as another, the fastest form here. */

import { nn, numpy as np } from "@jax-js/jax";
import { columns, lengths, values, weights } from "./training.js";

const gates = { srnn: [""], gru: ["r", "z", "c"], lstm: ["i", "f", "c", "o"] };

/** The parameters, what they hold, and a function from them and x [steps, batch, inputs] to the list of states [batch, hidden]. */
export function recurrent(problem, cell) {
  const names = (kind) => gates[cell].map((gate) => `rnn.${kind}${gate}`);
  const params = { w: weights(problem, ...names("w")), u: weights(problem, ...names("u")), b: values(problem, ...names("b")), h0: values(problem, "rnn.h0") };
  const parts = { w: columns(...names("w")), u: columns(...names("u")), b: lengths(...names("b")), h0: lengths("rnn.h0"), c0: lengths("rnn.c0") };
  if (cell === "lstm") params.c0 = values(problem, "rnn.c0");
  // user code
  function run({ w, u, b, h0, c0 }, x) {
    const [steps, batch] = x.shape;
    const { size } = h0;
    const all = np.matmul(x.reshape([steps * batch, -1]), w).add(b);
    let h = np.broadcastTo(h0, [batch, size]);
    let c = c0 && np.broadcastTo(c0, [batch, size]);
    const states = np.split(all, steps, 0).map((a) => {
      const s = np.matmul(h.ref, u.ref);
      // user code (srnn)
      if (cell === "srnn") {
        h.dispose();
        h = np.tanh(a.add(s));
        // user code (gru)
      } else if (cell === "gru") {
        const [ar, az, ac] = np.split(a, 3, 1);
        const [sr, sz, sc] = np.split(s, 3, 1);
        const [r, z] = [nn.sigmoid(ar.add(sr)), nn.sigmoid(az.add(sz))];
        const n = np.tanh(ac.add(r.mul(sc)));
        h = n.ref.add(z.mul(h.sub(n)));
        // user code (lstm)
      } else {
        h.dispose();
        const [i, f, g, o] = np.split(a.add(s), 4, 1);
        c = nn.sigmoid(f).mul(c).add(nn.sigmoid(i).mul(np.tanh(g)));
        h = nn.sigmoid(o).mul(np.tanh(c.ref));
      }
      // user code
      return h.ref;
    });
    for (const rest of [u, h, c]) rest?.dispose();
    return states;
  }
  // end
  return { params, parts, run };
}
