/** What all optimizers share: which parameters, the learning rate, clipping, noise, and applying a rule as one step on the device. */

import { checkFlag } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import { ValueError } from "../support/errors.ts";
import type { Kind } from "../support/kinds.ts";
import { checkArguments, checkOptions } from "../support/options.ts";
import { formatCall, inspected } from "../support/print.ts";
import { sameShape } from "../support/shape.ts";
import { gradOf, type WithLoss, withoutGradients } from "../engine/grad.ts";
import { Beginning, pieceOf } from "../engine/piece.ts";
import { keep, withStep } from "../engine/recording.ts";
import { type Recording, recordApart, replay } from "../engine/replay.ts";
import { State } from "../engine/state.ts";
import type { Step } from "../engine/step.ts";
import { parametersOf } from "../engine/trainable.ts";
import { checkClaimed } from "../engine/unclaimed.ts";
import { byRowsOf, fromValues, type Parameter, type RowGradient, type Variable } from "../engine/variable.ts";
import { boundOf, type Clip, checkClip, clipped } from "./clip.ts";
import type { GradientNoise } from "./gradient-noise.ts";
import { checkState, type OptimizerState } from "./optimizer-state.ts";
import {
  checkDisjoint, checkGroup, type GroupOptions, groupsOf, type NumberKinds, type Numbers, numbersFrom, ParameterGroup, type Settings, type Target,
} from "./parameter-group.ts";
import { checkRate, kept, type LearningRate, rate, rateAt, resumed, type Schedule } from "./rate.ts";
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

/** What is remembered for a parameter. */
interface Memory {
  /** How many updates it has had. */
  count: number;
  readonly slots: readonly State[];
}

/** A parameter that an update changes. */
export interface Reached<O extends object> {
  readonly parameter: Parameter;
  readonly memory: Memory;
  readonly group: ParameterGroup<O>;
}

/** What a rule is asked for: a parameter and what goes with it, or the same rows of all. */
interface Own extends Updated {
  readonly gradient: Variable;
}

/** An update: another one of the same parameters is the same but for its numbers. */
interface Recorded<O extends object> {
  readonly reached: readonly Reached<O>[];
  /** How many rows the gradient of each has. */
  readonly rows: readonly number[];
  /** The bound on the gradients. */
  readonly bound: number | null;
  /** What is needed to repeat it: at its second time, as other parameters may be reached at each. */
  repeatable: Repeatable<O> | null;
}

interface Repeatable<O extends object> {
  readonly recording: Recording;
  readonly asked: readonly Asked<O>[];
  /** What asking them has recorded, since the first time. */
  asking: Beginning | null;
}

/** A parameter that is asked for itself and others. */
interface Asked<O extends object> {
  readonly each: Reached<O>;
  /** What the rule has recorded, null where that cannot be told. */
  readonly piece: readonly number[] | null;
  readonly scalars: readonly number[];
  /** Where the numbers of all of them begin. */
  readonly scalarsAt: number[];
}

/** Is the rule given the same numbers for both? */
const isAlike = <O extends object>({ each: { group, memory } }: Asked<O>, other: Reached<O>): boolean =>
  group === other.group && memory.count === other.memory.count;

/** How many rows its gradient has, −1 where that is not by rows. */
const countOf = ({ parameter }: { readonly parameter: Parameter }): number => byRowsOf(parameter)?.count ?? -1;

const isSamePiece = (a: readonly number[] | null, b: readonly number[] | null): boolean => a !== null && b !== null && sameShape(a, b);

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
  private readonly memories = new Map<Parameter, Memory>();
  private reachable: readonly Reached<O>[] | null = null;
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
    this.checkLazy(lazy);
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
        if (lazy) parameter.isLazy = true;
      }
    }
    this.reachable = null;
  }

  private checkLazy(lazy: boolean): void {
    const { name } = this.constructor;
    checkFlag(name, "lazy", lazy);
    if (!lazy || this instanceof ElementwiseOptimizer) return;
    throw new ValueError(`${name} got lazy: true, but its rule may need whole arrays. A rule that is the same for every entry extends ElementwiseOptimizer.`);
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
    const { slots } = this.memoryOf(parameter);
    return Object.fromEntries(this.slots.map((name, i) => [name, slots[i]]));
  }

  private memoryOf(parameter: Parameter): Memory {
    let memory = this.memories.get(parameter);
    if (memory === undefined) {
      if (!this.owned.has(parameter)) throw new ValueError(`This ${this.constructor.name} does not train ${describe(parameter)}.`);
      memory = { count: 0, slots: Object.freeze(this.slots.map(() => new State(parameter.shape, null, "optimizer"))) };
      this.memories.set(parameter, memory);
    }
    return memory;
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
    return withoutGradients(this.#parameters, () => {
      const result = gradOf(`${this.constructor.name}.minimize`, f, this.owned);
      this.update();
      return result;
    });
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
    const reached = this.begin();
    // Also where there is nothing to do: within a step there seldom is, and it would go unnoticed.
    withStep(`${this.constructor.name}.update`, "values", (step) => { if (reached.length > 0) this.run(step, reached); });
    if (reached.length === 0) return;
    this.end(reached);
    checkClaimed(`${this.constructor.name}.update`);
  }

  /** @internal Makes the numbers of groups those of the next update. @returns the parameters that have a gradient */
  protected begin(): readonly Reached<O>[] {
    for (const group of this.#groups) group.begin(this.#step, this.#learningRate);
    this.reachable ??= this.groups.flatMap((group) => group.parameters.map((parameter) => ({ parameter, memory: this.memoryOf(parameter), group })));
    return this.reachable.filter(({ parameter }) => parameter.hasGradient);
  }

  /** @internal Counts an update of these. */
  protected end(reached: readonly Reached<O>[]): void {
    reached.forEach(({ parameter, memory }) => {
      parameter.clearGrad();
      memory.count++;
    });
    this.#step++;
  }

  private run(step: Step, reached: readonly Reached<O>[]): void {
    const { last } = this;
    const bound = boundOf(this.clip);
    const isSame = last !== null && last.bound === bound && last.reached.length === reached.length &&
      reached.every((each, i) => each === last.reached[i] && countOf(each) === last.rows[i]);
    const mayRepeat = this.noise === null && !step.isWatched;
    if (!mayRepeat || !isSame) {
      this.last = { reached, rows: reached.map(countOf), bound, repeatable: null };
      this.record(step, reached);
    } else if (last.repeatable === null || !this.repeat(step, last.repeatable)) {
      last.repeatable = this.recordToRepeat(step, reached);
    }
    keep(step, [], true);
  }

  /** Records an update and remembers what was recorded, if it can be repeated. */
  private recordToRepeat(step: Step, reached: readonly Reached<O>[]): Repeatable<O> | null {
    if (step.ran > 0) { // The rule has looked at numbers.
      this.record(step, reached);
      return null;
    }
    const asked: Asked<O>[] = [];
    const recording = recordApart(step, () => { this.record(step, reached, asked); });
    return step.ran === 0 && asked.every(({ piece }) => piece !== null) ? { recording, asked, asking: null } : null;
  }

  /** @param asked gets the parameters whose rule has to be asked at the next update, if this one is to be repeated */
  private record(step: Step, reached: readonly Reached<O>[], asked: Asked<O>[] | null = null): void {
    const { trace } = step;
    let gradients = clipped(this.clip, reached.map((each) => this.gradientOf(each)));
    if (this.noise !== null) gradients = this.noise.disturbed(gradients, this.#step);
    const updated = reached.map((each, i) => {
      const own = this.ownOf(each, gradients[i]);
      const { count, scalarCount } = trace;
      const values = this.apply(each, own);
      if (asked !== null) {
        const piece = this.pieceOf(step, count, own, values);
        const scalars = Array.from(trace.scalars.subarray(scalarCount, trace.scalarCount));
        const other = this instanceof ElementwiseOptimizer
          ? asked.find((one) => isAlike(one, each) && isSamePiece(one.piece, piece) && sameShape(one.scalars, scalars))
          : undefined;
        if (other === undefined) asked.push({ each, piece: piece && [...piece], scalars, scalarsAt: [scalarCount] });
        else other.scalarsAt.push(scalarCount);
      }
      checkUpdated(this.constructor.name, [...own.slots, own.value], values);
      return values;
    });
    reached.forEach((each, i) => {
      const rows = this.rowsOf(each);
      [...each.memory.slots, each.parameter].forEach((target, k) => { step.assign(target, rows === null ? updated[i][k] : rows.put(target, updated[i][k])); });
    });
  }

  /** The gradient by rows of a parameter that only changes there; null where all of it is taken. */
  private rowsOf({ parameter, group }: Reached<O>): RowGradient | null {
    // What adds noise reaches all, and a norm is rounded otherwise without the zeros.
    return group.lazy || (this.keepsOthers && this.noise === null && !(this.clip !== null && "norm" in this.clip)) ? byRowsOf(parameter) : null;
  }

  private gradientOf(each: Reached<O>): Variable {
    const { parameter } = each;
    const rows = byRowsOf(parameter);
    return this.rowsOf(each)?.ofRows() ?? rows?.wholeOf(rows) ?? (parameter.grad as Variable);
  }

  private ownOf(each: Reached<O>, gradient: Variable): Own {
    const rows = this.rowsOf(each);
    const { parameter, memory: { slots } } = each;
    return rows === null ? { gradient, value: parameter, slots } : { gradient, value: rows.take(parameter), slots: slots.map((slot) => rows.take(slot)) };
  }

  private apply({ memory, group: { numbers } }: Reached<O>, own: Own): Variable[] {
    const { value, slots } = this.rule(own.value, own.gradient, own.slots, { ...numbers, count: memory.count + 1 });
    return [...slots, value];
  }

  private pieceOf(step: Step, from: number, { gradient, value, slots }: Own, values: readonly Variable[]): readonly number[] | null {
    return pieceOf(step, from, [gradient, value, ...slots], values);
  }

  /**
   * Puts what an update has recorded into the step, with the numbers of this one, for which the rule is asked.
   * Not where it records something else than before, or looks at numbers.
   */
  private repeat(step: Step, last: Repeatable<O>): boolean {
    const { trace } = step;
    const { asked, recording } = last;
    const given: Variable[] = [];
    for (const { each, piece, scalarsAt } of asked) {
      const own = this.ownOf(each, this.gradientOf(each));
      const { count, scalarCount } = trace;
      const values = this.apply(each, own);
      if (step.ran > 0) return false;
      if (last.asking === null && !isSamePiece(piece, this.pieceOf(step, count, own, values))) return false;
      for (const value of values) given.push(value);
      for (const at of scalarsAt) for (let k = scalarCount; k < trace.scalarCount; k++) recording.trace.scalars[at + k - scalarCount] = trace.scalars[k];
    }
    last.asking ??= new Beginning(step, given);
    if (!last.asking.isOf(step, given)) return false;
    replay(step, recording);
    return true;
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

  /** A copy of all that has to be kept to go on later, in this program or another. */
  snapshot(): OptimizerState {
    checkArguments("snapshot", arguments, 0);
    const rates = [this.#learningRate, ...this.groups.map((group) => group.learningRate)];
    return {
      step: this.#step,
      learningRates: rates.map(kept),
      random: this.noise?.random?.state ?? null,
      parameters: this.parameters.map((parameter) => {
        const { count, slots } = this.memoryOf(parameter);
        return { count, slots: Object.fromEntries(this.slots.map((name, i) => [name, fromValues(slots[i].data, parameter.shape)])) };
      }),
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
    const [rate, ...rates] = saved.learningRates;
    this.#learningRate = resumed(this.#learningRate, rate);
    this.groups.forEach((group, i) => { group.learningRate = resumed(group.learningRate, rates[i]); });
    this.parameters.forEach((parameter, i) => {
      const { count, slots } = parameters[i];
      const memory = this.memoryOf(parameter);
      memory.count = count;
      this.slots.forEach((key, k) => { memory.slots[k].assign(slots[key]); });
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
export abstract class ElementwiseOptimizer<O extends object = OptimizerOptions> extends Optimizer<O> {}
