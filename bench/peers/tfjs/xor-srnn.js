import { tagger } from "./tagger.js";

// user code
export const create = (problem, variant) => tagger(problem, "srnn", variant);
// end
