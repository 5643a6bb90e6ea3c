/** What the recurrent components share. */

import { Variable } from "../index.ts";
import { checkArguments } from "../support/options.ts";
import { type Mask, read, type Sequence, SequenceComponent, type RecurrentState, select } from "./sequence.ts";

/**
 * A component that is applied step by step: `state = step(x, state)`. All recurrent components have this interface, so
 * that a model can be written for any of them. One of your own gives its sizes, `initialState` and `step`.
 * @example
 * function last(rnn: Recurrent, xs: readonly Variable[]): Variable {
 *   let state = rnn.initialState();
 *   for (const x of xs) state = rnn.step(x, state);
 *   return rnn.output(state);
 * }
 * last(new Lstm({ inputs: 4, outputs: 3 }), [randn([4]), randn([4])]).shape; // [3]
 * @example
 * class Leaky extends Recurrent<Variable> { // a sum that forgets
 *   readonly inputs = 2;
 *   readonly outputs = 2;
 *   readonly rate = parameter(0.5);
 *   initialState(batch?: number) { return zeros(batch === undefined ? [2] : [batch, 2]); }
 *   step(x: Variable, h: Variable = this.initialState()) { return h.mul(this.rate).add(x); }
 * }
 * new Leaky().unfold(input([[1, 0], [1, 1]])).toArray(); // [[1, 0], [1.5, 1]]
 */
export abstract class Recurrent<S extends RecurrentState = RecurrentState> extends SequenceComponent<S> {
  /**
   * One step.
   *
   * @param x [..., inputs]
   * @param state of the step before; the initial one unless given
   * @param scale the norm to which a component made with `normed` rescales gradients; 1 unless given
   * @throws ShapeError
   */
  abstract step(x: Variable, state?: S, scale?: number): S;

  /** What a state shows: [..., outputs]. Its first Variable, unless a component says otherwise. */
  output(state: S): Variable;
  output(state: S, more?: unknown, list?: unknown): Variable {
    if (more !== undefined) checkArguments("output", [state, more, list], 1);
    let part: RecurrentState = state;
    while (!(part instanceof Variable)) part = part[0];
    return part;
  }

  /**
   * The states after each step. A component made with `normed` rescales gradients to norm 1 / steps here and in `unfold`.
   * @param xs a list of Variables [..., inputs], or one Variable [..., steps, inputs]
   * @param state to begin with; the initial one unless given
   * @param mask [..., steps] with 0 for padding: there the state stays as it is
   * @returns the state after each step, of shapes as `step` gives them
   * @throws ShapeError
   */
  states(xs: Sequence, state: S = this.initialState(), mask?: Mask): S[] {
    checkArguments("states", arguments, 3);
    const { steps, masks } = read(this, xs, mask);
    return this.walk(steps, state, masks);
  }

  /**
   * As `unfold`, with the state after the last step, where to go on: for truncated back-propagation through time it is returned by the
   * function of one `grad` and given to the next, which takes it for a number like any other.
   * @returns outputs as of `unfold`, and the state; of no steps the state to begin with
   * @throws ShapeError
   */
  unfoldWithState(xs: readonly Variable[], state?: S, mask?: Mask): { outputs: Variable[]; state: S };
  unfoldWithState(xs: Variable, state?: S, mask?: Mask): { outputs: Variable; state: S };
  unfoldWithState(xs: Sequence, state?: S, mask?: Mask): { outputs: Sequence; state: S };
  unfoldWithState(xs: Sequence, state: S = this.initialState(), mask?: Mask): { outputs: Sequence; state: S } {
    checkArguments("unfoldWithState", arguments, 3);
    const states = this.states(xs, state, mask);
    return { outputs: this.likeInput(xs, states.map((each) => this.output(each))), state: states.at(-1) ?? state };
  }

  run(xs: readonly Variable[], state: S, masks: readonly Variable[] | null): Variable[] {
    checkArguments("run", arguments, 3);
    return this.walk(xs, state, masks).map((found) => this.output(found));
  }

  private walk(xs: readonly Variable[], start: S, masks: readonly Variable[] | null): S[] {
    let state = start;
    return xs.map((x, t) => {
      const next = this.step(x, state, 1 / xs.length);
      state = masks === null ? next : select(masks[t], next, state);
      return state;
    });
  }
}
