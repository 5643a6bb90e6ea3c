import { input, type Random, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkInteger } from "../support/check.ts";
import { checkLength, checkRandom, drawLength, type Length, type TaskOptions } from "./check.ts";

/** A sequence with a label for each step. */
export interface LabelledSequence {
  /** [steps, features] */
  x: Variable;
  /** A class number from 0 for each step. */
  y: Int32Array;
}

/**
 * Sequential exclusive or: the label of each step is the parity of all bits so far, so that one forgotten bit makes
 * every label after it wrong.
 * @example
 * const task = new XorTask([5, 20]);
 * for (const { x, y } of task.sample(50)) console.log(x.shape, y.length); // x: a bit as a one-hot vector; y: 0 or 1 for each step
 * const [{ x, y }] = new XorTask(5, { random: new Random(1) }).sample(1);
 * argmax(x).toArray(); // [0, 0, 1, 1, 0]
 * y; // [0, 0, 1, 0, 0]
 */
export class XorTask {
  readonly features = 2;
  readonly classes = 2;
  readonly #length: readonly [number, number];
  readonly #random: Random;

  /**
   * @param length the number of steps, at least 1, or the least and the greatest
   * @throws ValueError for other numbers
   */
  constructor(length: Length, options: TaskOptions = {}) {
    checkArguments("XorTask", arguments, 2);
    this.#random = checkRandom("XorTask", options);
    this.#length = checkLength("XorTask", "the length", length, 1);
  }

  /**
   * Draws n sequences. Each call goes on in the random stream.
   * @throws ValueError unless n is a positive integer
   */
  sample(n: number): LabelledSequence[] {
    checkArguments("sample", arguments, 1);
    checkInteger("XorTask", "the number of samples", n, 1);
    return Array.from({ length: n }, () => {
      const steps = drawLength(this.#length, this.#random);
      const x = new Float32Array(steps * 2);
      const y = new Int32Array(steps);
      let parity = 0;
      for (let t = 0; t < steps; t++) {
        const bit = this.#random.integer(0, 2);
        parity ^= bit;
        x[2 * t + bit] = 1;
        y[t] = parity;
      }
      return { x: input(x, [steps, 2]), y };
    });
  }
}
