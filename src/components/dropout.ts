import { Component, dropout, ValueError, type Variable } from "../index.ts";
import { describe } from "../support/describe.ts";
import { type Kind, type Kinds, of, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";

/** What a `Dropout` is made with. */
export interface DropoutOptions {
  /** The probability that an element is dropped: from 0 to less than 1. */
  readonly p: number;
}

/** A probability of dropping. */
export const share: Kind<number> = {
  read: (p, caller, name) => {
    if (typeof p === "number" && p >= 0 && p < 1) return p;
    const left = p === 1 ? ": nothing would be left" : "";
    throw new ValueError(`${caller} takes as ${name} the share that is dropped, from 0 to less than 1, but got ${describe(p)}${left}.`);
  },
};

/** x on its way through a component: with elements dropped, or x itself where none ever is. */
export const dropped = (x: Variable, p: number): Variable => (p === 0 ? x : dropout(x, p));

/**
 * Inverted dropout (Srivastava et al. 2014) as a component: it acts inside `grad`, and is the identity anywhere else.
 * @example
 * const layer = new Dropout({ p: 0.5 });
 * layer.forward(ones([4])).toArray(); // [1, 1, 1, 1]
 * const w = parameter(ones([4]));
 * grad(() => layer.forward(w).sum());
 * w.grad?.toArray(); // an element is 0, or 2 if it was not dropped
 */
export class Dropout extends Component {
  static get options(): Kinds<DropoutOptions, Dropout> { return { p: share }; }

  declare readonly p: number;

  /** @throws ValueError for what is not such a probability */
  constructor(options: DropoutOptions) {
    super();
    take(this, Dropout.options, options, arguments);
  }

  /** What the constructor takes to build such a component again. */
  get options(): DropoutOptions { return of(this, Dropout.options); }

  /** x with elements dropped, of any shape. */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    return dropout(x, this.p);
  }
}
