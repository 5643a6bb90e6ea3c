/** Memory for time: what a part of a step computes is not kept for the backward pass, but computed again there. */

import { Role } from "../plan/role.ts";
import { Mark } from "../plan/trace.ts";
import { checkArguments } from "../support/options.ts";
import { call } from "./grad.ts";
import { newOperation, type Operation } from "./operation.ts";
import { openStep, record, record2 } from "./recording.ts";
import type { Again, Fold, Step } from "./step.ts";
import type { Variable } from "./variable.ts";

/**
 * Runs a part of a step whose values are not kept for the backward pass (T. Chen et al.: Training Deep Nets with Sublinear Memory Cost,
 * arXiv:1604.06174). The memory of what is computed in `f` is used again as soon as nothing needs it going forward. When the backward pass comes to this
 * part, what it needs is computed again, from what `f` used and from the same random numbers; so the results are the same, and a step whose parts are all
 * checkpoints takes about a third more time, one of a recurrent layer up to twice. `f` itself is called once.
 *
 * Of a chain of n equal parts, one checkpoint each keeps the n results in between, and one part. Checkpoints may be nested. They act inside `grad`, and where
 * `gradients` is called after them; elsewhere this is `f()`. What has run already, because a number was looked at, is kept. Steps with checkpoints do not
 * stack what many members do alike, so small models gain nothing.
 *
 * @param f any code: it may use and assign whatever it could without
 * @returns what `f` returns
 * @throws UsageError if `f` is asynchronous
 * @example
 * const layers = [0.5, 2, 1].map((value) => parameter(value));
 * const loss = grad(() => layers.reduce((h, w) => checkpoint(() => tanh(mul(w, h))), input(1)));
 * // As without: tanh(tanh(2·tanh(0.5)))
 * loss.item(); // 0.6218
 */
export function checkpoint<R>(f: () => R): R {
  checkArguments("checkpoint", arguments, 1);
  const step = openStep();
  if (step === null) return call("checkpoint", f);
  step.again = Recomputation;
  const { trace } = step;
  const from = trace.count;
  try {
    return call("checkpoint", f);
  } finally {
    trace.regions.push([from, trace.count]);
    trace.mark(Mark.region, [from]);
  }
}

/** A region in one backward pass: the nodes from `from` to before `to`. */
interface Passage {
  readonly from: number;
  readonly to: number;
  /** The region that it lies in. */
  readonly outer: Passage | null;
  /** For each node of it, and each that it uses from outside, the node that has its value, once it has been recorded again. */
  names: Map<number, number> | null;
}

/** Input 0, when the others are there: what uses it comes after them. */
const after = (name: string, lower: Operation["lower"]): Operation =>
  newOperation({ name, role: Role.view, lower, reverse: (k) => (k === 0 ? (gradient) => gradient : null) });
const held = after("checkpoint", (lowering, node) => { lowering.alias(node, lowering.trace.input(node, 0)); });
const fence = after("checkpoint", (lowering, node) => { lowering.fence(node, lowering.trace.input(node, 0)); });

/**
 * Records regions again as the backward pass comes to them. They must not run before, with the forward pass or with other regions, so what they use goes
 * through `held`, which waits until the gradients are there that the regions after them have given, and, before the first, until the forward pass is done.
 */
class Recomputation implements Again {
  /** The innermost region of the node that was reached. */
  private current: Passage | null = null;
  private next: number;
  private gradient: Variable;
  /** What the next region waits for. */
  private given: Variable[];
  /** The first node that uses each. */
  private readonly firstUse: Int32Array;

  constructor(private readonly step: Step, result: Variable, private readonly fold: Fold) {
    const { trace } = step;
    this.next = trace.regions.length - 1;
    this.gradient = result;
    this.given = [result];
    this.firstUse = new Int32Array(trace.count);
    for (let node = result.index; node >= 0; node--) for (let k = trace.inputCount(node) - 1; k >= 0; k--) this.firstUse[trace.input(node, k)] = node;
  }

  reach(node: number, gradient: Variable): void {
    while (this.current !== null && node < this.current.from) this.leave(this.current);
    const { trace } = this.step;
    for (; this.next >= 0 && trace.regions[this.next][1] > node; this.next--) {
      const [from] = trace.regions[this.next];
      if (from <= node) this.current = { from, to: node + 1, outer: this.current, names: null };
    }
    this.gradient = gradient;
    // What goes on in pieces is added up at the end.
    if (this.current !== null && (trace.operations[node] as Operation).pieces !== undefined) this.given.push(gradient);
  }

  nodeFor(node: number): number { return this.seen(node, this.current); }

  /** The node that has the value of a node for those of a region. */
  private seen(node: number, region: Passage | null): number {
    if (node < this.step.ran || this.step.trace.isLeaf(node)) return node;
    for (let inner = region; inner !== null; inner = inner.outer) if (node >= inner.from) return this.again(inner).get(node) as number;
    return node;
  }

  /** Records a region again, if that has not been done. */
  private again(region: Passage): Map<number, number> {
    if (region.names !== null) return region.names;
    const { step, step: { trace, reversing } } = this;
    const names = new Map<number, number>();
    const outside = this.outside(region).map((node) => [node, this.seen(node, region.outer)]);
    const wait = record(fence, this.gradient.shape, [this.gradient, ...this.given]);
    this.given = [];
    for (const [node, seen] of outside) names.set(node, record2(held, trace.shapes[node], step.variable(seen), wait).index);
    for (let node = Math.max(region.from, step.ran); node < region.to; node++) {
      if (trace.isLeaf(node)) continue;
      const inputs = Array.from({ length: trace.inputCount(node) }, (_, k) => names.get(trace.input(node, k)) as number);
      const copied = trace.general(trace.operations[node], trace.shapes[node], inputs, trace.attributes(node));
      step.reversing = node; // for messages
      step.called(copied);
      names.set(node, copied);
    }
    step.reversing = reversing;
    region.names = names;
    return names;
  }

  /** What a region uses that is not computed in it. */
  private outside(region: Passage): number[] {
    const { trace, ran } = this.step;
    const from = Math.max(region.from, ran);
    const found = new Set<number>();
    for (let node = from; node < region.to; node++) {
      for (let k = trace.inputCount(node) - 1; k >= 0; k--) {
        const input = trace.input(node, k);
        if (input < from || trace.isLeaf(input)) found.add(input);
      }
    }
    return [...found];
  }

  /**
   * Adds up what the region gives to those that other regions give to as well, or their sums would keep the values of all regions. The next region waits
   * for that, and for what the region gives to those that come before it; not for what it alone gives to a weight, if there is anything else, because
   * products are best added up where they end.
   */
  private leave(region: Passage): void {
    const { trace } = this.step;
    const isOwn = (node: number): boolean => this.firstUse[node] >= region.from;
    const outside = this.outside(region);
    for (const node of outside) {
      if (isOwn(node) && trace.isLeaf(node)) continue;
      this.fold(node, (sum) => this.give(isOwn(node) ? sum : record(held, sum.shape, [sum])));
    }
    if (this.given.length === 0) for (const node of outside) this.fold(node, (sum) => this.give(sum));
    this.current = region.outer;
  }

  private give(sum: Variable): Variable {
    this.given.push(sum);
    return sum;
  }
}
