/** Numbers and options as text, for people who print them. All of this is in every program, so there is little of it. */

/** What Node's console calls for an object. */
export const inspected = Symbol.for("nodejs.util.inspect.custom");

/** Nested rows, each on a line. Of more than 100 numbers only three at both ends of each axis. */
export function formatArray(values: ArrayLike<number>, [n, ...inner]: readonly number[], at = 0, margin = "\n "): string {
  if (n === undefined) return Object.is(values[at], -0) ? "-0" : String(Number.isSafeInteger(values[at]) ? values[at] : Number(values[at].toPrecision(6)));
  const isCut = values.length > 100 && n > 6;
  const stride = inner.reduce((a, b) => a * b, 1);
  const row = (_: unknown, i: number): string =>
    isCut && i === 3 ? "…" : formatArray(values, inner, at + (isCut && i > 3 ? n - 7 + i : i) * stride, `${margin} `);
  return `[${Array.from({ length: isCut ? 7 : n }, row).join(inner.length > 0 ? `,${margin}` : ", ")}]`;
}

/** `RmsProp(learningRate=0.01, decay=0.9)`, without what is null. */
export function formatCall(name: string, options: object): string {
  return `${name}(${Object.entries(options).flatMap(([key, value]) => (value === null ? [] : `${key}=${value}`)).join(", ")})`;
}
