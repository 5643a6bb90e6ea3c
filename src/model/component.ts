/** Components: parameters and state grouped with the functions that use them. */

import { ValueError } from "../support/errors.ts";
import { formatShape } from "../support/shape.ts";
import { isMap } from "../support/arrays.ts";
import { checkArguments } from "../support/options.ts";
import { keysOf, nameOfPath, type Place, places } from "../support/places.ts";
import { inspected } from "../support/print.ts";
import { State } from "../engine/state.ts";
import { Parameter } from "../engine/variable.ts";
import { copyOf } from "./clone.ts";

/**
 * The base class of models and their parts. Whatever a component holds in its fields is part of it: parameters, state, other
 * components, and arrays, maps and plain objects of these.
 * @example
 * class Layer extends Component {
 *   readonly w; readonly b;
 *   constructor(outputs: number, inputs: number) {
 *     super();
 *     this.w = parameter(randn([outputs, inputs]));
 *     this.b = parameter(zeros([outputs]));
 *   }
 *   score(x: Variable) { return affine(this.w, x, this.b); }
 * }
 * const layer = new Layer(2, 3);
 * layer.score(zeros([5, 3])).shape; // [5, 2]
 * layer.parameterCount; // 8
 */
export abstract class Component {
  /** Every parameter once, in the order of the fields. */
  parameters(): Parameter[] {
    checkArguments("parameters", arguments, 0);
    return [...new Set(held(this, Parameter).map(({ value }) => value))];
  }

  /** How many trained numbers there are; shared parameters count once. */
  get parameterCount(): number { return sizeOf(this.parameters()); }

  /**
   * Every parameter under its path, such as `layers.0.w`. A parameter that is shared appears under each of its paths.
   * @throws ValueError where two parameters have the same path, as under the keys 1 and "1" of a map
   */
  namedParameters(): Map<string, Parameter> {
    checkArguments("namedParameters", arguments, 0);
    return named(this, Parameter, "parameters");
  }

  /**
   * Every `state` under its path: what is remembered and not trained.
   * @throws as `namedParameters`
   */
  namedState(): Map<string, State> {
    checkArguments("namedState", arguments, 0);
    return named(this, State, "states");
  }

  /**
   * Every component under its path, such as `layers.0`: itself first, under "". One that is shared appears under each of its paths.
   * @throws as `namedParameters`
   */
  components(): Map<string, Component> {
    checkArguments("components", arguments, 0);
    return new Map([["", this], ...named(this, Component, "components")]);
  }

  /**
   * A deep copy: components, parameters, states, lists, maps, sets, plain objects, typed arrays and generators in it are its own, with the same values;
   * what is held twice is held twice in it. Gradients are not copied. Functions, Variables that never change, and objects of other classes are shared.
   * @throws UsageError for what no copy can have: private fields of a class, and functions that use the original as `this`
   */
  clone(): this {
    checkArguments("clone", arguments, 0);
    return copyOf(this, isComponent, Component.prototype.clone);
  }

  /**
   * Forgets the gradients of all parameters.
   * @throws UsageError inside a step that uses one of them
   */
  clearGrad(): void {
    callAll(this, "clearGrad", arguments);
  }

  /**
   * Freezes all parameters: nothing is computed for their gradients, and optimizers leave them alone.
   * @throws UsageError inside a step that uses one of them
   * @example
   * const model = new SoftmaxRegression({ inputs: 3, outputs: 2 });
   * model.freeze().parameters().every((p) => p.isFrozen); // true
   * model.w.unfreeze(); // this one is trained again
   */
  freeze(): this {
    return callAll(this, "freeze", arguments);
  }

  /**
   * Trains all parameters again.
   * @throws as `freeze`
   */
  unfreeze(): this {
    return callAll(this, "unfreeze", arguments);
  }

  /** The structure with shapes and the number of parameters, one line a field. */
  toString(): string {
    const count = this.parameterCount;
    const frozen = sizeOf(this.parameters().filter(({ isFrozen }) => isFrozen));
    const lines = [
      `${this.constructor.name} (${count.toLocaleString("en-US")} parameter${count === 1 ? "" : "s"}` +
        `${frozen === 0 ? "" : `, ${frozen === count ? "all" : frozen.toLocaleString("en-US")} frozen`})`,
    ];
    const above: (string | null)[] = []; // what leads to a place; null once that is written
    for (const { key, value, depth } of places(this, isComponent)) {
      above.length = depth - 1;
      const title = `${"  ".repeat(depth)}${String(key)}: `;
      if (isArray(value)) {
        const kind = value instanceof State ? " (state)" : value.isFrozen ? " (frozen)" : "";
        lines.push(...above.filter((line) => line !== null), `${title}${formatShape(value.shape)}${kind}`);
        above.fill(null);
      } else above.push(title + (isComponent(value) ? value.constructor.name : kindOf(value)));
    }
    return lines.join("\n");
  }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }
}

/** Calls a method of all parameters. */
function callAll<C extends Component>(component: C, name: "clearGrad" | "freeze" | "unfreeze", given: IArguments): C {
  checkArguments(name, given, 0);
  for (const parameter of component.parameters()) parameter[name]();
  return component;
}

const sizeOf = (parameters: readonly Parameter[]): number => parameters.reduce((total, { size }) => total + size, 0);

/** Parameters, or state. */
type Kind<T> = abstract new (...values: never[]) => T;

/** Those of a kind by their paths. */
function named<T>(component: Component, kind: Kind<T>, plural: string): Map<string, T> {
  const found = new Map<string, T>();
  for (const place of held(component, kind)) {
    const path = nameOfPath(keysOf(place));
    if ((found.get(path) ?? place.value) !== place.value) {
      throw new ValueError(`${component.constructor.name} holds two ${plural} under the path ${path}. Give one of them another key.`);
    }
    found.set(path, place.value);
  }
  return found;
}

/** Where a component holds those of a kind, in the order of the fields. */
const held = <T>(component: Component, kind: Kind<T>): (Place & { readonly value: T })[] =>
  [...places(component, isComponent)].filter((place): place is Place & { readonly value: T } => place.value instanceof kind);

/** Is it what a component is made of? */
const isArray = (value: unknown): value is Parameter | State => value instanceof Parameter || value instanceof State;

const isComponent = (value: unknown): value is Component => value instanceof Component;

function kindOf(value: unknown): string {
  return Array.isArray(value) ? `array of ${value.length}` : isMap(value) ? `map of ${value.size}` : "object";
}
