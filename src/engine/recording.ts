/** The open step, and how applying an operation to variables becomes a node of its trace. On the path of every operation, so plain and short. */

import { guardDevice } from "../devices/current.ts";
import { Mark, type Recordable } from "../plan/trace.ts";
import { UsageError } from "../support/errors.ts";
import type { Shape } from "../support/shape.ts";
import { nothing, type Operand, type Purpose, Step } from "./step.ts";
import { switches } from "./switches.ts";
import { type Parameter, Variable } from "./variable.ts";

let current: Step | null = null;
guardDevice(() => current !== null);

/** The open step, if there is one. */
export const openStep = (): Step | null => current;

/** Runs `body` in a new step; whatever happens, the step ends. */
export function withStep<T>(caller: string, purpose: Purpose, body: (step: Step) => T, of: ReadonlySet<Parameter> | null = null): T {
  if (current !== null) {
    throw new UsageError(
      `${caller} was called inside ${current.caller}. A step cannot hold another: call ${caller} before or after it` +
        (caller === "grad" ? ", or use gradients(f, variables) for derivatives inside a step." : "."),
    );
  }
  const step = new Step(caller, purpose, of);
  current = step;
  try {
    return body(step);
  } finally {
    current = null;
    step.end();
  }
}

/** Records an operation of one input. */
export function record1(operation: Recordable, shape: Shape, a: Operand): Variable {
  const step = current;
  if (step === null) return single(operation, shape, [a], []);
  const node = step.trace.unary(operation, shape, step.node(a));
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Records an operation of two inputs. */
export function record2(operation: Recordable, shape: Shape, a: Operand, b: Operand): Variable {
  const step = current;
  if (step === null) return single(operation, shape, [a, b], []);
  const x = step.node(a);
  const node = step.trace.binary(operation, shape, x, step.node(b));
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Records an operation of any number of inputs, with integers that are part of its structure. */
export function record(operation: Recordable, shape: Shape, inputs: readonly Operand[], attributes: ArrayLike<number> = []): Variable {
  const step = current;
  if (step === null) return single(operation, shape, inputs, attributes);
  const nodes: number[] = inputs.length < scratch.length ? scratch[inputs.length] : new Array(inputs.length);
  for (let k = 0; k < inputs.length; k++) nodes[k] = step.node(inputs[k]);
  const node = step.trace.general(operation, shape, nodes, attributes);
  step.called(node);
  return new Variable(shape, operation, step, node, null);
}

/** Lists of up to a few nodes on their way into the trace, so that recording allocates none. */
const scratch: number[][] = [[], [0], [0, 0], [0, 0, 0], [0, 0, 0, 0]];

/** Outside a step an operation is a step of its own. */
function single(operation: Recordable, shape: Shape, inputs: readonly Operand[], attributes: ArrayLike<number>): Variable {
  const variable = withStep(operation.name, "values", (step) => {
    const result = record(operation, shape, inputs, attributes);
    keep(step, [result]);
    return result;
  });
  switches.comparing?.calledOutside(variable);
  return variable;
}

/** Runs the step without gradients, gives the variables their numbers for good, and writes what is assigned. `fuse`: at the first run already. */
export function keep(step: Step, variables: readonly Variable[], fuse = false): void {
  const open = variables.filter((variable) => variable.storage === null);
  if (open.length === 0 && step.assigned === nothing) return step.comparisons?.check([]);
  const nodes = open.map((variable) => step.node(variable));
  const { compiled, region } = step.complete(Mark.evaluate, nodes, (kept) => ({ roots: kept.map((node) => ({ node, target: null })) }), fuse);
  open.forEach((variable, i) => { step.materialize(variable, region, compiled.plan.results[i]); });
}
