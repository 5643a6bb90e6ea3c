/** The operations, as a user sees them. Each of these files holds public names only. */

export type { Axes } from "./axes.ts";
export * from "./convolution.ts";
export * from "./creation.ts";
export * from "./custom-gradient.ts";
export * from "./elementwise.ts";
export * from "./families.ts";
export * from "./host.ts";
export * from "./indexing.ts";
export type { Indices } from "./indices.ts";
export * from "./joining.ts";
export * from "./layer-norm.ts";
export * from "./linear.ts";
export * from "./masked-softmax.ts";
export type { VariableMethods } from "./methods.ts";
export * from "./pooling.ts";
export * from "./where.ts";
