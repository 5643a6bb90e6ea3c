/**
 * Flimsy: train differentiable models in plain TypeScript.
 * @module flimsy-ml
 */

import type { VariableMethods } from "./operations/methods.ts";

export { type CheckOptions, checkGradients, type GradientMismatch, type GradientReport } from "./model/check-gradients.ts";
export { Component } from "./model/component.ts";
export * as cost from "./cost/index.ts";
export type { CostOptions, CtcCostOptions, Labels } from "./cost/index.ts";
export { arange, eye, full, ones, rand, randn, zeros } from "./operations/creation.ts";
export { type DeviceName, setDevice, threads } from "./devices/current.ts";
export type { ThreadReport } from "./devices/device.ts";
export {
  DeviceError, FlimsyError, GradientError, MemoryError, NanError, ShapeError, StaleVariableError, UsageError, ValueError,
} from "./support/errors.ts";
export type { Expr, ExprLike } from "./kernels/expression.ts";
export type { HostArray } from "./kernels/kernel.ts";
export { type MemoryReport, memory } from "./engine/memory.ts";
export { gelu, relu, sigmoid, softplus, tanh } from "./operations/activation.ts";
export {
  abs, add, clip, cos, div, equal, exp, greater, greaterEqual, less, lessEqual, log, maximum, minimum, mul, neg, notEqual,
  pow, recip, sin, sqrt, sub, where,
} from "./operations/arithmetic.ts";
export { type Axes, broadcastTo, identity, reshape, sum } from "./operations/broadcasting.ts";
export { type Conv2dSettings, conv2d } from "./operations/convolution.ts";
export { dropout } from "./operations/dropout.ts";
export { elementwise } from "./operations/elementwise.ts";
export { detach, gradnorm } from "./operations/gradient.ts";
export { type OperationDefinition, operation } from "./operations/host.ts";
export { embed, gather, type Indices, oneHot, scatterAdd } from "./operations/indexing.ts";
export {
  concat, decat, flip, pad, permute, type Range, slice, squeeze, stack, transpose, unsqueeze,
} from "./operations/layout.ts";
export { layerNorm } from "./operations/layer-norm.ts";
export type { VariableMethods } from "./operations/methods.ts";
import "./operations/methods.ts";
export { maxPool2d } from "./operations/pooling.ts";
export { affine, dot, linear, matmul, norm2 } from "./operations/product.ts";
export { argmax, argmaxneq, max, mean, min } from "./operations/reduction.ts";
export { logSoftmax, logsumexp, maskedSoftmax, softmax, wta } from "./operations/softmax.ts";
export { AdaDelta, type AdaDeltaOptions } from "./optimizers/ada-delta.ts";
export { Adam, type AdamOptions } from "./optimizers/adam.ts";
export { AdamW, type AdamWOptions } from "./optimizers/adam-w.ts";
export type { Clip } from "./optimizers/clip.ts";
export { GradientDescent } from "./optimizers/gradient-descent.ts";
export { GradientNoise, type GradientNoiseOptions } from "./optimizers/gradient-noise.ts";
export { Graves, type GravesOptions } from "./optimizers/graves.ts";
export { Momentum, type MomentumOptions } from "./optimizers/momentum.ts";
export { Nesterov } from "./optimizers/nesterov.ts";
export { Optimizer, type OptimizerOptions, type OptimizerState, type Updated } from "./optimizers/optimizer.ts";
export type { GroupOptions, Numbers, ParameterGroup, Target, Trainable } from "./optimizers/parameter-group.ts";
export { RmsProp, type RmsPropOptions } from "./optimizers/rms-prop.ts";
export * as schedule from "./optimizers/schedule.ts";
export type { LearningRate, Schedule } from "./optimizers/schedule.ts";
export type { Setting } from "./optimizers/settings.ts";
export { Random, type RandomState, type Shuffleable, seed } from "./random/random.ts";
export { debug } from "./engine/debug.ts";
export { isTraining, State, state } from "./engine/state.ts";
export type { Operand } from "./engine/step.ts";
export type { Shape } from "./support/shape.ts";
export { evaluate, grad, gradients, type WithLoss } from "./engine/grad.ts";
export { input, type NestedArray, Parameter, parameter, type TensorLike, Variable } from "./engine/variable.ts";

declare module "./engine/variable.ts" {
  interface Variable extends VariableMethods {}
}
