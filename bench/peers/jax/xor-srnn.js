import { tagger } from "./tagger.js";

// user code
export const create = (problem) => tagger(problem, "srnn");
// end
