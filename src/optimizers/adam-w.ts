import { elementwise } from "../operations/elementwise.ts";
import { amount, optional } from "../support/kinds.ts";
import type { Variable } from "../engine/variable.ts";
import { Adam, type AdamOptions, adamSlots, moments, withRoot } from "./adam.ts";
import { ElementwiseOptimizer } from "./optimizer.ts";
import type { Numbers, NumberKinds } from "./parameter-group.ts";
import type { Schedule } from "./rate.ts";
import type { Updated } from "./updated.ts";

export interface AdamWOptions extends AdamOptions {
  /** λ: each update takes η·λ of every parameter away; 0.01 unless given. Give biases a group with 0. */
  readonly weightDecay?: number | Schedule | undefined;
}

const descend = elementwise("adamW", (value, first, root, rate, correction, epsilon, decay) =>
  value.sub(first.mul(rate).div(root.mul(correction).add(epsilon))).sub(value.mul(decay)));

/**
 * Adam with decoupled weight decay (I. Loshchilov & F. Hutter, arXiv:1711.05101, algorithm 2): the step of Adam, and
 * θ ← θ − η·λ·θ of the values before it. As everywhere in practice λ is multiplied by the whole learning rate; the paper
 * writes its learning rate as ηₜ·α and multiplies λ by ηₜ only, so its λ is this λ times α.
 * @example
 * const w = parameter([3, -100]);
 * const optimizer = new AdamW(w, { learningRate: 0.1, weightDecay: 0.5 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * // Less 0.1, the first step of Adam, and a twentieth
 * w.toArray(); // [2.75, -94.90]
 */
export class AdamW extends ElementwiseOptimizer<AdamWOptions> {
  static override get options(): NumberKinds<AdamWOptions> { return { ...Adam.options, weightDecay: optional(amount, 0.01) }; }

  protected readonly slots = adamSlots;

  protected rule(value: Variable, gradient: Variable, slots: readonly Variable[], numbers: Numbers<AdamWOptions>): Updated {
    const { first, root, rate, correction, epsilon } = moments(gradient, slots, numbers);
    const decay = numbers.learningRate * numbers.weightDecay;
    return { value: descend(value, first, root, rate, correction, epsilon, decay), slots: [first, root] };
  }

  protected override upgraded(slots: Readonly<Record<string, Variable>>): Readonly<Record<string, Variable>> { return withRoot(slots); }
}
