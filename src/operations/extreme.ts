/** Which elements are the extreme of their line. */

import { elementwise } from "./elementwise.ts";
import { isExtreme } from "./rows.ts";

/** 1 where x is the extreme, else 0; where one is NaN, those that are. */
export const chosenFrom = elementwise("isExtreme", isExtreme);
