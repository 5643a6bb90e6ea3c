/** The batches of one update: their gradients are added up, and the update is made by their mean. */

import { evaluate, grad, Optimizer, Variable, type WithLoss } from "../index.ts";
import { checkWeight, Means, type Measurement, measurementOf, type Numbers } from "./means.ts";

/** What a batch has given. */
interface Part {
  readonly numbers: Numbers;
  readonly weight: number;
  readonly samples: number | null;
}

export class Window {
  private readonly parts: Part[] = [];
  /** That of the update. */
  learningRate = NaN;

  constructor(private readonly optimizer: Optimizer<never>, private readonly most: number) {}

  get size(): number { return this.parts.length; }
  get isFull(): boolean { return this.size >= this.most; }
  /** Batches that it waits for after this one. */
  get accumulates(): boolean { return this.most > 1; }

  /** Runs the cost of a batch, and leaves its gradient to the parameters, beside those of the batches before. What is no loss is for `grad` to say. */
  measure(cost: () => WithLoss, samples: number | null): Measurement {
    if (this.accumulates) return measurementOf("cost", weighted(cost, samples), true);
    if (minimizesItself(this.optimizer)) {
      this.learningRate = this.optimizer.learningRate;
      return measurementOf("cost", this.optimizer.minimize(cost), true);
    }
    return measurementOf("cost", grad(cost), true);
  }

  add({ numbers, weight }: Measurement, samples: number | null): void { this.parts.push({ numbers, weight: weight ?? samples ?? 1, samples }); }

  update(): void {
    const { optimizer } = this;
    if (minimizesItself(optimizer)) return;
    if (this.accumulates) divideGradients(optimizer, this.parts.reduce((sum, { weight }) => sum + weight, 0));
    this.learningRate = optimizer.learningRate;
    optimizer.update();
  }

  /** The means over the batches, and how many samples they had. */
  get result(): { readonly numbers: Numbers; readonly samples: number | null } {
    const { parts } = this;
    if (parts.length === 1) return parts[0];
    const means = new Means();
    for (const { numbers, weight } of parts) means.add(numbers, weight);
    return { numbers: means.values, samples: parts.reduce<number | null>((sum, { samples }) => (sum === null || samples === null ? null : sum + samples), 0) };
  }

  /** Adds what each batch gave to other means, and begins anew. */
  moveTo(means: Means): void {
    for (const { numbers, weight } of this.parts.splice(0)) means.add(numbers, weight);
  }

  /** Forgets the batches, and their gradients. */
  clear(): void {
    this.parts.length = 0;
    this.optimizer.clearGrad();
  }
}

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
