/**
 * Flimsy: train differentiable models in plain TypeScript.
 * @module flimsy-ml
 */

import type { VariableMethods } from "./operations/index.ts";

export { type CheckOptions, checkGradients, checkGradientsAsync, type GradientMismatch, type GradientReport } from "./model/check-gradients.ts";
export { Component } from "./model/component.ts";
export { ParameterAverage, type ParameterAverageOptions } from "./model/parameter-average.ts";
export { type StandIns, withParameters } from "./model/with-parameters.ts";
export { type PartSummary, type Summary, summary } from "./explain/summary.ts";
export * as cost from "./cost/index.ts";
export type { CostOptions, CtcCostOptions, Labels } from "./cost/index.ts";
export { hessian, jacobian } from "./derivatives/jacobian.ts";
export { type JacobianVectorProduct, jvp, type VectorJacobianProduct, vjp } from "./derivatives/vector-products.ts";
export { type DeviceName, setDevice, threads } from "./devices/current.ts";
export type { ThreadReport } from "./devices/device.ts";
export {
  DeviceError, type DeviceReason, FlimsyError, GradientError, MemoryError, NanError, ShapeError, StaleVariableError, UsageError, ValueError,
} from "./support/errors.ts";
export type { Expr, ExprLike } from "./kernels/expression.ts";
export type { HostArray } from "./kernels/kernel.ts";
export { type MemoryReport, memory } from "./engine/memory.ts";
export * from "./operations/index.ts";
import "./operations/methods.ts";
export { AdaDelta, type AdaDeltaOptions } from "./optimizers/ada-delta.ts";
export { Adagrad, type AdagradOptions } from "./optimizers/adagrad.ts";
export { Adam, type AdamOptions } from "./optimizers/adam.ts";
export { AdamW, type AdamWOptions } from "./optimizers/adam-w.ts";
export type { Clip } from "./optimizers/clip.ts";
export { GradientDescent } from "./optimizers/gradient-descent.ts";
export { GradientNoise, type GradientNoiseOptions } from "./optimizers/gradient-noise.ts";
export { Graves, type GravesOptions } from "./optimizers/graves.ts";
export { LBFGS, type LBFGSOptions } from "./optimizers/lbfgs.ts";
export { Lion, type LionOptions } from "./optimizers/lion.ts";
export { minimizeAsync } from "./optimizers/minimize-async.ts";
export { Momentum, type MomentumOptions } from "./optimizers/momentum.ts";
export { Nesterov } from "./optimizers/nesterov.ts";
export { ElementwiseOptimizer, Optimizer, type OptimizerOptions } from "./optimizers/optimizer.ts";
export type { OptimizerState, ParameterState } from "./optimizers/optimizer-state.ts";
export type { GroupOptions, NumberKinds, Numbers, ParameterGroup, Settings, Target } from "./optimizers/parameter-group.ts";
export { RmsProp, type RmsPropOptions } from "./optimizers/rms-prop.ts";
export type { Plateau, PlateauOptions, PlateauState } from "./optimizers/plateau.ts";
export type { LearningRate, Schedule, ScheduleState } from "./optimizers/rate.ts";
export type { Updated } from "./optimizers/updated.ts";
export * as schedule from "./optimizers/schedule.ts";
export type { OneCycleOptions } from "./optimizers/schedule.ts";
export { Random, type RandomState, type Shuffleable, seed } from "./random/random.ts";
export { evaluateAsync, gradAsync, gradientsAsync } from "./engine/attempts.ts";
export { checkpoint } from "./engine/checkpoint.ts";
export { debug } from "./engine/debug.ts";
export { ready } from "./engine/ready.ts";
export { isTraining, State, state } from "./engine/state.ts";
export type { Operand } from "./engine/step.ts";
export * as option from "./support/option.ts";
export type { Shape } from "./support/shape.ts";
export type { Trainable } from "./engine/trainable.ts";
export { evaluate, type EvaluateOptions, grad, type GradOptions, gradients, type WithLoss } from "./engine/grad.ts";
export { input, type NestedArray, Parameter, parameter, type TensorLike, Variable } from "./engine/variable.ts";

declare module "./engine/variable.ts" {
  interface Variable extends VariableMethods {}
}
