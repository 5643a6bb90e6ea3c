import { Component, embed, type Indices, type Parameter, parameter, type Variable } from "../index.ts";
import { normal } from "../initialization/index.ts";
import { amount, derived, type Kinds, of, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";

/** What an `Embedding` is made with. */
export interface EmbeddingOptions {
  /** The number of symbols. */
  readonly inputs: number;
  /** The size of a symbol's vector. */
  readonly outputs: number;
  /** The standard deviation with which the vectors begin; 1 / √outputs unless given. */
  readonly std?: number;
}

/**
 * A trained vector for each of a number of symbols (words, characters, positions).
 * w [inputs, outputs], a row a symbol, begins normal with variance 1 / outputs, so that rows have a norm of about 1, whatever their size, and
 * sums of a few are not large. Under a recurrent layer, whose gates see little of a vector of norm 1, `std: 1`, the rule of PyTorch's Embedding,
 * often lets learning start sooner.
 * @example
 * const words = new Embedding({ inputs: 1000, outputs: 32 });
 * words.forward([3, 1, 4]).shape; // [3, 32]
 * // Bags of words: the sum of the vectors of each list.
 * words.forward([[3, 1, 4], [1]]).shape; // [2, 32]
 */
export class Embedding extends Component {
  static get options(): Kinds<EmbeddingOptions, Embedding> {
    return { inputs: size, outputs: size, std: derived(amount, ({ outputs }) => 1 / Math.sqrt(outputs)) };
  }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly std: number;
  readonly w: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1, or a deviation that is negative or not finite */
  constructor(options: EmbeddingOptions) {
    super();
    const { inputs, outputs, std } = take(this, Embedding.options, options, arguments);
    this.w = parameter(normal([inputs, outputs], { std }));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<EmbeddingOptions> { return of(this, Embedding.options); }

  /**
   * The vectors of symbols.
   * @param indices an integer from 0 to inputs − 1, a list or a Variable of them; or a list of lists for sums of vectors
   * @returns [...indices, outputs]; for lists of lists [lists, outputs]
   * @throws ValueError for an index out of range
   */
  forward(indices: Indices | readonly (readonly number[])[]): Variable {
    checkArguments("forward", arguments, 1);
    return embed(this.w, indices);
  }
}
