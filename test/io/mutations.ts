/** Files that were tampered with. */

import type { Random } from "../../src/index.ts";

/** The parts of a checkpoint's header that are JSON, to be changed. */
export interface Editable {
  // biome-ignore lint/suspicious/noExplicitAny: what is edited is of any form
  structure: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  training: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  metadata: any;
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  tensors: any;
  version: string;
}

export function split(bytes: Uint8Array): { header: string; data: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return { header: new TextDecoder().decode(bytes.subarray(8, 8 + length)), data: bytes.subarray(8 + length) };
}

export function joined(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** The file with another header, whose JSON is as it should be. */
export function edited(bytes: Uint8Array, edit: (parts: Editable) => void): Uint8Array {
  const { header, data } = split(bytes);
  const { __metadata__: strings, ...tensors } = JSON.parse(header);
  const parts: Editable = {
    structure: JSON.parse(strings["flimsy.structure"]), training: JSON.parse(strings["flimsy.training"]), metadata: JSON.parse(strings["flimsy.metadata"]),
    tensors, version: strings.flimsy,
  };
  edit(parts);
  const metadata = {
    flimsy: parts.version, "flimsy.structure": JSON.stringify(parts.structure), "flimsy.training": JSON.stringify(parts.training),
    "flimsy.metadata": JSON.stringify(parts.metadata),
  };
  return joined(JSON.stringify({ __metadata__: metadata, ...parts.tensors }), data);
}

type Json = unknown;

/** Values that programs stumble over. */
const odd: Json[] = [
  null, true, 0, -1, 1, 2, 0.5, 1e9, 1e308, 2 ** 53, -0, "", "x", "__proto__", "constructor", "Lstm", "w", [], {}, [[]], [0, 4], { $: "node", id: 0 },
  { $: "node", id: 1 },
  { $: "parameter", tensor: "w" }, { $: "undefined" }, { $: "map", entries: [] }, { $: "object", entries: [["__proto__", 1]] }, { $: "number", value: "NaN" },
  { $: "activation", name: "toString" }, { $: "array", type: "Float32Array", tensor: "w" }, { __proto__x: 1 }, Array.from({ length: 50 }, (_, i) => i),
];

/** All places in a value, as holder and key. */
function places(value: Json, found: [Record<string, Json>, string][] = []): [Record<string, Json>, string][] {
  if (typeof value === "object" && value !== null) {
    for (const key of Object.keys(value)) {
      found.push([value as Record<string, Json>, key]);
      places((value as Record<string, Json>)[key], found);
    }
  }
  return found;
}

/** Changes a JSON value somewhere: replaces, removes, exchanges, copies, renames, repeats. */
function mutateJson(value: Json, random: Random): Json {
  const all = places(value);
  if (all.length === 0) return random.choice(odd);
  const pick = (): [Record<string, Json>, string] => all[random.integer(0, all.length)];
  const [holder, key] = pick();
  switch (random.integer(0, 7)) {
    case 0: case 1: holder[key] = structuredClone(random.choice(odd)); break;
    case 2: if (Array.isArray(holder)) holder.splice(Number(key), 1); else delete holder[key]; break;
    case 3: { const [other, k] = pick(); [holder[key], other[k]] = [structuredClone(other[k]), structuredClone(holder[key])]; break; }
    case 4: { const [other, k] = pick(); holder[key] = structuredClone(other[k]); break; }
    case 5: {
      const v = holder[key];
      holder[key] = typeof v === "number"
        ? v + random.choice([1, -1, 0.5, 1e6, -2 * v])
        : typeof v === "string" ? v + random.choice(["x", "\u0000", ".0"]) : [v];
      break;
    }
    default: if (Array.isArray(holder)) holder.push(structuredClone(holder[key])); else holder[`${key}2`] = structuredClone(holder[key]);
  }
  return value;
}

/** A file with one to three changes: of bytes, of its length, of the header's text, of its JSON, of the JSON within it. */
export function mutated(original: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = original.slice();
  const times = random.integer(1, 4);
  for (let i = 0; i < times && bytes.length > 16; i++) bytes = mutatedOnce(bytes, random);
  return bytes;
}

function pieces(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function mutatedOnce(bytes: Uint8Array, random: Random): Uint8Array {
  const headerEnd = Math.min(bytes.length, 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true));
  const at = (): number => random.integer(0, random.uniform() < 0.8 ? headerEnd : bytes.length);
  switch (random.integer(0, 10)) {
    case 0: bytes[at()] ^= 1 << random.integer(0, 8); return bytes;
    case 1: bytes[at()] = random.integer(0, 256); return bytes;
    case 2: return bytes.slice(0, random.integer(0, bytes.length)); // cut off
    case 3: return pieces(bytes, new Uint8Array(random.integer(1, 20)));
    case 4: new DataView(bytes.buffer).setBigUint64(
      0, random.choice([0n, 1n, 2n ** 64n - 1n, 2n ** 32n, 100_000_000n, BigInt(bytes.length), BigInt(headerEnd - 8 + random.integer(-3, 4))]), true,
    ); return bytes;
    case 5: { // a piece of the file repeated or left out
      const [a, b] = [at(), at()].sort((x, y) => x - y);
      return pieces(bytes.subarray(0, random.uniform() < 0.5 ? a : b), bytes.subarray(random.uniform() < 0.5 ? b : a));
    }
    default: return mutatedHeader(bytes, random);
  }
}

function mutatedHeader(bytes: Uint8Array, random: Random): Uint8Array {
  try {
    const { header, data } = split(bytes);
    const json = JSON.parse(header) as Record<string, Json>;
    const strings = json.__metadata__ as Record<string, string>;
    if (random.uniform() < 0.3) return joined(JSON.stringify(mutateJson(json, random)), data);
    const key = random.choice(["flimsy.structure", "flimsy.structure", "flimsy.training", "flimsy.metadata"]);
    strings[key] = JSON.stringify(mutateJson(JSON.parse(strings[key]), random));
    return joined(JSON.stringify(json), data);
  } catch {
    return bytes; // an earlier change has made it unreadable, which is change enough
  }
}
