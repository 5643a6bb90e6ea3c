import { input, type Shape, ValueError, type Variable } from "../index.ts";
import { checkShape, sizeOf } from "../support/shape.ts";
import { checkNumber } from "../support/check.ts";
import { type InitializationOptions, randomOf } from "./weights.ts";

/**
 * Independent normal numbers.
 * @param options mean, 0 unless given, and std, the standard deviation, 0.01 unless given
 * @returns of any shape
 * @throws ValueError unless both are finite and std is not negative
 * @example
 * const w = parameter(normal([300, 200], { std: 0.1, random: new Random(1) }));
 * w.pow(2).mean().item(); // 0.010
 */
export function normal(shape: Shape, options: InitializationOptions & { readonly mean?: number; readonly std?: number } = {}): Variable {
  const random = randomOf("normal", arguments, options, ["mean", "std"]);
  const { mean = 0, std = 0.01 } = options;
  checkNumber("normal", "mean", mean);
  checkNumber("normal", "std", std, 0);
  return input(random.normalArray(sizeOf(checkShape("normal", shape)), mean, std), shape);
}

/**
 * Independent numbers, all equally likely between two bounds.
 * @param options low, −0.05 unless given, and high, 0.05 unless given
 * @returns of any shape
 * @throws ValueError unless low < high, both finite
 * @example
 * const w = parameter(uniform([300, 200], { low: 0, high: 2, random: new Random(1) }));
 * [w.min().item(), w.mean().item(), w.max().item()]; // [0.00, 1.00, 2.00]
 */
export function uniform(shape: Shape, options: InitializationOptions & { readonly low?: number; readonly high?: number } = {}): Variable {
  const random = randomOf("uniform", arguments, options, ["low", "high"]);
  const { low = -0.05, high = 0.05 } = options;
  checkNumber("uniform", "low", low);
  checkNumber("uniform", "high", high);
  if (low >= high) throw new ValueError(`uniform takes low < high, but got ${low} and ${high}.`);
  return input(random.uniformArray(sizeOf(checkShape("uniform", shape)), low, high), shape);
}
