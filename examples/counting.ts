/** What a language model is compared with: predictions by counting. */

/**
 * Bits per character of a text that is held out, by counting in another one what follows 0 to `before` characters; each count is smoothed
 * by that of the context that is a character shorter, in proportion to how many different characters follow it (Witten & Bell 1991).
 */
export function bitsOfCounting(train: string, test: string, before: number, symbols: number): number {
  const seen = new Map<string, Map<string, number>>();
  for (let i = 0; i < train.length; i++) {
    for (let k = 0; k <= before && k <= i; k++) {
      const context = train.slice(i - k, i);
      const next = seen.get(context) ?? new Map<string, number>();
      seen.set(context, next);
      for (const key of [train[i], ""]) next.set(key, (next.get(key) ?? 0) + 1); // "": how often it was seen at all
    }
  }
  let bits = 0;
  for (let i = before; i < test.length; i++) {
    let p = 1 / symbols;
    for (let k = 0; k <= before; k++) {
      const next = seen.get(test.slice(i - k, i));
      if (next !== undefined) p = ((next.get(test[i]) ?? 0) + (next.size - 1) * p) / ((next.get("") ?? 0) + next.size - 1);
    }
    bits -= Math.log2(p);
  }
  return bits / (test.length - before);
}
