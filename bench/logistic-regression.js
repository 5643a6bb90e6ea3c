// @ts-check
/** A step of the README's example: logistic regression on 50 samples of 20 features and 3 classes. */

import { affine, Component, cost, grad, parameter, RmsProp, randn, seed, zeros } from "flimsy-ml";
import { MixtureTask } from "flimsy-ml/synthetic";
import { alternate, assert, print, row, scaled } from "./report.js";

class LogisticRegression extends Component {
  /** @param {number} classes @param {number} features */
  constructor(classes, features) {
    super();
    this.w = parameter(randn([classes, features]));
    this.b = parameter(zeros([classes]));
  }

  /** @param {import("flimsy-ml").Variable} x @param {import("flimsy-ml").Labels} y */
  cost(x, y) { return cost.categoricalCrossEntropyWithScores(affine(this.w, x, this.b), y); }
}

seed(1);
const { x, y } = new MixtureTask(20, 3).sample(50);
const model = new LogisticRegression(3, 20);
const optimizer = new RmsProp(model, { learningRate: 0.01, decay: 0.9 });

function step() {
  const nll = grad(() => model.cost(x, y));
  optimizer.update();
  return nll;
}

const before = grad(() => model.cost(x, y)).item();
for (const [name, { grad: gradient }] of model.namedParameters()) {
  const values = Array.from(gradient?.data ?? []);
  assert(values.some((g) => g !== 0) && values.every(Number.isFinite), `gradient of ${name}`);
}
optimizer.update();
for (let i = 0; i < 100; i++) step();
const after = step().item();
assert(Number.isFinite(after) && after < before / 2, `the loss went from ${before} to ${after}`);

const times = alternate({ step: () => { step(); } }, { rounds: 101 });
print([row("logistic regression 50×20→3, grad and RmsProp.update", scaled(times.step, 1000), "µs")]);
