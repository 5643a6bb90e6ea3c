/** What all kernels in WGSL have in common: the heap, the record of a launch, the number of the thread. */

import { functionsFor } from "./functions.ts";

/**
 * A launch is a record of words: how far apart chains are, in sixteen bytes; the number of the launch, where the *foot* of the run is, how many threads
 * have work; how far the next record of the chain is, or 0; where there is room for the kernel's own use, and in how many parts something is done; then
 * the first element of each operand, and the parameters. All places are elements of the heap.
 * A dispatch may carry out several chains of launches, whose records follow each other: the third axis of its grid counts the chains, and each thread
 * does its part of one launch after another of its chain.
 */
export const record = { step: 0, launch: 1, foot: 2, threads: 3, link: 4, scratch: 5, parts: 6, operands: 7 } as const;

/** What follows a run's arena: the halves of the run's number, then room for the kernels' own use. */
export const foot = { number: 0, scratch: 4 } as const;

/**
 * The heap begins with what has gone wrong, all as numbers: the reason, the launch, the value, the limit, the halves of the run's number. While there is a
 * reason, nothing is written.
 */
export const fault = { reason: 0, launch: 1, value: 2, limit: 3, number: 4, size: 16 } as const;
/** In what order reasons are numbered, from 1. */
export const reasons = ["index", "nan", "thrown"] as const;

/** Threads of a workgroup. */
export const GROUP = 64;
/** Words that the records of a dispatch may have. */
export const WINDOW = 4096;

/** A word of the record, in the main function. */
export const at = (k: number): string => `words${k >> 2}.${"xyzw"[k & 3]}`;

/** Names for words of the record, from one on. */
export const named = (names: readonly string[], from: number): string => names.map((name, k) => `let ${name} = ${at(from + k)};`).join("\n");

/**
 * The parameters of the kinds whose launches all have the same, in the order of their layouts. They are texts, as WGSL is: the build gives properties other
 * names.
 */
export const parameterNames = {
  columns: "outer n inner", gather: "outer count inner size", scatterAdd: "outer count inner size",
  product: "m n k rowA columnA rowB columnB mode count0 batchA0 batchB0 count1 batchA1 batchB1", random: "n",
} as const;

/** Names for the operands and the parameters of such a kind. */
export const operandsAndParameters = (operands: readonly string[], kind: keyof typeof parameterNames): string =>
  named([...operands, ...parameterNames[kind].split(" ")], record.operands);

/** Where the thread is along axes, from the innermost on, whose sizes are words of the record. */
export const positions = (sizes: readonly number[]): string => sizes.map((size, axis) => {
  const rest = axis === 0 ? "i" : `rest${axis - 1}`;
  return axis === sizes.length - 1 ? `let position${axis} = ${rest};` : `let position${axis} = ${rest} % ${at(size)};
let rest${axis} = ${rest} / ${at(size)};`;
}).join("\n");

/** Where the thread has nothing to do, or nothing may be written any more. */
const guard = `if (i >= ${at(record.threads)} || hasFailed()) { return; }
`;
/** The body of a loop over the launches of a chain. */
const linked = (body: string, variables = ""): string => whole(`${body}
if (${at(record.link)} == 0u) { break; }
first += ${at(record.link)};`, { variables, loop: "loop" });

/** A module whose main function has these statements, in which `i` is the number of the thread. */
export const shader = (body: string): string => whole(guard + body);

/** The same, for kernels whose launches may be chains. */
export const chained = (body: string): string => linked(guard + body);

/** A module in which the threads of workgroup number `team` use variables together; where something has failed it is for the statements not to write. */
export const sharing = (body: string, variables: string): string => linked(`if (team * ${GROUP}u >= ${at(record.threads)}) { return; }
${body}`, variables);

/**
 * A module that looks for what is wrong with some of `count` numbers, by one workgroup: the first one for which `wrong` holds is the fault.
 * @param begin statements that give `count` and what `wrong` uses, an expression of the position `j`; and `value`, another one
 */
export function finder(begin: string, wrong: string, value: string, limit: string, reason: (typeof reasons)[number]): string {
  return whole(`${begin}
  for (var j = local; j < count; j += ${GROUP}u) {
    if (${wrong}) {
      atomicMax(&fromEnd, count - j);
      break;
    }
  }
  workgroupBarrier();
  if (local == 0u && heap[${fault.reason}] == 0.0 && atomicLoad(&fromEnd) > 0u) {
    let j = count - atomicLoad(&fromEnd);
    heap[${fault.launch}] = f32(${at(record.launch)});
    heap[${fault.value}] = ${value};
    heap[${fault.limit}] = ${limit};
    heap[${fault.number}] = heap[${at(record.foot)} + ${foot.number}u];
    heap[${fault.number + 1}] = heap[${at(record.foot)} + ${foot.number + 1}u];
    heap[${fault.reason}] = ${reasons.indexOf(reason) + 1}.0;
  }`, { variables: "var<workgroup> fromEnd: atomic<u32>;" });
}

/** A module for launches that are alone in a dispatch: their record is where the compiler knows. Some adapters take longer to find a word than to use it. */
export const alone = (code: string): string => code.replaceAll("launch[first + ", "launch[");

/**
 * @param body statements that use the heap by numbers, `heap`, or four at a time, `vectors`
 * @param loop what they are the body of
 */
function whole(body: string, { variables = "", loop = "" } = {}): string {
  const [heap, type, first] = /\bvectors\[/.test(body) ? ["vectors", "vec4f", "[0].x"] : ["heap", "f32", "[0]"];
  const used = new Set([...body.matchAll(/\bwords(\d+)\b/g)].map(([, k]) => k));
  return `@group(0) @binding(0) var<storage, read_write> ${heap}: array<${type}>;
@group(0) @binding(1) var<uniform> launch: array<vec4u, ${WINDOW / 4}>;
/** A zero that no compiler knows. */
var<private> zero: u32;
/** Where the record of the launch is. */
var<private> mine: u32;
${variables}
fn hasFailed() -> bool { return ${heap}${first} != 0.0; }
fn word(k: u32) -> u32 { return launch[mine + (k >> 2u)][k & 3u]; }
${functionsFor(body)}
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  zero = launch[0].x >> 31u;
  var first = group.z * launch[0].x;
  ${loop} {
  mine = first;
  let team = group.y * groups.x + group.x;
  let i = team * ${GROUP}u + local;
  ${[...used].map((k) => `let words${k} = launch[first + ${k}u];`).join("\n  ")}
  ${body}
  }
}
`;
}
