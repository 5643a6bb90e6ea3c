import { Component, concat, ShapeError, ValueError, type Variable } from "../index.ts";
import { derived, instance, type Kinds, of, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { Recurrent } from "./recurrent.ts";
import { checkParts, SequenceComponent, type RecurrentState } from "./sequence.ts";

/** What a `Bidirectional` is made with. */
export interface BidirectionalOptions {
  /** Reads from the first step on. */
  readonly forward: Recurrent;
  /** Reads from the last step on; unless given another one like `forward`, built by its options with initial values of its own. */
  readonly backward?: Recurrent;
}

/**
 * Two recurrent components that read a sequence in both directions (Schuster & Paliwal 1997); a step's result is both
 * results side by side. It needs the whole sequence, so it has no `step`. With a mask the backward one begins at the
 * end of each sequence, not in its padding.
 * @example
 * const birnn = new Bidirectional({ forward: new Lstm({ inputs: 8, outputs: 16 }) });
 * birnn.unfold(randn([2, 5, 8])).shape; // [2, 5, 32]
 */
export class Bidirectional extends SequenceComponent<readonly [forward: RecurrentState, backward: RecurrentState]> {
  static get options(): Kinds<BidirectionalOptions, Bidirectional> {
    const recurrent = instance(Recurrent, "a recurrent component", "an Lstm");
    return { forward: recurrent, backward: derived(recurrent, (owner) => another(owner, owner.forward)) };
  }

  readonly inputs: number;
  readonly outputs: number;
  declare readonly forward: Recurrent;
  declare readonly backward: Recurrent;

  /**
   * @throws ValueError for what is not recurrent, or has no options to build another one by; ShapeError if the two take inputs of different size
   */
  constructor(options: BidirectionalOptions) {
    super();
    const { forward, backward } = take(this, Bidirectional.options, options, arguments);
    if (forward.inputs !== backward.inputs) {
      throw new ShapeError(
        `${this.constructor.name} got forward with ${forward.inputs} inputs and backward with ${backward.inputs} inputs: ` +
          "both read the same sequence, so both must have the same inputs.",
      );
    }
    this.inputs = forward.inputs;
    this.outputs = forward.outputs + backward.outputs;
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<BidirectionalOptions> { return of(this, Bidirectional.options); }

  initialState(batch?: number): readonly [forward: RecurrentState, backward: RecurrentState] {
    checkArguments("initialState", arguments, 1);
    return [this.forward.initialState(batch), this.backward.initialState(batch)];
  }

  run(xs: readonly Variable[], state: readonly [forward: RecurrentState, backward: RecurrentState], masks: readonly Variable[] | null): Variable[] {
    checkArguments("run", arguments, 3);
    checkParts(this, state, 2, "forward, backward");
    const right = this.forward.run(xs, state[0], masks);
    const left = this.backward.run(xs.toReversed(), state[1], masks === null ? null : masks.toReversed()).reverse();
    return right.map((h, t) => concat([h, left[t]], -1));
  }
}

/** A component of the same kind with the same options, and so with each component among them. */
function another<T extends Component>(owner: Component, component: T): T {
  const { options } = component as { readonly options?: unknown };
  if (typeof options !== "object" || options === null) {
    throw new ValueError(`${owner.constructor.name} cannot build another ${component.constructor.name}, which has no options. Give it one as backward, too.`);
  }
  const copy = (value: unknown): unknown => (value instanceof Component ? another(owner, value) : Array.isArray(value) ? value.map(copy) : value);
  const Kind = component.constructor as new (options: object) => T;
  return new Kind(Object.fromEntries(Object.entries(options).map(([name, value]) => [name, copy(value)])));
}
