/** Text that a user gives, as a part of a page: whatever it is, it stays text. */

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"']/g, (character) => entities[character]);

/** A UTF-16 unit as JavaScript writes it in a string. */
export const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Data for a script of the page, which no `</script>` in it can end. */
export const scriptJson = (value: unknown): string => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeUnit);
