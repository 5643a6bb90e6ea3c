/** What all optimizers share: which parameters, the learning rate, clipping, noise, and applying a rule as one step on the device. */

import { currentDevice } from "../devices/current.ts";
import { checkFlag } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kind } from "../support/kinds.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatCall, inspected } from "../support/print.ts";
import { gradOf, setAside, type WithLoss } from "../engine/grad.ts";
import { keep, withStep } from "../engine/recording.ts";
import { State } from "../engine/state.ts";
import { parametersOf } from "../engine/trainable.ts";
import { checkClaimed } from "../engine/unclaimed.ts";
import { byRowsOf, input, type Parameter, type RowGradient, type Variable } from "../engine/variable.ts";
import { type Clip, checkClip } from "./clip.ts";
import type { GradientNoise } from "./gradient-noise.ts";
import { checkState, type OptimizerState } from "./optimizer-state.ts";
import {
  checkDisjoint, checkGroup, type GroupOptions, groupsOf, type NumberKinds, type Numbers, numbersFrom, ParameterGroup, type Settings, type Target,
} from "./parameter-group.ts";
import { checkRate, kept, type LearningRate, rate, rateAt, resumed, type Schedule } from "./rate.ts";
import { makeUpdate, type Recorded } from "./repeat.ts";
import type { Own, Trained } from "./update.ts";
import { checkUpdated, type Updated } from "./updated.ts";

/** What every optimizer takes. */
export interface OptimizerOptions {
  /** η: a number of at least 0, or a function from the number of updates made so far to one. */
  readonly learningRate: LearningRate;
  /** A bound on the gradients: { norm } of all together, or { value } of each entry. */
  readonly clip?: Clip | null | undefined;
  /** Noise on the gradients, after clipping. */
  readonly noise?: GradientNoise | null | undefined;
  /**
   * Of a table whose gradient comes from look-ups alone, as of Embedding, change only the rows that were looked up since the last update, and only what is
   * remembered for these; false unless given. For elementwise rules.
   */
  readonly lazy?: boolean | undefined;
}

/** Options, which may be left out where each of them may. */
type Given<O extends object> = Partial<O> extends O ? [options?: O] : [options: O];

/**
 * The base class of optimizers. A rule of one's own is a subclass that says what is remembered and how values follow; one that
 * is elementwise extends ElementwiseOptimizer.
 * @example
 * import type { Numbers } from "flimsy-ml";
 * const signed = elementwise("signed", (value, gradient, rate) => value.sub(gradient.greater(0).sub(gradient.less(0)).mul(rate)));
 * class SignDescent extends Optimizer {
 *   protected readonly slots = [];
 *   protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate }: Numbers) {
 *     return { value: signed(value, gradient, learningRate), slots: [] };
 *   }
 * }
 * const w = parameter([3, -100]);
 * const optimizer = new SignDescent(w, { learningRate: 0.1 });
 * grad(() => mul(w, w).sum());
 * optimizer.update();
 * w.toArray(); // [2.9, -99.9]
 */
export abstract class Optimizer<O extends object = OptimizerOptions> {
  /** The numbers of the rule, which options and the options of groups may give. A rule with further ones adds them. */
  static get options(): NumberKinds<OptimizerOptions> { return { learningRate: rate }; }

  readonly clip: Clip | null;
  readonly noise: GradientNoise | null;
  #learningRate: LearningRate = 0;
  #step = 0;
  #groups: readonly ParameterGroup<O>[] = [];
  #parameters: readonly Parameter[] = [];
  /** @internal The same, to ask whether one is among them. */
  protected owned: ReadonlySet<Parameter> = new Set();
  /** The numbers for groups that have none of their own, and whether these are lazy. */
  private readonly common: Readonly<Record<string, number | Schedule>>;
  private readonly lazy: boolean;
  private readonly all: Trained<O>[] = [];
  private last: Recorded<O> | null = null;

  /**
   * @param target the component, or the parameters, to be trained, or groups of them with options of their own
   * @throws ValueError for a learning rate or another number out of its range, an option that does not exist, nothing to
   *   train, or a parameter in two groups
   */
  constructor(target: Target<O>, ...[given]: Given<O>) {
    const { name, options: kinds } = new.target;
    checkArguments(name, arguments, 2);
    const own = Object.keys(kinds);
    const isNeeded = Object.values<Kind<unknown>>(kinds as never).some(({ initial }) => initial === undefined);
    const options = checkOptions(name, given === undefined && !isNeeded ? {} : given as Partial<OptimizerOptions>, [...own, "clip", "noise", "lazy"]);
    this.common = numbersFrom(name, kinds, options, {});
    this.#learningRate = this.common.learningRate;
    this.lazy = options.lazy ?? false;
    this.hold(groupsOf<O>(name, target).map((group) => this.groupOf(group)));
    this.clip = checkClip(name, options.clip);
    this.noise = options.noise ?? null;
    // Known by what it does, so that programs without noise need not load it.
    if (this.noise !== null && typeof this.noise.disturbed !== "function") {
      throw new ValueError(`${name} takes noise as new GradientNoise({ eta }), but got ${describe(this.noise)}.`);
    }
  }

  /** All parameters, each once, group after group. */
  get parameters(): readonly Parameter[] { return this.#parameters; }
  get groups(): readonly ParameterGroup<O>[] { return this.#groups; }

  /**
   * Trains further parameters from now on, with options of their own. They are at the beginning while others are not, but for schedules, which go by the
   * updates of the optimizer. To restore a snapshot, or to resume from a checkpoint, add the groups before.
   * @returns the group
   * @throws ValueError as the constructor. Then nothing has changed.
   * @example
   * const [head, body] = [parameter([1]), parameter([1])];
   * const optimizer = new GradientDescent(head, { learningRate: 0.5 });
   * optimizer.addGroup({ parameters: body, learningRate: 0.25 }).parameters.length; // 1
   * grad(() => head.add(body).sum());
   * optimizer.update();
   * concat([head, body]).toArray(); // [0.5, 0.75]
   */
  addGroup(options: GroupOptions<O>): ParameterGroup<O> {
    checkArguments("addGroup", arguments, 1);
    const group = this.groupOf(checkGroup(`${this.constructor.name}.addGroup`, options));
    this.hold([...this.#groups, group]);
    return group;
  }

  private groupOf(given: GroupOptions<O>): ParameterGroup<O> {
    const { name, options: kinds } = this.constructor as typeof Optimizer;
    checkOptions(`A group of ${name}`, given, ["parameters", ...Object.keys(kinds), "lazy"]);
    const { learningRate: _, ...settings } = numbersFrom(name, kinds, given, this.common);
    const { learningRate, lazy = this.lazy } = given as Partial<OptimizerOptions>;
    if (checkFlag(name, "lazy", lazy) && !this.isElementwise) {
      throw new ValueError(`${name} got lazy: true, but its rule may need whole arrays. A rule that is the same for every entry extends ElementwiseOptimizer.`);
    }
    return new ParameterGroup<O>(
      name, Object.freeze(parametersOf(name, given.parameters)), learningRate ?? null, settings as Settings<O>, kinds as never, lazy,
    );
  }

  /** What others get to see of an optimizer is frozen: it is what updates go by. */
  private hold(groups: readonly ParameterGroup<O>[]): void {
    const parameters = groups.map((group) => group.parameters);
    checkDisjoint(this.constructor.name, parameters);
    this.#groups = Object.freeze(groups);
    this.#parameters = Object.freeze(parameters.flat());
    this.owned = new Set(this.#parameters);
    for (const { lazy, parameters } of groups) {
      for (const parameter of parameters) {
        parameter.isOwned = true;
        parameter.isLazy ||= lazy;
      }
    }
  }

  /** The learning rate of the next update, for groups that have none of their own. Set it to a number or a schedule between updates. */
  get learningRate(): number { return rateAt(this.constructor.name, this.#learningRate, this.#step); }
  set learningRate(rate: LearningRate) {
    this.#learningRate = checkRate(this.constructor.name, rate);
  }

  /** How many updates have been made. */
  get step(): number { return this.#step; }

  /** The names of what the rule remembers for each parameter: an array of the parameter's shape each, zeros at first. */
  protected abstract readonly slots: readonly string[];

  /** Does the rule leave entries as they are whose gradient is 0? Then of a table it is asked for the rows that were looked up, and gives the same. */
  protected get keepsOthers(): boolean { return false; }

  /** @internal Is the rule the same for every entry? */
  get isElementwise(): boolean { return false; }

  /**
   * The new values of a parameter and of what is remembered for it, as operations.
   * @param slots what is remembered, in the order of `slots`
   * @param numbers the learning rate and the settings for this parameter, and `count`, which is 1 at its first update
   */
  protected abstract rule(value: Variable, gradient: Variable, slots: readonly Variable[], numbers: Numbers<O>): Updated;

  /**
   * What the rule remembers for a parameter, by name.
   * @throws ValueError for a parameter that this optimizer does not train
   */
  slotsOf(parameter: Parameter): Record<string, State> {
    checkArguments("slotsOf", arguments, 1);
    const found = this.trained.find((each) => each.parameter === parameter);
    if (found === undefined) throw new ValueError(`This ${this.constructor.name} does not train ${describe(parameter)}.`);
    return Object.fromEntries(this.slots.map((name, i) => [name, found.slots[i]]));
  }

  /** All parameters with what is remembered for them. Made when it is asked for, as the constructor does not know `slots`, which a subclass has. */
  private get trained(): readonly Trained<O>[] {
    const { all } = this;
    if (all.length < this.#parameters.length) {
      const pairs = this.#groups.flatMap((group) => group.parameters.map((parameter) => ({ parameter, group })));
      for (const { parameter, group } of pairs.slice(all.length)) {
        all.push({ parameter, group, count: 0, slots: Object.freeze(this.slots.map(() => new State(parameter.shape, null, "optimizer"))) });
      }
    }
    return all;
  }

  /**
   * One step of training: differentiates the loss that `f` returns by the parameters of this optimizer alone, and updates them. Other parameters are
   * constants meanwhile: nothing is computed for them. What is applied is the gradient of `f`: what an earlier `grad` has left to these parameters is
   * forgotten first. To add up the gradients of several steps, call `grad` for each, then `update`.
   * @returns what `f` returned, as `grad` does
   * @throws as `grad` and `update`. After any error gradients are as before, too.
   * @example
   * const [w, fixed] = [parameter([3]), parameter([2])];
   * const optimizer = new GradientDescent(w, { learningRate: 0.25 });
   * optimizer.minimize(() => mul(w, fixed).sum()).item(); // 6
   * w.item(); // 2.5
   * fixed.grad; // null
   */
  minimize<R extends WithLoss>(f: () => R): R {
    checkArguments("minimize", arguments, 1);
    const takeBack = setAside(this.#parameters);
    try {
      const result = gradOf(`${this.constructor.name}.minimize`, f, this.owned);
      currentDevice().later?.journal.noteNext(this.#parameters, takeBack); // where the update alone fails
      this.update();
      return result;
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  /**
   * Forgets the gradients of its parameters.
   * @throws UsageError inside a step that uses one of them
   */
  clearGrad(): void {
    checkArguments("clearGrad", arguments, 0);
    for (const parameter of this.parameters) parameter.clearGrad();
  }

  /**
   * Applies the accumulated gradients and clears them. Parameters without a gradient are left as they are.
   * @throws UsageError inside a step; ValueError for a schedule that gives what its number cannot be. Then nothing has changed.
   */
  update(): void {
    checkArguments("update", arguments, 0);
    const caller = `${this.constructor.name}.update`;
    const reached = this.begin();
    // Also where there is nothing to do: within a step there seldom is, and it would go unnoticed.
    withStep(caller, "values", (step) => {
      if (reached.length === 0) return;
      this.last = makeUpdate(step, this, reached, this.last);
      keep(step, [], true);
    });
    if (reached.length === 0) return;
    this.end(reached);
    checkClaimed(caller);
  }

  /** @internal Makes the numbers of groups those of the next update. @returns the parameters that have a gradient */
  protected begin(): readonly Trained<O>[] {
    for (const group of this.#groups) group.begin(this.#step, this.#learningRate);
    return this.trained.filter(({ parameter }) => parameter.hasGradient);
  }

  /** @internal Counts an update of these. */
  protected end(reached: readonly Trained<O>[]): void {
    const count = (by: number): void => {
      this.#step += by;
      for (const each of reached) {
        each.parameter.hasGradient = by < 0 && !each.parameter.frozen;
        each.count += by;
      }
    };
    count(1);
    currentDevice().later?.journal.note(this, () => count(-1));
  }

  /** @internal The gradient by rows of a parameter that only changes there; null where all of it is taken. */
  rowsOf({ parameter, group }: Trained<O>): RowGradient | null {
    // What adds noise reaches all, and a norm is rounded otherwise without the zeros.
    const isExact = this.keepsOthers && this.noise === null && !(this.clip !== null && "norm" in this.clip);
    return group.lazy || isExact ? byRowsOf(parameter) : null;
  }

  /** @internal The next values, of slots and then the parameter. */
  ask({ count, group: { numbers } }: Trained<O>, own: Own): readonly Variable[] {
    const { value, slots } = this.rule(own.value, own.gradient, own.slots, { ...numbers, count: count + 1 });
    const values = [...slots, value];
    checkUpdated(this.constructor.name, own, values);
    return values;
  }

  /** What it is: `RmsProp(learningRate=0.01, decay=0.9)`, or how many groups there are with options of their own. */
  toString(): string {
    const { clip, noise, groups } = this;
    return formatCall(this.constructor.name, {
      learningRate: this.#learningRate, ...(groups.length > 1 ? { groups: groups.length } : groups[0].settings), clip: clip && JSON.stringify(clip), noise,
      lazy: groups.some(({ lazy }) => lazy) || null,
    });
  }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }

  /**
   * A copy of all that has to be kept to go on later, in this program or another. It never waits: on a device that answers later its arrays stay there,
   * until `await ready(optimizer.snapshot())`.
   */
  snapshot(): OptimizerState {
    checkArguments("snapshot", arguments, 0);
    const rates = [this.#learningRate, ...this.groups.map((group) => group.learningRate)];
    return {
      step: this.#step,
      learningRates: rates.map(kept),
      random: this.noise?.random?.state ?? null,
      parameters: this.trained.map(({ count, slots }) => (
        { count, slots: Object.fromEntries(this.slots.map((name, i) => [name, input(slots[i])])) })),
    };
  }

  /**
   * Goes on from a snapshot: of this optimizer, or of one made in the same way for parameters of the same shapes. Learning
   * rates that are numbers are taken over; a schedule given in the program stays, and goes on with what it remembered.
   * @throws ValueError or ShapeError for a snapshot of another kind of optimizer or of other parameters. Then nothing has changed.
   */
  restore(saved: OptimizerState): void {
    checkArguments("restore", arguments, 1);
    const parameters = saved.parameters.map(({ count, slots }) => ({ count, slots: this.upgraded(slots) }));
    checkState(this.constructor.name, { ...saved, parameters }, this.parameters.map(({ shape }) => shape), this.groups.length, this.slots);
    if (saved.random !== null && this.noise?.random) this.noise.random.state = saved.random;
    currentDevice().later?.journal.keep(this);
    const [rate, ...rates] = saved.learningRates;
    this.#learningRate = resumed(this.#learningRate, rate);
    this.groups.forEach((group, i) => { group.learningRate = resumed(group.learningRate, rates[i]); });
    this.trained.forEach((each, i) => {
      const { count, slots } = parameters[i];
      each.count = count;
      this.slots.forEach((key, k) => { each.slots[k].assign(slots[key]); });
    });
    this.#step = saved.step;
  }

  /** What a snapshot of an earlier version has for a parameter, as this one remembers it. */
  protected upgraded(slots: Readonly<Record<string, Variable>>): Readonly<Record<string, Variable>> { return slots; }
}

/**
 * The base class of optimizers whose rule is the same for every entry of every parameter: what it records follows from its numbers, and from nothing
 * that differs between the parameters of a group, such as their shapes. Then one is asked for all that have had equally many updates.
 * @example
 * import type { NumberKinds, Numbers, OptimizerOptions } from "flimsy-ml";
 * interface DecayingOptions extends OptimizerOptions {
 *   readonly decay?: number;
 * }
 * const descend = elementwise("descend", (value, gradient, rate, decay) => value.mul(decay).sub(gradient.mul(rate)));
 * class Decaying extends ElementwiseOptimizer<DecayingOptions> {
 *   static override get options(): NumberKinds<DecayingOptions> { return { ...ElementwiseOptimizer.options, decay: option.optional(option.fraction, 0.5) }; }
 *   protected readonly slots = [];
 *   protected rule(value: Variable, gradient: Variable, _: readonly Variable[], { learningRate, decay }: Numbers<DecayingOptions>) {
 *     return { value: descend(value, gradient, learningRate, decay), slots: [] };
 *   }
 * }
 * const w = parameter([4]);
 * const optimizer = new Decaying(w, { learningRate: 0.25 });
 * grad(() => w.sum());
 * optimizer.update();
 * w.item(); // 1.75
 */
export abstract class ElementwiseOptimizer<O extends object = OptimizerOptions> extends Optimizer<O> {
  /** @internal */
  override get isElementwise(): boolean { return true; }
}
