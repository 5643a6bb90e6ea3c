/** How far two texts or lists are apart, and which names somebody may have meant. */

/** The least number of entries to insert, delete or replace (Levenshtein 1966). They are compared with ===. */
export function editDistance(a: ArrayLike<unknown>, b: ArrayLike<unknown>): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

/** The names that a mistyped one may stand for, the nearest first: two letters, or a third of all, may differ. */
export function closest(mistyped: string, names: readonly string[]): string[] {
  const cut = (name: string): string => name.slice(0, 60).toLowerCase();
  const given = cut(mistyped);
  return names
    .map((name) => ({ name, letters: name.length, distance: editDistance(given, cut(name)) }))
    .filter(({ letters, distance }) => distance <= Math.max(2, letters / 3) && distance < Math.max(letters, given.length))
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
}
