/** The first hundred steps of training on MNIST's digits, on the wasm device and on a GPU: what the losses are. */

import { Adam, affine, Component, cost, input, parameter, relu, seed, setDevice, type Variable, zeros } from "flimsy-ml";
import { glorot } from "flimsy-ml/initialization";
import { told } from "./told.ts";

const [steps, batch, pixels] = [100, 16, 28 * 28];

class Perceptron extends Component {
  readonly u = parameter(glorot([32, pixels]));
  readonly b = parameter(zeros([32]));
  readonly v = parameter(glorot([10, 32]));
  readonly c = parameter(zeros([10]));
  score(x: Variable) { return affine(this.v, relu(affine(this.u, x, this.b)), this.c); }
}

/** Images from 0 to 1, and what they show. */
async function read(): Promise<{ x: Float32Array; y: Uint8Array }> {
  const bytes = new Uint8Array(await (await fetch(new URL("/digits", import.meta.url))).arrayBuffer());
  const images = steps * batch * pixels;
  return { x: Float32Array.from(bytes.subarray(0, images), (byte) => byte / 255), y: bytes.subarray(images) };
}

async function train({ x, y }: Awaited<ReturnType<typeof read>>): Promise<number[]> {
  seed(1);
  const model = new Perceptron();
  const optimizer = new Adam(model, { learningRate: 0.003 });
  const losses = Array.from({ length: steps }, (_, step) => {
    const [from, to] = [step * batch, (step + 1) * batch];
    const images = input(x.subarray(from * pixels, to * pixels), [batch, pixels]);
    const labels = [...y.subarray(from, to)];
    return optimizer.minimize(() => cost.categoricalCrossEntropyWithScores(model.score(images), labels, { reduction: "mean" }));
  });
  return Promise.all(losses.map(async (loss) => (await loss.read())[0]));
}

told(async () => {
  const digits = await read();
  const expected = await train(digits);
  await setDevice("webgpu");
  return { expected, losses: await train(digits) };
});
