// @ts-check
/** What all programs share: initial parameters, a training step, and a look at the gradients. */

import { Component, grad } from "flimsy-ml";
import { read } from "../start.js";

/** @typedef {import("../problem.js").Problem} Problem */
/** @typedef {import("../problem.js").Values} Values */

/** Gives a model the initial parameters of a problem. @param {Component} model @param {Problem} problem */
export function initialize(model, { parameters }) {
  const named = model.namedParameters();
  for (const [name, { values }] of Object.entries(parameters)) {
    const parameter = named.get(name);
    if (parameter === undefined) throw new Error(`The model has no parameter ${name}: it has ${[...named.keys()].join(", ")}.`);
    parameter.assign(/** @type {Float32Array} */ (values));
  }
}

/**
 * @param {Problem} problem
 * @param {Component} model
 * @param {(k: number) => import("flimsy-ml").Variable} cost of step k
 * @param {{ update(): void } | null} optimizer
 */
export function training(problem, model, cost, optimizer) {
  initialize(model, problem);
  const clear = () => { for (const parameter of model.parameters()) parameter.clearGrad(); };
  // user code
  /** One step; the loss before its update. @param {number} k */
  function step(k) {
    const loss = grad(() => cost(k));
    if (optimizer) optimizer.update();
    else clear();
    return read(loss);
  }
  // end

  /** The loss and the gradients of step 0, without an update. */
  function gradients() {
    const loss = grad(() => cost(0)).item();
    const named = [...model.namedParameters()].filter(([name]) => name in problem.parameters);
    const found = Object.fromEntries(named.map(([name, { grad: gradient }]) => [name, gradient === null ? [] : [gradient.data]]));
    clear();
    return { loss, gradients: found };
  }
  return { step, gradients };
}
