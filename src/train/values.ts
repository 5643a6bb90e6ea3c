/** What a component has learned, as arrays of numbers. */

import type { Component, Parameter, State } from "../index.ts";

export type Values = readonly (Float32Array | Float64Array)[];

/** What is kept of the best epoch: parameters, then state. */
export const arraysOf = (component: Component): readonly (Parameter | State)[] => [...component.parameters(), ...component.namedState().values()];
export const valuesOf = (component: Component): Values => arraysOf(component).map((array) => array.data);
