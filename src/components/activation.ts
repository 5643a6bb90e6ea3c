/** Activations: functions of a Variable that have a name, so that a component that uses one can be saved and restored. */

import {
  gelu, identity, logSoftmax, relu, sigmoid, softmax, softplus, tanh, ValueError, type Variable, wta,
} from "../index.ts";
import { refusal } from "../support/check.ts";
import { describe } from "../support/describe.ts";
import type { Kind } from "../support/option.ts";
import { checkArguments } from "../support/options.ts";

/** A function that keeps the shape: elementwise, or over the last axis as `softmax` and `wta`. */
export type Activation = (x: Variable) => Variable;
/** An activation, or the name of a registered one. */
export type ActivationLike = string | Activation;

const functions = new Map<string, Activation>(
  Object.entries<Activation>({ sigmoid, tanh, relu, wta, softmax, identity, gelu, softplus, logSoftmax }),
);
const names = new Map<Activation, string>([...functions].map(([name, f]) => [f, name]));

/**
 * Gives a function a name, so that components that use it can be saved.
 *
 * @returns the function
 * @throws ValueError if the name belongs to another function, or the function has another name
 * @example
 * const softsign = registerActivation("softsign", elementwise("softsign", (x) => x.div(x.abs().add(1))));
 * const net = new FeedForward({ inputs: 2, hidden: [8], outputs: 1, activation: softsign });
 * net.options.activation; // "softsign"
 */
export function registerActivation<F extends Activation>(name: string, f: F): F {
  checkArguments("registerActivation", arguments, 2);
  if (typeof name !== "string" || name === "" || typeof f !== "function") {
    throw new ValueError(`registerActivation takes a name and a function of a Variable, but got ${describe(name)} and ${describe(f)}.`);
  }
  if ((functions.get(name) ?? f) !== f) {
    throw new ValueError(`registerActivation got the name "${name}", which another function has already. Choose another name.`);
  }
  if ((names.get(f) ?? name) !== name) {
    throw new ValueError(`registerActivation got a function for the name "${name}" that is already registered as "${names.get(f)}".`);
  }
  functions.set(name, f);
  names.set(f, name);
  return f;
}

/**
 * The names that can be used: `sigmoid`, `tanh`, `relu`, `wta`, `softmax`, `identity`, `gelu`, `softplus`, `logSoftmax` and those registered.
 * @example
 * activationNames().slice(0, 3); // ["sigmoid", "tanh", "relu"]
 */
export function activationNames(): string[] {
  checkArguments("activationNames", arguments, 0);
  return [...functions.keys()];
}

/**
 * The activation of a name.
 * @throws ValueError for a name that is not registered
 * @example
 * activationByName("relu")(input([-1, 2])).toArray(); // [0, 2]
 */
export function activationByName(name: string): Activation {
  checkArguments("activationByName", arguments, 1);
  const f = functions.get(name);
  if (f === undefined) {
    throw new ValueError(`No activation is called ${describe(name)}. There are ${activationNames().join(", ")}; registerActivation(name, f) adds another.`);
  }
  return f;
}

/**
 * The name of an activation.
 * @throws ValueError for a function that was never registered
 * @example
 * activationName(tanh); // "tanh"
 */
export function activationName(f: Activation): string {
  checkArguments("activationName", arguments, 1);
  const name = names.get(f);
  if (name === undefined) throw new ValueError("This activation has no name to be saved under. Give it one with registerActivation(name, f).");
  return name;
}

/** An option that is an activation, which has to have a name only to be saved. */
export const activation: Kind<ActivationLike, Activation> = {
  read: (given, caller, name) => {
    if (typeof given === "function") return given;
    if (typeof given === "string" && functions.has(given)) return activationByName(given);
    throw refusal(caller, `a function or one of the names ${activationNames().join(", ")} as ${name}`, given);
  },
  plain: activationName,
};
