/** The optimizers that there are: what the library exports, so that tests of all forget none. */

import * as flimsy from "../../src/index.ts";

/** Any of them, made for anything, to be refused too. */
export type OptimizerClass = { readonly options: object } & (new (target: unknown, options?: object) => flimsy.Optimizer);

const isOptimizer = (value: unknown): value is OptimizerClass => typeof value === "function" && value.prototype instanceof flimsy.Optimizer;

export const optimizers: readonly (readonly [name: string, optimizer: OptimizerClass])[] = Object.entries<unknown>(flimsy)
  .flatMap(([name, value]) => (isOptimizer(value) && value !== (flimsy.ElementwiseOptimizer as unknown) ? [[name, value] as const] : []));
