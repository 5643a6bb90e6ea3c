import { Component, dropout, type Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { checkDropout, checkOptions } from "./checks.ts";

export interface DropoutOptions {
  /** The probability that an element is dropped: from 0 to less than 1. */
  readonly p: number;
}

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
  readonly p: number;

  /** @throws ValueError for what is not such a probability */
  constructor(options: DropoutOptions) {
    super();
    this.p = checkDropout(this, "p", checkOptions(this, arguments, options, ["p"]).p);
  }

  /** What the constructor takes to build such a component again. */
  get options(): DropoutOptions { return { p: this.p }; }

  /** x with elements dropped, of any shape. */
  forward(x: Variable): Variable {
    checkArguments("forward", arguments, 1);
    return dropout(x, this.p);
  }
}
