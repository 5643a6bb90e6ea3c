/**
 * Small helpers around training.
 * @module extras
 */

export { type BagOfWordsOptions, bagOfWords } from "./bag-of-words.ts";
export { type Answers, editDistance, errorRate, errorRateAsync, type Tokens, tokenErrorRate } from "./error-rate.ts";
export { Patience, type PatienceOptions } from "./patience.ts";
export { type Samples, ZScore, type ZScoreOptions, zscore, zscoreAsync } from "./zscore.ts";
