import { concat, ShapeError, ValueError, type Variable } from "../index.ts";
import { checkOptions, show } from "./checks.ts";
import { Recurrent } from "./recurrent.ts";
import { checkParts, SequenceComponent, type State } from "./sequence.ts";

export interface BidirectionalOptions {
  /** Reads from the first step on. */
  readonly forward: Recurrent;
  /** Reads from the last step on. */
  readonly backward: Recurrent;
}

/**
 * Two recurrent components that read a sequence in both directions (Schuster & Paliwal 1997); a step's result is both
 * results side by side. It needs the whole sequence, so it has no `step`. With a mask the backward one begins at the
 * end of each sequence, not in its padding.
 *
 *     const birnn = new Bidirectional({
 *       forward: new Lstm({ inputs: 8, outputs: 16 }),
 *       backward: new Lstm({ inputs: 8, outputs: 16 }),
 *     });
 *     birnn.unfold(xs);   // [..., steps, 32]
 */
export class Bidirectional extends SequenceComponent<readonly [forward: State, backward: State]> {
  readonly inputs: number;
  readonly outputs: number;
  readonly forward: Recurrent;
  readonly backward: Recurrent;

  /** @throws ValueError for what is not recurrent; ShapeError if the two take inputs of different size */
  constructor(options: BidirectionalOptions) {
    super();
    const { forward, backward } = checkOptions(this, options, ["forward", "backward"]);
    for (const [field, part] of Object.entries({ forward, backward })) {
      if (!(part instanceof Recurrent)) throw new ValueError(`${this.constructor.name} takes a recurrent component as ${field}, such as an Lstm, but got ${show(part)}.`);
    }
    if (forward.inputs !== backward.inputs) {
      throw new ShapeError(
        `${this.constructor.name} got forward with ${forward.inputs} inputs and backward with ${backward.inputs} inputs: ` +
          "both read the same sequence, so both must have the same inputs.",
      );
    }
    this.inputs = forward.inputs;
    this.outputs = forward.outputs + backward.outputs;
    this.forward = forward;
    this.backward = backward;
  }

  /** What the constructor takes to build such a component again. */
  get options(): BidirectionalOptions { return { forward: this.forward, backward: this.backward }; }

  initialState(batch?: number): readonly [forward: State, backward: State] {
    return [this.forward.initialState(batch), this.backward.initialState(batch)];
  }

  run(xs: readonly Variable[], state: readonly [forward: State, backward: State], masks: readonly Variable[] | null): Variable[] {
    checkParts(this, state, ["forward", "backward"]);
    const right = this.forward.run(xs, state[0], masks);
    const left = this.backward.run(xs.toReversed(), state[1], masks === null ? null : masks.toReversed()).reverse();
    return right.map((h, t) => concat([h, left[t]], -1));
  }
}
