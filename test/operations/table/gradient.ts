/** What leaves values as they are. */

import { type Entry, ofArray } from "../entry.ts";
import { same } from "../plain.ts";

export const entries = {
  detach: { meaning: same, ...ofArray(undefined, { smooth: null }) },
  gradnorm: { meaning: same, ...ofArray((draw) => [draw.pick([0, 0.5, 1, 3])], { gradientIsOther: true }, 1) },
} satisfies Record<string, Entry>;
