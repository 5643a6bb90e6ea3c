/** Components: parameters and state grouped with the functions that use them. */

import { ValueError } from "../support/errors.ts";
import { formatShape } from "../support/shape.ts";
import { isMap, isPlainObject } from "../support/arrays.ts";
import { checkArguments } from "../support/options.ts";
import { inspected } from "../support/print.ts";
import { State } from "../engine/state.ts";
import { Parameter } from "../engine/variable.ts";

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
    return [...new Set(placesOf(this, Parameter).map(([, parameter]) => parameter))];
  }

  /** How many trained numbers there are; shared parameters count once. */
  get parameterCount(): number { return this.parameters().reduce((total, { size }) => total + size, 0); }

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

  /** The structure with shapes and the number of parameters, one line a field. */
  toString(): string {
    const count = this.parameterCount;
    const lines = [`${this.constructor.name} (${count.toLocaleString("en-US")} parameter${count === 1 ? "" : "s"})`];
    const open = new Set<object>([this]);
    const visit = (value: object, indent: string): void => {
      for (const [key, entry] of entriesOf(value)) {
        if (isArray(entry)) lines.push(`${indent}${key}: ${formatShape(entry.shape)}${entry instanceof State ? " (state)" : ""}`);
        else if (isHolder(entry) && !open.has(entry) && holdsArrays(entry, new Set(open))) {
          lines.push(`${indent}${key}: ${entry instanceof Component ? entry.constructor.name : kindOf(entry)}`);
          open.add(entry);
          visit(entry, `${indent}  `);
          open.delete(entry);
        }
      }
    };
    visit(this, "  ");
    return lines.join("\n");
  }

  /** What `console.log` prints in Node. */
  [inspected](): string { return this.toString(); }
}

/** Parameters, or state. */
type Kind<T> = abstract new (...values: never[]) => T;

/** Those of a kind by their paths. */
function named<T>(component: Component, kind: Kind<T>, plural: string): Map<string, T> {
  const found = new Map<string, T>();
  for (const [path, array] of placesOf(component, kind)) {
    if ((found.get(path) ?? array) !== array) {
      throw new ValueError(`${component.constructor.name} holds two ${plural} under the path ${path}. Give one of them another key.`);
    }
    found.set(path, array);
  }
  return found;
}

/** Where a component holds those of a kind, in the order of the fields. */
function placesOf<T>(component: Component, kind: Kind<T>): [path: string, T][] {
  const found: [string, T][] = [];
  const open = new Set<object>(); // a component may know its parent
  const visit = (value: unknown, path: string): void => {
    if (value instanceof kind) found.push([path, value]);
    if (!isHolder(value) || open.has(value)) return;
    open.add(value);
    for (const [key, entry] of entriesOf(value)) visit(entry, path === "" ? key : `${path}.${key}`);
    open.delete(value);
  };
  visit(component, "");
  return found;
}

/** Is it what a component is made of? */
const isArray = (value: unknown): value is Parameter | State => value instanceof Parameter || value instanceof State;

/** May this hold parameters or state? Components, arrays, maps and plain objects do. */
function isHolder(value: unknown): value is object {
  return value instanceof Component || Array.isArray(value) || isMap(value) || isPlainObject(value);
}

function entriesOf(value: object): [string, unknown][] {
  if (isMap(value)) return [...value].map(([key, entry]) => [String(key), entry]);
  return Object.entries(value);
}

function holdsArrays(value: unknown, open: Set<object>): boolean {
  if (isArray(value)) return true;
  if (!isHolder(value) || open.has(value)) return false;
  open.add(value);
  return entriesOf(value).some(([, entry]) => holdsArrays(entry, open));
}

function kindOf(value: object): string {
  return Array.isArray(value) ? `array of ${value.length}` : isMap(value) ? `map of ${value.size}` : "object";
}
