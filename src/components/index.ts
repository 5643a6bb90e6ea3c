/**
 * Components: layers and models made of the operations of Flimsy.
 * @module components
 */

export { type Activation, type ActivationLike, activationByName, activationName, activationNames, registerActivation } from "./activation.ts";
export { AdditiveAttention, type AdditiveAttentionOptions, type AttentionMemory } from "./additive-attention.ts";
export { BatchNorm, type BatchNormOptions } from "./batch-norm.ts";
export { Bidirectional, type BidirectionalOptions } from "./bidirectional.ts";
export { Conv2d, type Conv2dOptions } from "./conv2d.ts";
export { CtcOutput, type CtcOutputOptions } from "./ctc-output.ts";
export { Dropout, type DropoutOptions } from "./dropout.ts";
export { Embedding, type EmbeddingOptions } from "./embedding.ts";
export { FeedForward, type FeedForwardOptions } from "./feed-forward.ts";
export { Fusion, type FusionOptions } from "./fusion.ts";
export { GatedRecurrent, type GatedRecurrentOptions } from "./gated-recurrent.ts";
export { LayerNorm, type LayerNormOptions } from "./layer-norm.ts";
export { LinearModel, type LinearModelOptions } from "./linear-model.ts";
export { LinearRegression } from "./linear-regression.ts";
export { Lstm, type LstmOptions, type LstmState } from "./lstm.ts";
export { MemoryNetwork, type MemoryNetworkOptions, type ReadOptions, type Sentence, type Story } from "./memory-network.ts";
export { type AttendOptions, MultiHeadAttention, type MultiHeadAttentionOptions } from "./multi-head-attention.ts";
export { AveragePool2d, MaxPool2d, type Pool2dOptions } from "./pool2d.ts";
export { Recurrent } from "./recurrent.ts";
export { type Mask, type Sequence, SequenceComponent, type RecurrentState } from "./sequence.ts";
export { SigmoidRegression } from "./sigmoid-regression.ts";
export { SimpleRecurrent, type SimpleRecurrentOptions } from "./simple-recurrent.ts";
export { SoftmaxRegression } from "./softmax-regression.ts";
export { StackRnn, type StackRnnOptions, type StackRnnState } from "./stack-rnn.ts";
export { Stacked, type StackedOptions } from "./stacked.ts";
export { TransformerBlock, type TransformerBlockOptions } from "./transformer-block.ts";
export { BinaryTreeLstm, ChildSumTreeLstm, type TreeLstmOptions } from "./tree-lstm.ts";
export { ValueComponent, type ValueComponentOptions } from "./value-component.ts";
export type { Pair } from "./window.ts";
