import { input, type Random, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkInteger } from "../support/check.ts";
import { checkLength, checkRandom, drawLength, type Length, type TaskOptions } from "./check.ts";

/** A sequence with one number as its target. */
export interface SequenceWithTarget {
  /** [steps, features] */
  x: Variable;
  y: number;
}

/**
 * The adding problem (S. Hochreiter & J. Schmidhuber: Long Short-Term Memory, 1997; in this form M. Arjovsky et al.,
 * arXiv:1511.06464): each step has a number, uniform in [0, 1), and a mark. Two steps are marked with 1, one in each half
 * of the sequence, the others with 0; the target is the sum of the two marked numbers.
 *
 * Always answering 1, the mean, has a mean squared error of 1/6: a model that is better has learned to remember.
 * @example
 * const [{ x, y }] = new AddTask(100).sample(1);
 * x.shape; // [100, 2]
 * const [numbers, marks] = [x.slice(null, 0), x.slice(null, 1)];
 * numbers.mul(marks).sum().item() - y; // 0.0000
 */
export class AddTask {
  readonly features = 2;
  readonly #length: readonly [number, number];
  readonly #random: Random;

  /**
   * @param length the number of steps, at least 2, or the least and the greatest
   * @throws ValueError for other numbers
   */
  constructor(length: Length, options: TaskOptions = {}) {
    checkArguments("AddTask", arguments, 2);
    this.#random = checkRandom("AddTask", options);
    this.#length = checkLength("AddTask", "the length", length, 2);
  }

  /**
   * Draws n sequences. Each call goes on in the random stream.
   * @throws ValueError unless n is a positive integer
   */
  sample(n: number): SequenceWithTarget[] {
    checkArguments("sample", arguments, 1);
    checkInteger("AddTask", "the number of samples", n, 1);
    const random = this.#random;
    return Array.from({ length: n }, () => {
      const steps = drawLength(this.#length, random);
      const half = Math.floor(steps / 2);
      const x = new Float64Array(steps * 2);
      for (let t = 0; t < steps; t++) x[2 * t] = random.uniform();
      const [first, second] = [random.integer(0, half), random.integer(half, steps)];
      x[2 * first + 1] = x[2 * second + 1] = 1;
      return { x: input(x, [steps, 2]), y: x[2 * first] + x[2 * second] };
    });
  }
}
