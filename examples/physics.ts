/**
 * A network that obeys a differential equation: an oscillator, measured for a while, is continued by physics.
 *
 * Known are 30 noisy measurements of its first one and a half seconds, and that x″ + 2δ·x′ + ω²·x = 0 (a spring with friction), but neither
 * δ nor ω². A network x(t) is fitted to the measurements, and at times up to 4 seconds to the equation, whose two numbers are trained too
 * (Raissi, Perdikaris & Karniadakis 2019: Physics-informed neural networks). x′ and x″ are gradients of the network by t, and the cost made
 * of them is differentiated once more by the parameters. A network without the equation knows nothing of what comes after the measurements.
 */

import { Adam, Component, checkGradients, cost, evaluate, grad, gradients, input, parameter, Random, schedule, seed, tanh, type Variable } from "flimsy-ml";
import { FeedForward } from "flimsy-ml/components";
import { type Options, program, reached, stopwatch, table } from "./common.ts";

const [friction, stiffness, end, measured] = [0.4, 16, 4, 1.5];

/** The solution that starts at 1 and at rest. */
function exact(t: number): number {
  const ω = Math.sqrt(stiffness - friction ** 2);
  return Math.exp(-friction * t) * (Math.cos(ω * t) + (friction / ω) * Math.sin(ω * t));
}

class Oscillator extends Component {
  readonly net = new FeedForward({ inputs: 1, hidden: [32, 32], outputs: 1, activation: tanh });
  /** 2δ and ω², as the model believes. */
  readonly friction = parameter(0);
  readonly stiffness = parameter(10);

  /** t [n, 1] → x [n, 1] */
  position(t: Variable) { return this.net.forward(t.mul(2 / end).sub(1)); }

  /** How far from the equation: x″ + 2δ·x′ + ω²·x at each t [n, 1], in units of the acceleration at the start. */
  residual(t: Variable) {
    const x = this.position(t);
    // Each x depends on its own t alone, so the gradient of the sum has the derivative of each.
    const [velocity] = gradients(() => x.sum(), [t]);
    const [acceleration] = gradients(() => velocity.sum(), [t]);
    return acceleration.add(this.friction.mul(velocity)).add(this.stiffness.mul(x)).div(10);
  }

  cost(t: Variable, x: Variable, times: Variable | null) {
    const data = cost.mse(this.position(t), x, { reduction: "mean" });
    return times === null ? data : data.add(this.residual(times).pow(2).mean());
  }
}

export function main({ check = false, quick = false, seed: n = 1 }: Options = {}) {
  seed(n);
  const random = new Random(n);
  const times = Array.from({ length: 30 }, (_, i) => (i * measured) / 29);
  const [t, x] = [input(times.map((time) => [time])), input(times.map((time) => [exact(time) + random.normal(0, 0.02)]))];
  const grid = Array.from({ length: 201 }, (_, i) => (i * end) / 200);
  const truth = grid.map(exact);
  const collocation = input(Array.from({ length: 64 }, (_, i) => [(i * end) / 63]));

  const steps = quick ? 2000 : 10_000;
  const seconds = stopwatch();
  const models = [true, false].map((physics) => {
    const θ = new Oscillator();
    const loss = () => θ.cost(t, x, physics ? collocation : null);
    if (check && physics) console.log(String(checkGradients(loss, θ)));
    const optimizer = new Adam(θ, { learningRate: schedule.cosine(0.01, { steps }) });
    for (let step = 1; step <= steps; step++) {
      const value = grad(loss);
      optimizer.update();
      if (step % (steps / 5) === 0) console.log(`${physics ? "with" : "without"} physics, step ${step}: cost ${value.item().toExponential(2)}`);
    }
    return { θ, found: evaluate(() => θ.position(input(grid.map((time) => [time])))).data };
  });
  const [informed, plain] = models;
  table([0, 25, 50, 75, 100, 125, 150, 175, 200].map((i) => ({
    seconds: grid[i], exact: truth[i].toFixed(3), "with physics": informed.found[i].toFixed(3), "without": plain.found[i].toFixed(3),
  })));
  /** Root mean square error of the positions. */
  const rms = (found: ArrayLike<number>) => Math.sqrt(truth.reduce((sum, value, i) => sum + (found[i] - value) ** 2, 0) / truth.length);
  const figures = {
    error: rms(informed.found), errorWithout: rms(plain.found),
    friction: informed.θ.friction.item() / 2, stiffness: informed.θ.stiffness.item(),
  };
  reached("wall time", seconds(), "s");
  reached("rms error", figures.error);
  reached("rms error without", figures.errorWithout);
  reached("friction δ, true 0.4", figures.friction);
  reached("stiffness ω², true 16", figures.stiffness);
  return figures;
}

await program(import.meta, main);
