// @ts-check
/** The README's example: logistic regression. */

import { constant, source } from "./problem.js";

/** @type {import("./problem.js").Workload} */
export const logreg = {
  title: "logistic regression: 20 features, 3 classes, 50 samples, RMSProp",
  sizes: { features: 20, classes: 3, samples: 50, learningRate: 0.01, decay: 0.9 },
  make({ features, classes, samples }) {
    const { numbers, integers, weights } = source(2);
    const y = integers([samples], 0, classes);
    const centres = numbers([classes, features]).values;
    const x = numbers([samples, features]);
    x.values.forEach((noise, i) => { x.values[i] = noise + centres[y.values[Math.floor(i / features)] * features + (i % features)]; });
    return { data: { x, y }, parameters: { w: weights(classes, features), b: constant([classes], 0) } };
  },
};
