import { afterEach, describe, expect, it } from "vitest";
import { Adagrad, type AdagradOptions, type DeviceName, grad, input, parameter, setDevice } from "../../src/index.ts";

afterEach(() => { setDevice("wasm"); });

/** Parameters and sums of squares after 5 updates of torch.optim.Adagrad of PyTorch 1.13 in float64, for the cost below. */
const cases: [AdagradOptions, number[], number[]][] = [
  [{}, [1.0322219079708448, -1.9677463837217735, 0.46806840469754557], [78.76458166429151, 1.7814250534087677, 469.7655398538421]],
  [
    { learningRate: 0.5, lrDecay: 0.1, initialAccumulatorValue: 0.25, epsilon: 0.01 },
    [2.188631228294673, -0.9190476954441562, 1.1742634159041199e-6], [39.16739529968679, 1.4664726328194988, 100.25050811248308],
  ],
];

describe.each<[DeviceName, number]>([["reference", 1e-12], ["wasm", 1e-6]])("Adagrad gives what PyTorch does, on %s", (device, tolerance) => {
  it.each(cases)("with %o", (options, values, sums) => {
    setDevice(device);
    const w = parameter([1, -2, 0.5]);
    const [goal, weights] = [input([3, 1, 0]), input([1, 0.1, 10])];
    const optimizer = new Adagrad(w, options);
    for (let t = 0; t < 5; t++) {
      grad(() => w.sub(goal).pow(2).mul(weights).sum());
      optimizer.update();
    }
    w.data.forEach((value, i) => { expect(Math.abs(value - values[i])).toBeLessThan(tolerance * Math.max(1, Math.abs(values[i]))); });
    // PyTorch's sums begin with the initial value; here it is added where it is used.
    optimizer.slotsOf(w).sumOfSquares.data.forEach((sum, i) => {
      expect(Math.abs(sum + (options.initialAccumulatorValue as number ?? 0) - sums[i])).toBeLessThan(10 * tolerance * sums[i]);
    });
  });
});
