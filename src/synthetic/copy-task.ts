import { input, type Random } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkInteger } from "../support/check.ts";
import { checkLength, checkRandom, drawLength, type Length, type TaskOptions } from "./check.ts";
import type { LabelledSequence } from "./xor-task.ts";

/** What the sequences of a `CopyTask` are like. */
export interface CopyTaskOptions extends TaskOptions {
  /** How many different letters there are; 8 unless given. */
  readonly letters?: number | undefined;
  /** How many letters are to be remembered; 10 unless given. */
  readonly length?: number | undefined;
}

/**
 * The copying problem (S. Hochreiter & J. Schmidhuber 1997; in this form M. Henaff, A. Szlam & Y. LeCun: Recurrent
 * Orthogonal Networks and Long-Memory Tasks, arXiv:1602.06662): S letters come, then blanks, then a mark, and S blanks
 * more, during which the letters are to be repeated. The mark comes `delay` steps after the last letter.
 *
 *     x:  c a b . . . . ! . . .       S = 3, delay = 5
 *     y:  . . . . . . . . c a b
 *
 * Without memory, the least cost of a sequence is S · log(letters), in nats.
 * @example
 * const task = new CopyTask(100);
 * const [{ x, y }] = task.sample(1);
 * x.shape; // [120, 10]
 * y.length; // 120
 * task.classes; // 9
 */
export class CopyTask {
  readonly letters: number;
  readonly length: number;
  /** Of a step: the letters, the blank, the mark. */
  readonly features: number;
  /** What can be answered: the letters from 0, then the blank. */
  readonly classes: number;
  readonly #delay: readonly [number, number];
  readonly #random: Random;

  /**
   * @param delay steps from the last letter to the mark, at least 1, or the least and the greatest
   * @throws ValueError for other numbers, or letters or a length that are not positive integers
   */
  constructor(delay: Length, options: CopyTaskOptions = {}) {
    checkArguments("CopyTask", arguments, 2);
    this.#random = checkRandom("CopyTask", options, ["letters", "length"]);
    this.#delay = checkLength("CopyTask", "the delay", delay, 1);
    this.letters = checkInteger("CopyTask", "the number of letters", options.letters ?? 8, 1);
    this.length = checkInteger("CopyTask", "the length", options.length ?? 10, 1);
    this.features = this.letters + 2;
    this.classes = this.letters + 1;
  }

  /** The class of the blank. */
  get blank(): number { return this.letters; }

  /**
   * Draws n sequences of delay + 2 · length steps. Each call goes on in the random stream.
   * @throws ValueError unless n is a positive integer
   */
  sample(n: number): LabelledSequence[] {
    checkArguments("sample", arguments, 1);
    checkInteger("CopyTask", "the number of samples", n, 1);
    const { letters, length, features, blank } = this;
    return Array.from({ length: n }, () => {
      const delay = drawLength(this.#delay, this.#random);
      const steps = delay + 2 * length;
      const symbols = new Int32Array(steps).fill(blank);
      const y = new Int32Array(steps).fill(blank);
      for (let i = 0; i < length; i++) symbols[i] = y[delay + length + i] = this.#random.integer(0, letters);
      symbols[length + delay - 1] = blank + 1;
      const x = new Float32Array(steps * features);
      symbols.forEach((symbol, t) => { x[t * features + symbol] = 1; });
      return { x: input(x, [steps, features]), y };
    });
  }
}
