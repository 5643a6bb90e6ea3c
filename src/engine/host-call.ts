/** Functions of the host that are part of operations. They run within their step, or later: at any time, on a device that answers later. */

import { UsageError } from "../support/errors.ts";

let isCalled = false;

/** Is such a function at work? It gets its inputs, and may read and assign nothing else. */
export const isInHostCall = (): boolean => isCalled;

/** Calls such a function. */
export function callHost<T>(call: () => T): T {
  isCalled = true;
  try {
    return call();
  } finally {
    isCalled = false;
  }
}

/** The error for numbers that may be on their way. */
export const notAnInput = (): UsageError =>
  new UsageError(
    "The forward function of an operation asked for the numbers of a Variable of the step that it is part of. " +
      "Give that Variable to the operation as an input.",
  );

/** The error for an assignment that would come at some time or other. */
export const assignedInCall = (): UsageError => new UsageError("assign was called in a function of an operation. Call it in the step itself.");
