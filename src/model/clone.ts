/** Deep copies of components. */

import { State, state } from "../engine/state.ts";
import { Parameter, parameter } from "../engine/variable.ts";
import { Random } from "../random/random.ts";
import { isMap, kindOf } from "../support/arrays.ts";
import { UsageError } from "../support/errors.ts";
import { isContainer } from "../support/places.ts";

/** A component. */
interface Part { clone(): object }

const isSet = (value: unknown): value is Set<unknown> => kindOf(value) === "Set";

/**
 * A copy of a part and of all that it holds; what is held twice is held twice in the copy. Shared are functions, Variables, whose numbers never change,
 * and objects of other classes.
 * @param clone how parts are copied, unless their class has a way of its own
 */
export function copyOf<T extends Part>(root: T, isPart: (value: unknown) => value is Part, clone: Part["clone"]): T {
  const copies = new Map<object, object>();
  const open: [from: object, to: object][] = [];
  const copy = (value: unknown): unknown => {
    if (typeof value === "function") checkFree(root, value);
    if (typeof value !== "object" || value === null) return value;
    let made = copies.get(value);
    if (made !== undefined) return made;
    const ownWay = isPart(value) && value !== root && value.clone !== clone;
    if (!ownWay && (isPart(value) || isContainer(value) || isSet(value))) {
      checkPublic(value);
      made = isMap(value) ? new Map() : isSet(value) ? new Set() : Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value)) as object;
      open.push([value, made]);
    } else made = ownWay ? value.clone() : arrayOf(value);
    copies.set(value, made);
    return made;
  };
  const found = copy(root);
  for (const [from, to] of open) {
    if (isMap(from)) from.forEach((value, key) => { (to as Map<unknown, unknown>).set(copy(key), copy(value)); });
    else if (isSet(from)) from.forEach((value) => { (to as Set<unknown>).add(copy(value)); });
    else {
      const fields = Object.getOwnPropertyDescriptors(from) as PropertyDescriptorMap;
      for (const field of Object.values(fields)) field.value &&= copy(field.value); // an accessor has none
      Object.defineProperties(to, fields);
    }
  }
  return found as T;
}

/** A copy of what holds numbers; anything else as it is. */
function arrayOf(value: object): object {
  if (value instanceof Parameter) return Object.assign(parameter(value), { frozen: value.frozen });
  if (value instanceof State) return state(value);
  if (value instanceof Random && value !== Random.default) return Object.assign(new Random(0), { state: value.state });
  return ArrayBuffer.isView(value) ? structuredClone(value) : value;
}

/** Refuses an object of a class with private fields, which nobody else can read. */
function checkPublic(value: object): void {
  for (let at = value; at !== null; at = Object.getPrototypeOf(at) as object) {
    const text = String(at.constructor);
    const [, name] = /\.(#[\p{L}\w$]+)/u.exec(text) ?? [];
    if (name !== undefined && !text.includes(`static ${name}`)) throw cannot(value, `private field ${name}`);
  }
}

/** Refuses a function that would go on using what made it, as an arrow function with `this` and a bound one do. */
function checkFree(root: object, f: { readonly name: string }): void {
  if (/^bound /.test(f.name) || /^(async ?)?(\(|[^(]+=>).*\bthis\b/s.test(String(f))) throw cannot(root, `function ${f.name}, which uses this`);
}

const cannot = (part: object, why: string): UsageError =>
  new UsageError(`${part.constructor.name} cannot be cloned because of its ${why}. Give the class a method clone().`);
