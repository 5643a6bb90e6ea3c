import type { Shape, Variable } from "../index.ts";
import { checkChoice } from "../support/check.ts";
import { type GainOptions, gainOf } from "./gain.ts";
import { type InitializationOptions, independent, randomOf, weightsOf } from "./weights.ts";

/** Where numbers come from, and how large they are. */
export interface ScaledOptions extends InitializationOptions, GainOptions {
  /** The distribution of the numbers, of the same variance either way. */
  readonly distribution?: "uniform" | "normal" | undefined;
}

const scaledOptions = ["distribution", "gain", "activation"];

const checkDistribution = (caller: string, distribution: "uniform" | "normal"): "uniform" | "normal" =>
  checkChoice(caller, "distribution", distribution, ["uniform", "normal"]);

/**
 * Weights that keep the variance of activations and of gradients about the same from layer to layer (X. Glorot & Y.
 * Bengio: Understanding the difficulty of training deep feedforward neural networks, 2010): variance
 * gain² · 2 / (inputs + outputs), so that uniform numbers are between ±gain·√(6 / (inputs + outputs)).
 *
 * @param shape [outputs, inputs], or [outputs, inputs, …window] of a convolution, where both counts are times the window
 * @param options distribution, "uniform" unless given; gain, or the activation; random
 * @throws ShapeError for another shape; ValueError for other options
 * @example
 * const w = parameter(glorot([8, 4])); // of a layer from 4 to 8: uniform between ±√(6 / 12)
 * w.abs().max().item() < Math.sqrt(6 / 12); // true
 * const u = parameter(glorot([8, 4], { activation: "tanh", distribution: "normal" }));
 */
export function glorot(shape: Shape, options: ScaledOptions = {}): Variable {
  const random = randomOf("glorot", arguments, options, scaledOptions);
  const { outputs, inputs, window } = weightsOf("glorot", shape);
  const deviation = gainOf("glorot", options) * Math.sqrt(2 / ((inputs + outputs) * window));
  return independent(shape, random, checkDistribution("glorot", options.distribution ?? "uniform"), deviation);
}

/**
 * Weights for layers of rectifiers (K. He et al.: Delving Deep into Rectifiers, arXiv:1502.01852): variance gain² / inputs.
 * The gain is √2, that of relu, unless given.
 *
 * @param shape [outputs, inputs], or [outputs, inputs, …window] of a convolution, where inputs are times the window
 * @param options distribution, "normal" unless given; gain, or the activation; random
 * @throws ShapeError for another shape; ValueError for other options
 * @example
 * const kernel = parameter(he([8, 3, 5, 5])); // of a convolution: variance 2 / (3 · 5 · 5)
 * const last = parameter(he([1, 8], { activation: "identity" })); // variance 1 / 8
 * kernel.shape; // [8, 3, 5, 5]
 */
export function he(shape: Shape, options: ScaledOptions = {}): Variable {
  const random = randomOf("he", arguments, options, scaledOptions);
  const { inputs, window } = weightsOf("he", shape);
  const gain = options.gain === undefined && options.activation === undefined ? Math.SQRT2 : gainOf("he", options);
  return independent(shape, random, checkDistribution("he", options.distribution ?? "normal"), gain / Math.sqrt(inputs * window));
}
