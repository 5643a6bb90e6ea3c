/** What is remembered from step to step and is not trained. */

import type { MemoryKind } from "../devices/device.ts";
import { Storage } from "../devices/storage.ts";
import type { FloatArray } from "../kernels/kernel.ts";
import { checkArguments } from "../support/options.ts";
import { type Shape, sizeOf } from "../support/shape.ts";
import { openStep } from "./recording.ts";
import { assignable, assignTo, numbers, stepOf, type TensorLike, Variable, withValuesOf } from "./variable.ts";

/**
 * An array that a component keeps between steps and that is not trained, such as running statistics or a hidden state. It is saved and restored
 * with the component. Made by `state`.
 * @example
 * const best = state([3, 1]);
 * best instanceof State && !(best instanceof Parameter); // true
 * best.assign([2, 0]).toArray(); // [2, 0]
 */
export class State extends Variable {
  /** @internal Use `state`. Without values it is zeros. */
  constructor(shape: Shape, values: FloatArray | null, kind: MemoryKind = "state") {
    super(shape, null, null, -1, new Storage(sizeOf(shape), values, kind));
  }

  /** @internal Within a step what it has there, which may have been assigned. */
  override get source(): Variable["source"] { return stepOf(this) ?? this.storage; }

  /**
   * Replaces the values. Inside `grad`, `evaluate` or `gradients` they are part of the step: what uses the state before sees the old values,
   * what uses it afterwards the new ones, which are the assigned Variable itself, also for gradients. They stay when the step succeeds, those
   * assigned last; after an error all states are as before. The next step sees numbers: no gradient flows from one step to another.
   *
   *     this.mean.assign(this.mean.mul(0.9).add(batch.mean(0).mul(0.1)));
   *
   * @throws ShapeError if the shapes differ
   */
  override assign(value: TensorLike): this {
    checkArguments("assign", arguments, 1);
    const given = assignable("state", this.shape, value);
    const step = openStep();
    if (step === null) assignTo(this.storage as Storage, given);
    else step.assign(this, given);
    return this;
  }
}

/**
 * An array with these initial values, which are copied, that belongs to a component and is not trained: it is none of its `parameters()`, and gets
 * no gradient, but `assign` writes to it, also inside of a step. Components list theirs by `namedState()`, and flimsy-ml/io saves and restores them.
 *
 * @throws as `input`
 * @example
 * class Counter extends Component {
 *   readonly count = state(0);
 *   next() { return this.count.assign(this.count.add(1)); }
 * }
 * const counter = new Counter();
 * evaluate(() => [counter.next(), counter.next()]);
 * counter.count.item(); // 2
 */
export function state(value: TensorLike, shape?: Shape): State {
  checkArguments("state", arguments, 2);
  const { values, shape: found } = numbers("state", value, shape);
  return withValuesOf(value, new State(found, values));
}

/**
 * Is something being trained? True inside `grad`; false inside `evaluate` (also where that is inside `grad`, and where dropout acts nevertheless), inside
 * `gradients` outside of a step, and outside of all. For layers that do
 * something else in training, as dropout and batch normalisation do.
 * @example
 * const w = parameter(2);
 * const seen: boolean[] = [];
 * const f = () => { seen.push(isTraining()); return mul(w, w); };
 * grad(f); evaluate(f); gradients(f, [w]);
 * seen; // [true, false, false]
 */
export function isTraining(): boolean {
  checkArguments("isTraining", arguments, 0);
  return openStep()?.isTraining === true;
}

/** @internal Does dropout act here: in training, and where `evaluate` was told so? */
export function isDropping(): boolean {
  const step = openStep();
  return step !== null && (step.isTraining || step.dropout);
}
