/** The batches of one update: their gradients are added up, and the update is made by their mean. */

import { type Component, evaluate, grad, Optimizer, type Parameter, type State, Variable, type WithLoss } from "../index.ts";
import { checkWeight, Means, type Measurement, type Measures } from "./means.ts";
import { read, type Values } from "./values.ts";
import { whenReady } from "./when-ready.ts";

/** What a batch has given. */
interface Part {
  readonly measures: Measures;
  readonly weight: number;
  readonly samples: number | null;
}

export class Window {
  private readonly parts: Part[] = [];
  /** That of the update. */
  learningRate = NaN;
  /** The state of the component before several batches. */
  private before: Values = [];

  /** The parameter that is read in the shortest time. */
  readonly smallest: Parameter;

  constructor(private readonly component: Component, private readonly optimizer: Optimizer<never>, private readonly most: number) {
    this.smallest = optimizer.parameters.reduce((a, b) => (b.size < a.size ? b : a));
  }

  get size(): number { return this.parts.length; }
  get isFull(): boolean { return this.size >= this.most; }
  get accumulates(): boolean { return this.most > 1; }
  private get states(): State[] { return [...this.component.namedState().values()]; }

  /** Before the first batch of several, to which `clear` goes back. */
  async keepState(): Promise<void> { this.before = await read(this.states); }

  /**
   * Runs the cost of a batch, and leaves its gradient to the parameters, beside those of the batches before. What is no loss is for `grad` to say.
   * @param take gets what the cost returned, when its numbers are there
   */
  measure<R>(cost: () => WithLoss, samples: number | null, take: (result: unknown) => R): R | Promise<R> {
    const optimizer: Minimizing = this.optimizer;
    if (!minimizesItself(this.optimizer)) return whenReady(this.accumulates ? weighted(cost, samples) : grad(cost), take);
    this.learningRate = this.optimizer.learningRate;
    return optimizer.minimizeAsync?.(cost).then((result) => whenReady(result, take)) ?? whenReady(this.optimizer.minimize(cost), take);
  }

  add({ measures, weight }: Measurement, samples: number | null): void { this.parts.push({ measures, weight: weight ?? samples ?? 1, samples }); }

  update(): void {
    const { optimizer } = this;
    if (minimizesItself(optimizer)) return;
    if (this.accumulates) divideGradients(optimizer, this.parts.reduce((sum, { weight }) => sum + weight, 0));
    this.learningRate = optimizer.learningRate;
    optimizer.update();
  }

  /** How many samples the batches have, null if that is not known. */
  get samples(): number | null {
    return this.parts.reduce<number | null>((sum, { samples }) => (sum === null || samples === null ? null : sum + samples), 0);
  }

  /** The means over the batches. */
  get means(): Means {
    const means = new Means();
    for (const { measures, weight } of this.parts) means.add(measures, this.size === 1 ? 1 : weight);
    return means;
  }

  /** Adds what each batch gave to other means, and begins anew. */
  moveTo(means: Means): void {
    for (const { measures, weight } of this.parts.splice(0)) means.add(measures, weight);
  }

  /** Forgets the batches, and their gradients. Returns whether state is as it was before them: one batch alone is an update, or has failed. */
  clear(): boolean {
    this.parts.length = 0;
    this.optimizer.clearGrad();
    if (this.accumulates) this.states.forEach((array, i) => { array.assign(this.before[i]); });
    return this.accumulates;
  }
}

/** An optimizer that evaluates the cost itself may do so where a device cannot be waited for. */
type Minimizing = Optimizer<never> & { minimizeAsync?(cost: () => WithLoss): Promise<WithLoss> };

/** Whether the optimizer evaluates the cost itself, several times. */
export const minimizesItself = (optimizer: Optimizer<never>): boolean => optimizer.minimize !== Optimizer.prototype.minimize;

/** As `grad`, of the loss times the weight of the batch. */
function weighted(cost: () => WithLoss, samples: number | null): unknown {
  let result: WithLoss & { readonly weight?: unknown };
  const found = grad(() => {
    result = cost();
    const loss: unknown = result instanceof Variable ? result : (result as { loss?: unknown } | undefined)?.loss;
    if (!(loss instanceof Variable)) return result;
    const weight = (result instanceof Variable ? undefined : result.weight) ?? samples ?? 1;
    const factor = weight instanceof Variable ? weight.detach() : checkWeight("cost must return as weight", weight);
    return { loss: loss.mul(factor), result };
  });
  return (found as { readonly result: unknown }).result;
}

/** The gradient of Σ θ·g is g: so parameters get other gradients, by what any program may use. */
function divideGradients(optimizer: Optimizer<never>, divisor: number): void {
  const reached = optimizer.parameters.filter(({ grad }) => grad !== null);
  if (reached.length === 0 || divisor === 0) return;
  const means = evaluate(() => reached.map((parameter) => (parameter.grad as Variable).div(divisor)));
  optimizer.clearGrad();
  grad(() => reached.map((parameter, i) => parameter.mul(means[i]).sum()).reduce((a, b) => a.add(b)), { of: reached });
}
