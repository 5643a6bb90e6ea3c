/**
 * Data of which PyTorch 1.13 computed the figures in these tests, in float64: `torch.nn.functional`'s losses with `reduction="none"`, added up over the
 * elements of a sample, and gradients of their sums.
 */

export const x = [[0.5, -1.2, 2.0, 0.1], [1.5, 0.3, -0.7, 0.9], [-2.0, 0.4, 0.8, 3.1]];
export const t = [[0.1, -1.0, 0.5, 0.0], [2.0, 1.3, -0.2, 0.9], [-1.0, 0.0, 2.8, 3.0]];
/** A class for each row. */
export const labels = [2, 0, 1];
/** A distribution over the classes for each row. */
export const shares = [[0.1, 0.2, 0.6, 0.1], [0.7, 0.0, 0.3, 0.0], [0.25, 0.25, 0.25, 0.25]];
/** Yes or no for each element. */
export const answers = [[1, 0, 1, 0], [0, 1, 1, 1], [1, 0, 0, 1]];
/** A weight for each class. */
export const classWeights = [1, 2, 0.5, 3];
