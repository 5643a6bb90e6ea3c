/**
 * A program for test/io/kill.ts: trains, from its checkpoint on, until it is killed: after epoch n the parameter is n, and so is what the
 * history has of it.
 */

import { Component, GradientDescent, parameter } from "flimsy-ml";
import { fit } from "flimsy-ml/train";

class Scalar extends Component { readonly w = parameter(0); }
const θ = new Scalar();
await fit(θ, {
  data: [1], cost: () => ({ loss: θ.w.mul(-1), seen: θ.w.item() + 1 }), optimizer: new GradientDescent(θ, { learningRate: 1 }), epochs: Infinity,
  progress: "none",
  checkpoint: { path: process.argv[2], resume: true }, validate: () => ({ seen: θ.w.item() }), restoreBest: true, monitor: "seen",
  onStep: ({ step }) => { if (step % 20 === 1) process.stdout.write("ready\n"); },
});
