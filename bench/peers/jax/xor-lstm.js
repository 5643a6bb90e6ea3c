import { tagger } from "./tagger.js";

// user code
export const create = (problem) => tagger(problem, "lstm");
// end
