/** Sequences, and the components that turn one into another. */

import { broadcastTo, Component, decat, input, type Shape, ShapeError, slice, stack, Variable, where, zeros } from "../index.ts";
import { checkInteger, refusal } from "../support/check.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";

/**
 * Samples one after another in time: a list of Variables [..., features], one a step, or all steps in one Variable
 * [..., steps, features]. A list of Variables [batch, features] and one Variable [batch, steps, features] hold the same.
 */
export type Sequence = Variable | readonly Variable[];

/** Which steps are there, in sequences that are padded to one length: [..., steps] of 1 (there) and 0 (padding). */
export type Mask = Variable | readonly number[] | readonly (readonly number[])[];

/** What is carried from step to step: a Variable, or lists of them. */
export type RecurrentState = Variable | readonly RecurrentState[];

/**
 * A component that turns a sequence into one of the same length: [..., steps, inputs] → [..., steps, outputs].
 * @example
 * const make = () => new Lstm({ inputs: 4, outputs: 3 });
 * const layers: SequenceComponent[] = [make(), new Bidirectional({ forward: make() })];
 * layers.map((layer) => layer.unfold(randn([5, 4])).shape); // [[5, 3], [5, 6]]
 */
export abstract class SequenceComponent<S extends RecurrentState = RecurrentState> extends Component {
  /** The number of features of a step. */
  abstract readonly inputs: number;
  /** The number of features of a result. */
  abstract readonly outputs: number;

  /**
   * The state before the first step.
   * @param batch for so many sequences; without it for one, which also broadcasts to any number
   * @throws ValueError for a batch that is not an integer of at least 0
   */
  abstract initialState(batch?: number): S;

  /** What `unfold` does, with steps that have been checked and, if some are padding, a mask [..., 1] for each. */
  abstract run(xs: readonly Variable[], state: S, masks: readonly Variable[] | null): Variable[];

  /**
   * Runs over a whole sequence.
   *
   * @param xs a list of Variables [..., inputs], or one Variable [..., steps, inputs]; it may have no steps
   * @param state to begin with; the initial one unless given
   * @param mask [..., steps] with 0 for padding: there the state stays as it is
   * @returns for a list, the list of results [..., outputs] of the steps; for one Variable, one [..., steps, outputs]
   * @throws ShapeError
   */
  unfold(xs: readonly Variable[], state?: S, mask?: Mask): Variable[];
  unfold(xs: Variable, state?: S, mask?: Mask): Variable;
  unfold(xs: Sequence, state?: S, mask?: Mask): Sequence;
  unfold(xs: Sequence, state: S = this.initialState(), mask?: Mask): Sequence {
    checkArguments("unfold", arguments, 3);
    const { steps, masks } = read(this, xs, mask);
    return this.likeInput(xs, this.run(steps, state, masks));
  }

  /** Results of the steps in the form that the sequence has: a list, or one Variable. */
  protected likeInput(xs: Sequence, outputs: readonly Variable[]): Sequence {
    if (!(xs instanceof Variable)) return outputs;
    return outputs.length === 0 ? zeros([...xs.shape.slice(0, -2), 0, this.outputs]) : stack(outputs, -2);
  }
}

/** The steps of a sequence as a list, each checked. */
export function stepsOf(component: Component, field: string, xs: Sequence, features: number): readonly Variable[] {
  if (xs instanceof Variable) {
    if (xs.shape.length >= 2 && xs.shape[xs.shape.length - 1] === features) return decat(xs, -2);
    throw new ShapeError(
      `${component.constructor.name} got ${field} of shape [${xs.shape.join(", ")}]; it takes a sequence [..., steps, ${features}], ` +
        `or a list of Variables [..., ${features}], one a step.`,
    );
  }
  if (!Array.isArray(xs)) {
    throw refusal(component.constructor.name, `a list of Variables, or one Variable [..., steps, ${features}], as ${field}`, xs);
  }
  for (let t = 0; t < xs.length; t++) {
    const last = xs[t] instanceof Variable ? xs[t].shape[xs[t].shape.length - 1] : -1;
    if (last !== features) checkLast(component, `${field}[${t}]`, xs[t], features); // throws
  }
  return xs;
}

/** A sequence as one Variable [..., steps, features]. */
export function joined(component: Component, field: string, xs: Sequence, features: number): Variable {
  if (xs instanceof Variable) {
    if (xs.shape.length < 2) stepsOf(component, field, xs, features);
    checkLast(component, field, xs, features);
    return xs;
  }
  const steps = stepsOf(component, field, xs, features);
  return steps.length === 0 ? zeros([0, features]) : stack(steps, -2);
}

/** A mask as a Variable of the shape [..., steps], or of its last axes if one mask serves a whole batch. */
export function maskVariable(component: Component, mask: Mask, shape: Shape): Variable {
  const found = mask instanceof Variable ? mask : input(mask);
  const missing = shape.length - found.shape.length;
  if (found.shape.length >= 1 && missing >= 0 && found.shape.every((size, axis) => size === shape[axis + missing])) return found;
  throw new ShapeError(
    `${component.constructor.name} got a mask of shape [${found.shape.join(", ")}] for sequences [${shape.join(", ")}]: it must have a 1 or a 0 for each step.`,
  );
}

/** What padding holds, be it NaN, replaced by 0: x [..., steps, features], mask [..., steps]. */
export const withoutPadding = (x: Variable, mask: Variable): Variable => where(mask.unsqueeze(-1), x, 0);

/** The steps of a sequence with a mask [..., 1] for each; what padding holds, be it NaN, is replaced by 0. */
export function read(component: SequenceComponent, xs: Sequence, mask: Mask | undefined): { steps: readonly Variable[]; masks: readonly Variable[] | null } {
  const steps = stepsOf(component, "xs", xs, component.inputs);
  if (mask === undefined || steps.length === 0) return { steps, masks: null };
  const found = maskVariable(component, mask, [...steps[0].shape.slice(0, -1), steps.length]);
  const before = found.shape.slice(1).map(() => null);
  const masks = steps.map((_, t) => slice(found, ...before, [t, t + 1]));
  return { steps: steps.map((x, t) => where(masks[t], x, 0)), masks };
}

/** The new state where the mask [..., 1] is not 0, the old one elsewhere. */
export function select<S extends RecurrentState>(mask: Variable, next: S, previous: S): S {
  if (!(next instanceof Variable)) {
    return (next as readonly RecurrentState[]).map((part, i) => select(mask, part, (previous as readonly RecurrentState[])[i])) as unknown as S;
  }
  // A part of a state may have several axes after those of the batch.
  const batch = mask.shape.slice(0, -1);
  const aligned = mask.reshape([...batch, ...new Array<number>(next.shape.length - batch.length).fill(1)]);
  return where(aligned, next, previous as Variable) as RecurrentState as S;
}

/** A state for one sequence as that of a batch. */
export function batched(component: Component, state: Variable, batch: number | undefined): Variable {
  if (batch === undefined) return state;
  checkInteger(component.constructor.name, "batch", batch, 0);
  return broadcastTo(state, [batch, ...state.shape]);
}

/** Refuses a state that is not a list of so many parts. */
export function checkParts(component: Component, state: unknown, count: number, names: string): void {
  if (Array.isArray(state) && state.length === count) return;
  throw refusal(component.constructor.name, `a list [${names}] as state`, state, " initialState() gives one to begin with.");
}
