/** JSON from a file that nobody vouches for. */

/**
 * How deep components, arrays, maps and objects may be nested when they are saved, JSON when it is read, and what is made of it. A
 * level takes up to three of JSON, or of what is made, so whatever was saved can be read; and the stack is not used up.
 */
export const mostLevels = { saved: 200, json: 1000, made: 700 };

/**
 * The value of a text.
 * @throws Error, with a message to be quoted, for what is no JSON, a key given twice in an object, and too many levels
 */
export function parseJson(text: string): unknown {
  checkLevels(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON (${(error as Error).message})`);
  }
  checkKeys(text);
  return value;
}

/** Before it is parsed, which would take long, and much memory, for millions of levels. The text may be anything. */
function checkLevels(text: string): void {
  let level = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // a string, to its end
        for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
        break;
      case 0x5b: case 0x7b:
        if (++level > mostLevels.json) throw new Error(`its values are nested in more than ${mostLevels.json} levels`);
        break;
      case 0x5d: case 0x7d: level--;
    }
  }
}

/** `JSON.parse` keeps the last of equal keys; a reader that keeps the first would see another file. The text is known to be JSON. */
function checkKeys(text: string): void {
  /** The keys so far of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case "{": case "[":
        keyNext = text[i] === "{";
        open.push(keyNext ? new Set() : null);
        break;
      case "}": case "]":
        open.pop();
        keyNext = false;
        break;
      case ",":
        keyNext = open[open.length - 1] !== null;
        break;
      case '"': {
        const start = i;
        let escaped = false;
        for (i++; text[i] !== '"'; i++) {
          if (text[i] !== "\\") continue;
          escaped = true;
          i++;
        }
        if (!keyNext) break;
        keyNext = false;
        const key = escaped ? (JSON.parse(text.slice(start, i + 1)) as string) : text.slice(start + 1, i);
        const keys = open[open.length - 1] as Set<string>;
        if (keys.has(key)) throw new Error(`it has the key ${JSON.stringify(key.slice(0, 80))} twice`);
        keys.add(key);
      }
    }
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
