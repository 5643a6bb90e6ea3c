/**
 * Connectionist temporal classification: labels that are not aligned with the steps of a sequence.
 *
 * Alex Graves, Santiago Fernández, Faustino Gomez, Jürgen Schmidhuber: Connectionist temporal classification: labelling unsegmented
 * sequence data with recurrent neural networks. ICML 2006.
 * @module ctc
 */

export { type Alignment, align } from "./align.ts";
export { type BeamOptions, beamSearch, greedy, type Hypothesis } from "./decode.ts";
export { expand, stepsNeeded, trim } from "./labels.ts";
export { negativeLogLikelihood } from "./loss.ts";
export { backward, forward } from "./tables.ts";
export type { CtcOptions, CtcTargetOptions, Lengths, Scores, Sequence, Targets } from "./utterances.ts";
