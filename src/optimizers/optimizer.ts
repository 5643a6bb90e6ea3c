/** What all optimizers share: which parameters, the learning rate, clipping, and applying a rule as one step on the device. */

import { Component } from "../component.ts";
import { Storage } from "../devices/storage.ts";
import { UsageError, ValueError } from "../errors.ts";
import { clip as clipValue, div, greater, sqrt, where } from "../operations/arithmetic.ts";
import { reshape } from "../operations/broadcasting.ts";
import { elementwise } from "../operations/elementwise.ts";
import { dot } from "../operations/product.ts";
import { bufferKey } from "../plan/planner.ts";
import { Mark } from "../plan/trace.ts";
import { type Operand, type Step, withStep } from "../recorder.ts";
import { checkNumber, describe } from "../shape.ts";
import { Parameter, Variable } from "../variable.ts";

/** How to bound gradients: all of them together to a Euclidean norm (Pascanu et al., arXiv:1211.5063), or each entry. */
export type Clip = { readonly norm: number } | { readonly value: number };

export interface OptimizerOptions {
  readonly learningRate: number;
  readonly clip?: Clip | undefined;
}

const scaled = /*#__PURE__*/ elementwise("scale", (g, factor) => g.mul(factor));

export abstract class Optimizer {
  readonly parameters: readonly Parameter[];
  readonly clip: Clip | null;
  #learningRate = 0;
  private readonly states = new Map<Parameter, Variable[]>();

  /**
   * @param target the component, or the parameters, to be trained
   * @throws ValueError for a learning rate or a bound that is not a finite number of at least 0, or nothing to train
   */
  constructor(target: Component | readonly Parameter[], options: OptimizerOptions) {
    const name = new.target.name;
    const parameters = target instanceof Component ? target.parameters() : target;
    if (!Array.isArray(parameters) || !parameters.every((p) => p instanceof Parameter)) {
      throw new ValueError(`${name} takes a Component or an array of Parameters, but got ${describe(target)}.`);
    }
    if (parameters.length === 0) throw new ValueError(`${name} got nothing to train: the component holds no Parameter. Make them with parameter(…) and keep them in fields.`);
    if (typeof options !== "object" || options === null) throw new ValueError(`${name} takes options such as { learningRate: 0.01 }, but got ${describe(options)}.`);
    this.parameters = [...new Set(parameters)];
    this.learningRate = options.learningRate;
    this.clip = options.clip ?? null;
    if (this.clip !== null) {
      const [key, bound] = Object.entries(this.clip)[0] ?? [];
      if ((key !== "norm" && key !== "value") || Object.keys(this.clip).length !== 1) {
        throw new ValueError(`${name} takes clip as { norm: bound } or { value: bound }, but got ${JSON.stringify(this.clip)}.`);
      }
      checkNumber(name, `clip.${key}`, bound as number, 0);
    }
  }

  /** May be changed between updates. */
  get learningRate(): number { return this.#learningRate; }
  set learningRate(rate: number) {
    this.#learningRate = checkNumber(this.constructor.name, "learningRate", rate, 0);
  }

  /** Names and initial values of what the rule remembers for each parameter. */
  protected abstract readonly memory: readonly string[];

  /** The new values of a parameter and of what is remembered for it, as operations. */
  protected abstract rule(value: Variable, gradient: Variable, state: readonly Variable[]): { value: Variable; state: readonly Variable[] };

  /** What the rule remembers for a parameter, by name. */
  state(parameter: Parameter): Record<string, Variable> {
    return Object.fromEntries(this.memory.map((name, i) => [name, this.stateOf(parameter)[i]]));
  }

  private stateOf(parameter: Parameter): Variable[] {
    let state = this.states.get(parameter);
    if (state === undefined) {
      state = this.memory.map(() => new Variable(parameter.shape, null, null, -1, new Storage(parameter.size, null, "optimizer")));
      this.states.set(parameter, state);
    }
    return state;
  }

  /**
   * Applies the accumulated gradients and clears them. Parameters without a gradient are left as they are.
   * @throws UsageError inside a step
   */
  update(): void {
    const reached = this.parameters.filter((parameter) => parameter.hasGradient);
    if (reached.length === 0) return;
    withStep(`${this.constructor.name}.update`, false, (step) => { this.record(step, reached); });
    for (const parameter of reached) parameter.clearGrad();
  }

  private record(step: Step, reached: readonly Parameter[]): void {
    const targets: Variable[] = [];
    const values: Variable[] = [];
    const gradients = this.clipped(reached.map((parameter) => parameter.grad as Variable));
    reached.forEach((parameter, i) => {
      const state = this.stateOf(parameter);
      const next = this.rule(parameter, gradients[i], state);
      targets.push(...state, parameter);
      values.push(...next.state, next.value);
    });
    for (const value of values) if (value.storage !== null) throw new UsageError("The rule of an optimizer must compute new values by operations.");
    const arrays = targets.map((target) => step.trace.leafOrdinal(step.node(target)));
    step.finish([Mark.assign, ...arrays, ...values.map((value) => value.index)], () => ({
      roots: values.map((value, i) => ({ node: value.index, target: bufferKey.value(arrays[i]) })),
    }), true);
    for (const target of targets) (target.storage as Storage).written();
  }

  private clipped(gradients: readonly Variable[]): readonly Variable[] {
    if (this.clip === null) return gradients;
    if ("value" in this.clip) {
      const bound = this.clip.value;
      return gradients.map((g) => clipValue(g, -bound, bound));
    }
    const bound = this.clip.norm;
    const squares = gradients.map((g) => {
      const flat = reshape(g, [-1]);
      return dot(flat, flat);
    });
    const norm = sqrt(squares.reduce((total, square) => total.add(square)));
    const factor: Operand = where(greater(norm, bound), div(bound, norm), 1);
    return gradients.map((g) => scaled(g, factor));
  }
}
