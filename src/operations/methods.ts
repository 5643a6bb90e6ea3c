/** Makes operations methods of Variable: one table, the families, gives both their types and their code. */

import { Variable } from "../engine/variable.ts";
import * as families from "./families.ts";

/** Of a function with several forms the method has the last one. */
type Method<F> = F extends (first: Variable, ...rest: infer R extends readonly unknown[]) => infer T ? (...rest: R) => T : never;
/** What `Variable` has besides its own members; src/index.ts merges the two. */
export type VariableMethods = { readonly [K in keyof typeof families]: Method<(typeof families)[K]> };

for (const [name, f] of Object.entries(families) as [string, (x: Variable, ...rest: unknown[]) => unknown][]) {
  Object.defineProperty(Variable.prototype, name, {
    configurable: true,
    writable: true,
    value(this: Variable, ...rest: unknown[]) { return f(this, ...rest); },
  });
}
