import { affine, broadcastTo, concat, full, linear, type Parameter, parameter, sigmoid, slice, softmax, type Variable, zeros } from "../index.ts";
import { glorot, orthonormal } from "../initialization/index.ts";
import { checkNumber } from "../support/check.ts";
import { derived, flag, integer, type Kinds, of, optional, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast, checkShapeOf } from "./checks.ts";
import { Recurrent } from "./recurrent.ts";
import { batched, checkParts } from "./sequence.ts";

/** What a `StackRnn` is made with. */
export interface StackRnnOptions {
  readonly inputs: number;
  /** The number of hidden units. */
  readonly outputs: number;
  /** The number of stacks; 1 unless given. */
  readonly stacks?: number;
  /** How many entries a stack holds; what is pushed further down is lost. 16 unless given. */
  readonly depth?: number;
  /** The numbers in an entry; 1 unless given, as in the paper. */
  readonly width?: number;
  /** How many entries from the top the hidden units see; 2 unless given. */
  readonly visible?: number;
  /** Whether a stack may stay as it is, besides push and pop; true unless given. */
  readonly keep?: boolean;
}

/** The hidden units [..., outputs], and the stacks [..., stacks, depth, width], the top first. */
export type StackRnnState = readonly [h: Variable, stacks: Variable];

/**
 * A recurrent network with stacks that it learns to use (Joulin & Mikolov, arXiv:1503.01007):
 *
 *     h ← σ(w·x + u·h + p·top + b)               top: the uppermost entries of all stacks
 *     a = softmax(aw·h)                          for each stack: push, pop, keep
 *     s[0] ← a.push · σ(d·h) + a.pop · s[1] + a.keep · s[0]
 *     s[i] ← a.push · s[i − 1] + a.pop · s[i + 1] + a.keep · s[i]
 *
 * An entry of an empty stack is −1. w [outputs, inputs], p, aw and d begin as Glorot & Bengio (2010) propose, u orthonormal
 * (Saxe et al., arXiv:1312.6120), b and the trained h0 at 0.
 * @example
 * const rnn = new StackRnn({ inputs: 2, outputs: 4, stacks: 3, depth: 10 });
 * rnn.unfold(randn([5, 2])).shape; // [5, 4]
 * const [h, stacks] = rnn.step(randn([2]));
 * stacks.shape; // [3, 10, 1]
 */
export class StackRnn extends Recurrent<StackRnnState> {
  static get options(): Kinds<StackRnnOptions, StackRnn> {
    return {
      inputs: size, outputs: size, stacks: optional(size, 1), depth: optional(size, 16), width: optional(size, 1),
      visible: derived(size, ({ depth }) => Math.min(2, depth)), keep: optional(flag, true),
    };
  }

  declare readonly inputs: number;
  declare readonly outputs: number;
  declare readonly stacks: number;
  declare readonly depth: number;
  declare readonly width: number;
  declare readonly visible: number;
  declare readonly keep: boolean;
  readonly w: Parameter;
  readonly u: Parameter;
  readonly p: Parameter;
  readonly b: Parameter;
  readonly aw: Parameter;
  readonly d: Parameter;
  readonly h0: Parameter;

  /** @throws ValueError for sizes that are not integers of at least 1, or more visible entries than there are */
  constructor(options: StackRnnOptions) {
    super();
    const { inputs: n, outputs: m, depth, visible } = take(this, StackRnn.options, options, arguments);
    integer(visible).read(depth, this.constructor.name, "depth (which must not be less than visible)", this);
    this.w = parameter(glorot([m, n]));
    this.u = parameter(orthonormal([m, m]));
    this.p = parameter(glorot([m, this.stacks * this.visible * this.width]));
    this.b = parameter(zeros([m]));
    this.aw = parameter(glorot([this.stacks * (this.keep ? 3 : 2), m]));
    this.d = parameter(glorot([this.stacks * this.width, m]));
    this.h0 = parameter(zeros([m]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): Required<StackRnnOptions> { return of(this, StackRnn.options); }

  initialState(batch?: number): StackRnnState {
    checkArguments("initialState", arguments, 1);
    return [batched(this, this.h0, batch), batched(this, full([this.stacks, this.depth, this.width], -1), batch)];
  }

  step(x: Variable, state: StackRnnState = this.initialState(), scale = 1): StackRnnState {
    checkArguments("step", arguments, 3);
    checkNumber(this.constructor.name, "scale", scale); // for components made with `normed`, which this is not
    const { stacks, depth, width } = this;
    checkLast(this, "x", x, this.inputs);
    checkParts(this, state, 2, "h, stacks");
    checkLast(this, "state[0] (h)", state[0], this.outputs);
    const batch = x.shape.slice(0, -1);
    // The stacks for one sequence serve a whole batch.
    checkShapeOf(this, "state[1] (stacks)", state[1], [...(state[1].shape.length === 3 ? [] : batch), stacks, depth, width]);
    const s = broadcastTo(state[1], [...batch, stacks, depth, width]);
    const before = batch.map(() => null);
    const entries = (...range: [number, number]): Variable => slice(s, ...before, null, range);

    const top = entries(0, this.visible).reshape([...batch, stacks * this.visible * width]);
    const h = sigmoid(affine(this.w, x, this.b).add(linear(this.u, state[0])).add(linear(this.p, top)));

    const actions = softmax(linear(this.aw, h).reshape([...batch, stacks, this.keep ? 3 : 2]));
    const action = (k: number): Variable => slice(actions, ...before, null, [k, k + 1]).unsqueeze(-1); // [..., stacks, 1, 1]
    const pushed = sigmoid(linear(this.d, h)).reshape([...batch, stacks, 1, width]);
    const down = concat([pushed, entries(0, depth - 1)], -2);
    const up = concat([entries(1, depth), full([...batch, stacks, 1, width], -1)], -2);
    const moved = action(0).mul(down).add(action(1).mul(up));
    return [h, this.keep ? moved.add(action(2).mul(s)) : moved];
  }
}
