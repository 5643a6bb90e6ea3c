/** Recurrent networks over trees. */

import { affine, Component, linear, ones, type Parameter, parameter, ShapeError, sigmoid, tanh, type Variable, zeros } from "../index.ts";
import { glorot, orthonormal } from "../initialization/index.ts";
import { refusal } from "../support/check.ts";
import { integer, type Kinds, of, size, take } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";
import { checkLast } from "./checks.ts";
import type { LstmState } from "./lstm.ts";
import { checkParts } from "./sequence.ts";

/** What a tree LSTM is made with. */
export interface TreeLstmOptions {
  /** The size of the input of a node; 0 if no node has one. */
  readonly inputs: number;
  readonly outputs: number;
}

/** What the two kinds of tree share: weights of the input and biases, for each gate. */
abstract class TreeLstm extends Component {
  static get options(): Kinds<TreeLstmOptions, TreeLstm> { return { inputs: integer(0), outputs: size }; }

  declare readonly inputs: number;
  declare readonly outputs: number;
  readonly wi: Parameter;
  readonly wf: Parameter;
  readonly wo: Parameter;
  readonly wc: Parameter;
  readonly bi: Parameter;
  readonly bf: Parameter;
  readonly bo: Parameter;
  readonly bc: Parameter;

  /** @throws ValueError for sizes that are not integers */
  constructor(options: TreeLstmOptions) {
    super();
    const { inputs: n, outputs: m } = take(this, TreeLstm.options, options, arguments);
    const draw = (): Parameter => parameter(n === 0 ? zeros([m, 0]) : glorot([m, n]));
    this.wi = draw();
    this.wf = draw();
    this.wo = draw();
    this.wc = draw();
    this.bi = parameter(zeros([m]));
    this.bf = parameter(ones([m]));
    this.bo = parameter(zeros([m]));
    this.bc = parameter(zeros([m]));
  }

  /** What the constructor takes to build such a component again. */
  get options(): TreeLstmOptions { return of(this, TreeLstm.options); }

  /** What a node shows: [..., outputs]. */
  output(state: LstmState): Variable {
    checkArguments("output", arguments, 1);
    return state[0];
  }

  /** w·x + b, or b alone for a node without input. */
  protected input(w: Parameter, x: Variable | null, b: Parameter): Variable { return x === null ? b : affine(w, x, b); }

  protected check(x: Variable | null, children: readonly LstmState[]): void {
    if (x !== null) checkLast(this, "x", x, this.inputs);
    if (!Array.isArray(children)) throw refusal(this.constructor.name, "the list of the states of the children", children);
    children.forEach((child, k) => {
      checkParts(this, child, 2, "h, c");
      checkLast(this, `children[${k}][0] (h)`, child[0], this.outputs);
      checkLast(this, `children[${k}][1] (c)`, child[1], this.outputs);
    });
  }
}

/**
 * The child-sum tree LSTM (Tai, Socher & Manning, arXiv:1503.00075, equations 2 to 8): any number of children, in no order.
 *
 *     h̃ = Σ hₖ
 *     i = σ(wi·x + ui·h̃ + bi)    o = σ(wo·x + uo·h̃ + bo)    g = tanh(wc·x + uc·h̃ + bc)
 *     fₖ = σ(wf·x + uf·hₖ + bf)   for each child
 *     c = i ⊙ g + Σ fₖ ⊙ cₖ       h = o ⊙ tanh(c)
 *
 * A state is [h, c], [..., outputs] each. Initial values are those of `Lstm`; a leaf has no children and no trained state.
 * @example
 * interface Tree { readonly word: number; readonly children: readonly Tree[] }
 * const words = new Embedding({ inputs: 10, outputs: 4 });
 * const lstm = new ChildSumTreeLstm({ inputs: 4, outputs: 3 });
 * const encode = (tree: Tree): readonly [h: Variable, c: Variable] => lstm.step(words.forward(tree.word), tree.children.map(encode));
 * lstm.output(encode({ word: 1, children: [{ word: 2, children: [] }, { word: 3, children: [] }] })).shape; // [3]
 */
export class ChildSumTreeLstm extends TreeLstm {
  readonly ui: Parameter;
  readonly uf: Parameter;
  readonly uo: Parameter;
  readonly uc: Parameter;

  constructor(options: TreeLstmOptions) {
    checkArguments("ChildSumTreeLstm", arguments, 1);
    super(options);
    const m = this.outputs;
    this.ui = parameter(orthonormal([m, m]));
    this.uf = parameter(orthonormal([m, m]));
    this.uo = parameter(orthonormal([m, m]));
    this.uc = parameter(orthonormal([m, m]));
  }

  /**
   * A node.
   * @param x [..., inputs], or null for a node without input
   * @param children their states; none for a leaf
   * @throws ShapeError
   */
  step(x: Variable | null, children: readonly LstmState[] = []): LstmState {
    checkArguments("step", arguments, 2);
    this.check(x, children);
    const h = children.length === 0 ? null : children.map((child) => child[0]).reduce((sum, part) => sum.add(part));
    const gate = (w: Parameter, u: Parameter, b: Parameter): Variable => {
      const own = this.input(w, x, b);
      return h === null ? own : own.add(linear(u, h));
    };
    const i = sigmoid(gate(this.wi, this.ui, this.bi));
    const o = sigmoid(gate(this.wo, this.uo, this.bo));
    const g = tanh(gate(this.wc, this.uc, this.bc));
    let c = i.mul(g);
    if (children.length > 0) {
      const own = this.input(this.wf, x, this.bf);
      for (const [hk, ck] of children) c = c.add(sigmoid(own.add(linear(this.uf, hk))).mul(ck));
    }
    return [o.mul(tanh(c)), c];
  }
}

/**
 * The binary tree LSTM (Tai, Socher & Manning, arXiv:1503.00075, equations 9 to 14 with N = 2): two children in order, each
 * with weights of its own; each forget gate sees both.
 *
 *     i = σ(wi·x + ui[0]·hₗ + ui[1]·hᵣ + bi)    o, g likewise
 *     fₖ = σ(wf·x + uf[k][0]·hₗ + uf[k][1]·hᵣ + bf)
 *     c = i ⊙ g + f₀ ⊙ cₗ + f₁ ⊙ cᵣ             h = o ⊙ tanh(c)
 *
 * A state is [h, c], [..., outputs] each. Initial values are those of `Lstm`, but Glorot's for all of u.
 * @example
 * type Tree = number | readonly [left: Tree, right: Tree];
 * const words = new Embedding({ inputs: 10, outputs: 4 });
 * const lstm = new BinaryTreeLstm({ inputs: 4, outputs: 3 });
 * const encode = (tree: Tree): readonly [h: Variable, c: Variable] =>
 *   typeof tree === "number" ? lstm.step(words.forward(tree)) : lstm.step(null, [encode(tree[0]), encode(tree[1])]);
 * lstm.output(encode([1, [2, 3]])).shape; // [3]
 */
export class BinaryTreeLstm extends TreeLstm {
  readonly ui: readonly Parameter[];
  readonly uf: readonly (readonly Parameter[])[];
  readonly uo: readonly Parameter[];
  readonly uc: readonly Parameter[];

  constructor(options: TreeLstmOptions) {
    checkArguments("BinaryTreeLstm", arguments, 1);
    super(options);
    const m = this.outputs;
    const pair = (): Parameter[] => [parameter(glorot([m, m])), parameter(glorot([m, m]))];
    this.ui = pair();
    this.uf = [pair(), pair()];
    this.uo = pair();
    this.uc = pair();
  }

  /**
   * A node.
   * @param x [..., inputs], or null for a node without input
   * @param children the states of the left and the right child; none for a leaf
   * @throws ShapeError
   */
  step(x: Variable | null, children: readonly [] | readonly [left: LstmState, right: LstmState] = []): LstmState {
    checkArguments("step", arguments, 2);
    this.check(x, children);
    if (children.length !== 0 && children.length !== 2) {
      throw new ShapeError(`${this.constructor.name} got ${(children as unknown[]).length} children: a node has two, a leaf none.`);
    }
    const gate = (w: Parameter, u: readonly Parameter[], b: Parameter): Variable =>
      children.reduce<Variable>((sum, [h], k) => sum.add(linear(u[k], h)), this.input(w, x, b));
    const i = sigmoid(gate(this.wi, this.ui, this.bi));
    const o = sigmoid(gate(this.wo, this.uo, this.bo));
    const g = tanh(gate(this.wc, this.uc, this.bc));
    const c = children.reduce<Variable>((sum, [, ck], k) => sum.add(sigmoid(gate(this.wf, this.uf[k], this.bf)).mul(ck)), i.mul(g));
    return [o.mul(tanh(c)), c];
  }
}
