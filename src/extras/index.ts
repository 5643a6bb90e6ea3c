/** Small helpers around training: `flimsy-ml/extras`. */

export { type BagOfWordsOptions, bagOfWords } from "./bag-of-words.ts";
export { Patience, type PatienceOptions } from "./patience.ts";
export { type Samples, ZScore, type ZScoreOptions, zscore } from "./zscore.ts";
