import { Component, type Parameter, parameter, type Shape, type TensorLike, ValueError, zeros } from "../index.ts";
import { refusal } from "../support/check.ts";
import { integer } from "../support/option.ts";
import { checkArguments, checkOptions } from "../support/options.ts";

/** What a `ValueComponent` is made with. */
export interface ValueComponentOptions {
  /** The initial value, which is copied; 0 unless given. */
  readonly value?: TensorLike;
  /** The shape of a value that begins at 0, or of a flat array. */
  readonly shape?: Shape;
}

/**
 * One parameter as a component: for a bare array where a component is asked for.
 * @example
 * const prior = new ValueComponent({ shape: [3] });
 * prior.value.toArray(); // [0, 0, 0]
 * prior.parameters().length; // 1
 */
export class ValueComponent extends Component {
  readonly value: Parameter;

  /** @throws ValueError if neither a value nor a shape is given; ShapeError if they do not fit */
  constructor(options: ValueComponentOptions) {
    super();
    const { name } = this.constructor;
    checkArguments(name, arguments, 1);
    const { value, shape } = checkOptions(name, options, ["value", "shape"]);
    if (shape !== undefined) {
      if (!Array.isArray(shape)) throw refusal(name, "a list of sizes as shape", shape);
      shape.forEach((size, axis) => { integer(0).read(size, name, `shape[${axis}]`, null); });
    }
    if (value !== undefined) this.value = parameter(value, shape);
    else if (shape !== undefined) this.value = parameter(zeros(shape));
    else throw new ValueError(`${name} takes { value } or { shape }, but got neither.`);
  }

  /** What the constructor takes to build such a component again. */
  get options(): { shape: Shape } { return { shape: this.value.shape }; }
}
