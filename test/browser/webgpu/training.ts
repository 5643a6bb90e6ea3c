/** What a page does with the package on the webgpu device, in a window or a worker: it trains the README's example, and the same on the wasm device. */

import { affine, Component, cost, grad, input, parameter, randn, RmsProp, seed, setDevice, type Variable, zeros } from "flimsy-ml";
import { MixtureTask } from "flimsy-ml/synthetic";
import { told } from "./told.ts";

class LogisticRegression extends Component {
  readonly w = parameter(randn([3, 20]));
  readonly b = parameter(zeros([3]));
  score(x: Variable) { return affine(this.w, x, this.b); }
}

async function train(): Promise<number[]> {
  seed(1);
  const { x, y } = new MixtureTask(20, 3).sample(50);
  const model = new LogisticRegression();
  const optimizer = new RmsProp(model, { learningRate: 0.01, decay: 0.9 });
  const losses: Variable[] = [];
  for (let epoch = 1; epoch <= 100; epoch++) {
    losses.push(grad(() => cost.categoricalCrossEntropyWithScores(model.score(x), y)));
    optimizer.update();
  }
  return Promise.all(losses.map(async (loss) => (await loss.read())[0]));
}

function canWait(): boolean {
  try {
    return input([1, 2]).sum().item() === 3;
  } catch {
    return false;
  }
}

told(async () => {
  const expected = await train();
  await setDevice("webgpu");
  return { isolated: crossOriginIsolated, canWait: canWait(), expected, losses: await train() };
});
