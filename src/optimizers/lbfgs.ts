import { checkCanWait } from "../devices/answers.ts";
import { currentDevice } from "../devices/current.ts";
import { evaluate, gradOf, setAside, type WithLoss } from "../engine/grad.ts";
import { ready } from "../engine/ready.ts";
import { keep, withStep } from "../engine/recording.ts";
import { State } from "../engine/state.ts";
import type { Trainable } from "../engine/trainable.ts";
import { type Parameter, Variable } from "../engine/variable.ts";
import { abs, maximum, neg, sub } from "../operations/arithmetic.ts";
import { zeros } from "../operations/creation.ts";
import { elementwise } from "../operations/elementwise.ts";
import { reshape } from "../operations/layout.ts";
import { dot } from "../operations/product.ts";
import { max, sum } from "../operations/reduction.ts";
import { UsageError, ValueError } from "../support/errors.ts";
import { amount, optional, size } from "../support/kinds.ts";
import { checkArguments } from "../support/options.ts";
import { type Point, strongWolfe } from "./line-search.ts";
import { Optimizer } from "./optimizer.ts";
import type { GroupOptions, Numbers, NumberKinds } from "./parameter-group.ts";
import { type LearningRate, rate, type Schedule } from "./rate.ts";
import { atOnce, type Search, whenKnown } from "./search.ts";
import type { Trained } from "./update.ts";

export interface LBFGSOptions {
  /** How far along the direction a search looks first; 1 unless given. */
  readonly learningRate?: LearningRate | undefined;
  /** How many of the last steps are remembered, which takes twice as many arrays as the parameters; 10 unless given. */
  readonly historySize?: number | undefined;
  /** How many steps one `minimize` makes at most; 20 unless given. */
  readonly maxIterations?: number | Schedule | undefined;
  /** `minimize` ends where no entry of the gradient is larger; 10⁻⁷ unless given. */
  readonly toleranceGrad?: number | Schedule | undefined;
  /** It ends when a step changes neither the loss nor any parameter by more; 10⁻⁹ unless given. */
  readonly toleranceChange?: number | Schedule | undefined;
}

/** A pair whose s·y is not above this says nothing of the curvature, or that it is negative. */
const LEAST_CURVATURE = 1e-10;

const along = elementwise("along", (x, direction, factor) => x.add(direction.mul(factor)));
/** Of a pair that is not there, all zeros, nothing is taken. */
const share = elementwise("share", (product, curvature) => curvature.greater(0).where(product.div(curvature), 0));
const scaling = elementwise("scaling", (curvature, square) => curvature.greater(0).where(curvature.div(square), 1));

const flat = (x: Variable): Variable => reshape(x, [x.size]);
const together = (parts: readonly Variable[]): Variable => parts.reduce((a, b) => a.add(b));
const inner = (a: readonly Variable[], b: readonly Variable[]): Variable => together(a.map((x, i) => dot(flat(x), flat(b[i]))));
const largest = (all: readonly Variable[]): Variable => all.map((x) => max(abs(x))).reduce((a, b) => maximum(a, b));

/** What a search needs of a parameter: where the step began, which way it goes, the gradient where it began, and the last pairs, the newest first. */
interface Searched {
  readonly parameter: Parameter;
  readonly start: State;
  readonly direction: State;
  readonly before: State;
  readonly s: readonly State[];
  readonly y: readonly State[];
}

/** All parameters of an update as one point, which moves along a line. */
class Line {
  /** How far along the line it is. */
  at = 0;

  /** @param differentiate gives the loss where the parameters are, and leaves its gradients to them */
  constructor(private readonly caller: string, private readonly all: readonly Searched[], private readonly differentiate: () => WithLoss) {}

  private get gradients(): Variable[] { return this.all.map(({ parameter }) => parameter.grad ?? zeros(parameter.shape)); }

  /** Begins a new line here, in the direction of the two-loop recursion, which is that of the gradient, scaled, where no pairs are. */
  *turn(): Search<{ readonly slope: number; readonly steepest: number; readonly total: number; readonly longest: number; readonly hasPairs: boolean }> {
    const { all } = this;
    const pairs = all[0].s.map((_, k) => ({ s: all.map(({ s }) => s[k]), y: all.map(({ y }) => y[k]) }));
    const found = evaluate(() => {
      const { gradients } = this;
      const curvatures = pairs.map(({ s, y }) => inner(s, y));
      let direction = gradients.map((gradient) => neg(gradient));
      const shares = pairs.map(({ s, y }, k) => {
        const taken = share(inner(s, direction), curvatures[k]);
        direction = direction.map((x, i) => along(x, y[i], neg(taken)));
        return taken;
      });
      const scale = scaling(curvatures[0], inner(pairs[0].y, pairs[0].y));
      direction = direction.map((x) => x.mul(scale));
      for (let k = pairs.length - 1; k >= 0; k--) {
        const given = sub(shares[k], share(inner(pairs[k].y, direction), curvatures[k]));
        direction = direction.map((x, i) => along(x, pairs[k].s[i], given));
      }
      all.forEach(({ parameter, start, direction: kept, before }, i) => {
        start.assign(parameter);
        before.assign(gradients[i]);
        kept.assign(direction[i]);
      });
      return {
        slope: inner(gradients, direction), steepest: largest(gradients), total: together(gradients.map((gradient) => sum(abs(gradient)))),
        longest: largest(direction), curvature: curvatures[0],
      };
    });
    this.at = 0;
    yield found;
    const { slope, steepest, total, longest, curvature } = found;
    return { slope: slope.item(), steepest: steepest.item(), total: total.item(), longest: longest.item(), hasPairs: curvature.item() > 0 };
  }

  moveTo(at: number): void {
    withStep(this.caller, "values", (step) => {
      for (const { parameter, start, direction } of this.all) step.assign(parameter, at === 0 ? start : along(start, direction, at));
      keep(step, [], true);
    });
    this.at = at;
  }

  /** Moves there, and looks. */
  *look(at: number): Search<Point> {
    this.moveTo(at);
    const loss = lossOf(this.differentiate());
    const along = evaluate(() => inner(this.gradients, this.all.map(({ direction }) => direction)));
    yield [loss, along];
    const [value, slope] = [loss.item(), along.item()];
    return Number.isFinite(value) && Number.isFinite(slope) ? { at, value, slope } : { at, value: Infinity, slope: NaN };
  }

  /** Remembers how the gradient has changed since the line began. Returns by how much the entry has changed that has changed most. */
  *learn(): Search<number> {
    const { all } = this;
    const pair = (): { steps: Variable[]; changes: Variable[] } => {
      const { gradients } = this;
      return {
        steps: all.map(({ parameter, start }) => sub(parameter, start)),
        changes: all.map(({ before }, i) => sub(gradients[i], before)),
      };
    };
    const found = evaluate(() => {
      const { steps, changes } = pair();
      return { curvature: inner(steps, changes), most: largest(steps) };
    });
    yield found;
    if (found.curvature.item() > LEAST_CURVATURE) {
      evaluate(() => {
        const { steps, changes } = pair();
        all.forEach(({ s, y }, i) => {
          for (let k = s.length - 1; k > 0; k--) [s, y].forEach((kept) => { kept[k].assign(kept[k - 1]); });
          s[0].assign(steps[i]);
          y[0].assign(changes[i]);
        });
      });
    }
    return found.most.item();
  }
}

const lossOf = (result: WithLoss): Variable => (result instanceof Variable ? result : result.loss);

/**
 * L-BFGS (J. Nocedal: Updating quasi-Newton matrices with limited storage, 1980) with a line search for the strong Wolfe conditions, as PyTorch's
 * with `line_search_fn="strong_wolfe"`: for smooth losses that are the same at each evaluation, such as those of all data at once; with dropout or other
 * batches each time it is lost. One `minimize` makes up to `maxIterations` steps, each by one or several evaluations of f, so there is no `update`; after an
 * error parameters are as after the last whole step. The pairs (s, y) from which directions follow are remembered, and saved, as of any optimizer.
 * All parameters have the same options, and gradients are neither bounded nor made noisy.
 * @example
 * const [x, y] = [parameter(-1.5), parameter(2)];
 * const rosenbrock = () => sub(1, x).pow(2).add(y.sub(x.mul(x)).pow(2).mul(100));
 * const optimizer = new LBFGS([x, y]);
 * for (let i = 0; i < 3; i++) optimizer.minimize(rosenbrock);
 * [x.item(), y.item()]; // [1.000, 1.000]
 */
export class LBFGS extends Optimizer<LBFGSOptions> {
  static override get options(): NumberKinds<LBFGSOptions> {
    return {
      learningRate: optional(rate, 1), historySize: optional(size, 10), maxIterations: optional(size, 20),
      toleranceGrad: optional(amount, 1e-7), toleranceChange: optional(amount, 1e-9),
    };
  }

  protected readonly slots: readonly string[];
  private readonly historySize: number;
  private readonly searched = new Map<Parameter, Searched>();

  /** @throws ValueError as any optimizer, and for groups, `clip` and `noise` */
  constructor(target: Trainable, options: LBFGSOptions = {}) {
    checkArguments("LBFGS", arguments, 2);
    super(target, options);
    const { historySize } = this.groups[0].settings;
    if (this.groups.length > 1) throw new ValueError("LBFGS takes no groups: it searches along one line for all parameters. Give it a component, or an array.");
    if (this.clip !== null || this.noise !== null) throw new ValueError("LBFGS takes neither clip nor noise: its search needs the gradient as it is.");
    if (typeof historySize !== "number") throw new ValueError("LBFGS takes a number as historySize, not a schedule: so many arrays are made.");
    this.historySize = historySize;
    const numbers = Array.from({ length: historySize }, (_, k) => k + 1);
    this.slots = [...numbers.map((k) => `s${k}`), ...numbers.map((k) => `y${k}`)];
  }

  /** @throws UsageError, as it has one line for all parameters */
  override addGroup(_: GroupOptions<LBFGSOptions>): never {
    checkArguments("addGroup", arguments, 1);
    throw new UsageError("LBFGS has one group, as it searches along one line for all parameters. Make another one.");
  }

  /** @throws UsageError, as it has to evaluate the loss itself */
  override update(): never {
    checkArguments("update", arguments, 0);
    throw new UsageError("LBFGS has no update: it evaluates the loss itself, several times. Call optimizer.minimize(() => loss) in place of grad and update.");
  }

  protected rule(): never { return this.update(); }

  /**
   * Makes up to `maxIterations` steps towards a minimum of the loss that `f` returns. Where the loss, or its gradient, is not finite, none is made.
   * @returns what `f` returned first, before the steps
   * @throws as `grad`
   */
  override minimize<R extends WithLoss>(f: () => R): R {
    checkArguments("minimize", arguments, 1);
    checkCanWait(currentDevice(), "LBFGS.minimize", "optimizer.minimizeAsync(() => loss)");
    return atOnce(this.steps("minimize", f));
  }

  /**
   * As `minimize`, also on a device that cannot be waited for. Nothing else may use the parameters until it is done.
   * @throws as `grad`; what has gone wrong in a step since something was read last
   */
  async minimizeAsync<R extends WithLoss>(f: () => R): Promise<R> {
    checkArguments("minimizeAsync", arguments, 1);
    await ready(neg(0)); // what has gone wrong before is told before anything is done
    return whenKnown(this.steps("minimizeAsync", f));
  }

  private *steps<R extends WithLoss>(method: string, f: () => R): Search<R> {
    const caller = `${this.constructor.name}.${method}`;
    const differentiate = (): R => {
      for (const parameter of this.parameters) parameter.hasGradient = false;
      return gradOf(caller, f, this.owned);
    };
    const takeBack = setAside(this.parameters);
    try {
      const result = differentiate();
      const loss = lossOf(result);
      yield loss;
      if (!Number.isFinite(loss.item())) {
        this.clearGrad();
        return result;
      }
      const reached = this.begin();
      const line = new Line(caller, reached.map((each) => this.searchedOf(each)), differentiate);
      try {
        yield* this.search(line, loss.item(), this.groups[0].numbers);
      } catch (error) {
        line.moveTo(0);
        throw error;
      }
      this.end(reached);
      return result;
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  private *search(line: Line, first: number, numbers: Numbers<LBFGSOptions>): Search<void> {
    const { learningRate, maxIterations, toleranceGrad, toleranceChange } = numbers;
    let loss = first;
    for (let i = 0; i < maxIterations; i++) {
      const { slope, steepest, total, longest, hasPairs } = yield* line.turn();
      if (!(steepest > toleranceGrad && slope < -toleranceChange)) return;
      const length = hasPairs ? learningRate : Math.min(1, 1 / total) * learningRate;
      const found = yield* strongWolfe((at) => line.look(at), { at: 0, value: loss, slope }, length, toleranceChange / longest);
      if (line.at !== found.at) yield* line.look(found.at); // the gradient is to be that of this place
      const gain = Math.abs(loss - found.value);
      loss = found.value;
      if ((yield* line.learn()) <= toleranceChange || gain < toleranceChange) return;
    }
  }

  private searchedOf({ parameter, slots }: Trained<LBFGSOptions>): Searched {
    let searched = this.searched.get(parameter);
    if (searched === undefined) {
      const [start, direction, before] = [0, 1, 2].map(() => new State(parameter.shape, null, "optimizer"));
      searched = { parameter, start, direction, before, s: slots.slice(0, this.historySize), y: slots.slice(this.historySize) };
      this.searched.set(parameter, searched);
    }
    return searched;
  }
}
