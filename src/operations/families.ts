/** The operations that read well as methods of a Variable: whatever these files export, with a Variable first. A file holds such operations, or others. */

export * from "./activation.ts";
export * from "./arithmetic.ts";
export * from "./dropout.ts";
export * from "./gather.ts";
export * from "./gradient.ts";
export * from "./layout.ts";
export * from "./product.ts";
export * from "./reduction.ts";
export * from "./scan.ts";
export * from "./softmax.ts";
