import { affine, Component, linear, type Parameter, parameter, ShapeError, type Variable, zeros } from "../index.ts";
import { glorot } from "../initialization/index.ts";
import { describe } from "../support/describe.ts";
import { type Kinds, list, of, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";

/** What a `Fusion` is made with. */
export interface FusionOptions {
  /** The size of each input. */
  readonly inputs: readonly number[];
  readonly outputs: number;
}

/**
 * The sum of linear maps of several inputs: Σ xᵢ·wᵢᵀ + b. It is what one affine map of the joined inputs would be, without joining.
 * w[i] [outputs, inputs[i]] begin as Glorot & Bengio (2010) propose, b [outputs] at 0.
 * @example
 * const fusion = new Fusion({ inputs: [3, 5], outputs: 4 });
 * const [words, images] = [randn([10, 3]), randn([10, 5])];
 * fusion.forward([words, images]).shape; // [10, 4]
 */
export class Fusion extends Component {
  static get options(): Kinds<FusionOptions, Fusion> {
    return { inputs: list(size, "a list with the size of each input", "[3, 5]", 1), outputs: size };
  }

  declare readonly inputs: readonly number[];
  declare readonly outputs: number;
  readonly w: readonly Parameter[];
  readonly b: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1, or no input */
  constructor(options: FusionOptions) {
    super();
    const { inputs, outputs } = take(this, Fusion.options, options, arguments);
    this.w = inputs.map((n) => parameter(glorot([outputs, n])));
    this.b = parameter(zeros([outputs]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): FusionOptions { return of(this, Fusion.options); }

  /**
   * @param xs for each input [..., inputs[i]]
   * @returns [..., outputs]
   * @throws ShapeError for another number of inputs, or one of another size
   */
  forward(xs: readonly Variable[]): Variable {
    checkArguments("forward", arguments, 1);
    if (!Array.isArray(xs) || xs.length !== this.inputs.length) {
      throw new ShapeError(`${this.constructor.name} takes a list of ${this.inputs.length} inputs as xs, but got ${describe(xs)}.`);
    }
    xs.forEach((x, i) => { checkLast(this, `xs[${i}]`, x, this.inputs[i]); });
    let y = affine(this.w[0], xs[0], this.b);
    for (let i = 1; i < xs.length; i++) y = y.add(linear(this.w[i], xs[i]));
    return y;
  }
}
