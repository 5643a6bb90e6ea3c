/** Sections of the page that a run may have or not; a text of their own each, empty if it has not. */

import { limitsOf } from "./limits.js";
import { digits, markdown, table, time } from "./table.js";

/** Bits of each part of a form, as its cells say. */
function widthsOf(rows, id) {
  const [found] = rows.map(({ cells }) => cells[id]?.vectors).filter(Boolean);
  const roles = { ATen: "its own loops", OpenBLAS: "matrix products", oneDNN: "convolutions" };
  return Object.entries(found ?? {}).map(([part, [bits, name]]) => `${part} (${roles[part]}) ${bits === null ? name : `${bits} bits`}`).join(", ");
}

/** PyTorch without AVX-512, beside PyTorch as it is. */
export function widths({ rows, frameworks }) {
  const narrow = frameworks.filter(({ apart }) => apart);
  const found = rows.filter(({ cells }) => narrow.some(({ id }) => cells[id]));
  if (found.length === 0) return "";
  const shown = ["flimsy", "torch", "torch-256", "torch-nn", "torch-nn-256"].map((id) => frameworks.find((framework) => framework.id === id)).filter(Boolean);
  const of = (id) => widthsOf(found, id) || "not known";
  return `
### Width of vectors

A vector instruction of WebAssembly works on 128 bits, four numbers, whatever the processor has. PyTorch's parts say of themselves:

- as installed: ${of("torch")};
- "256-bit", with AVX-512 switched off (environment \`ATEN_CPU_CAPABILITY=avx2 OPENBLAS_CORETYPE=Haswell DNNL_MAX_CPU_ISA=AVX2\`): ${of("torch-256")}.

What changes between two such columns is width; what is left between 256-bit and Flimsy is a factor of two in width, and the library. The rows are
those that compute long enough for width to count.

${table({ rows: found, frameworks: shown })}
`;
}

/** What a rate is of what registers allow. */
function peakOf(rate, peak) {
  if (!peak) return "";
  const what = peak.fused ? "fused multiply-adds" : "products and sums";
  return `, which is ${Math.round((100 * rate) / peak.rate)} % of the ${digits(peak.rate)} GFLOP/s\n  of a loop of nothing but ${what} of ` +
    "128-bit vectors in registers";
}

/** How far rows are from what arithmetic and memory allow. */
export function limits({ rows, peak }) {
  const found = limitsOf(rows);
  if (found === null) return "";
  const head = ["workload", "MFLOP", "in products", "MB", "GB/s", "by arithmetic", "by memory", "measured", "measured / larger limit"];
  const mega = (n) => (n === 0 ? "0" : digits(n / 1e6));
  const body = found.rows.map(({ name, flops, products, bytes, read, arithmetic, memory, least, measured }) =>
    [name, mega(flops), mega(products), mega(bytes), digits(read), time(arithmetic), time(memory), time(measured), `${digits(measured / least)}×`]);
  return `
### Limits

How far Flimsy's rows are from the least time that they could take on one thread. \`flimsy-ml/explain\` lists the launches of a step: their arithmetic (a
product and a sum are two operations, exp and tanh some ten; "in products" is the part in matrix products, 2·m·n·k each) and the bytes that they
read and write.

- *By arithmetic*: all operations at the rate of gemm-512 in this run, ${digits(found.rate)} GFLOP/s${peakOf(found.rate, peak)}.
- *By memory*: all bytes at the rate (GB/s) at which a WebAssembly loop that does nothing else reads an array as large as the row's data and parameters
  again and again, hence from the cache that holds it.

In such a limit no launch waits for another, nothing is started or looked up, and writing costs no more than reading.

${markdown(head, body)}
`;
}

/** The examples as commands. */
export function examples({ examples: found }) {
  if (!found) return "";
  const forms = found.forms.filter(({ id }) => found.rows.some(({ cells }) => cells[id]));
  const cell = (own, id, value) => {
    if (value === undefined) return "";
    if (value.failure) return "failed";
    const ratio = id !== "flimsy" && own?.median ? ` (${digits(value.median / own.median)}×)` : "";
    return `${digits(value.median)} s${ratio}`;
  };
  const reached = ({ figure, cells }) => {
    const figures = new Set(forms.map(({ id }) => cells[id]?.figure).filter(Boolean));
    return figures.size === 0 ? "" : `${[...figures].join("; ")} (${figure})`;
  };
  const often = found.repetitions === 1 ? "One repetition." : `Medians of ${found.repetitions} repetitions, in turns.`;
  const body = found.rows.map((row) => [row.name, ...forms.map(({ id }) => cell(row.cells.flimsy, id, row.cells[id])), reached(row)]);
  return `
## Examples, whole

The wall time of examples of this repository as commands, from the start of the process to its end: reading data, training, testing. ${often}
PyTorch does the same in programs of its own (\`bench/peers/torch/example_*.py\`) from the same files, with its own initial values and order of samples. On
the right is what was reached, by Flimsy first.

${markdown(["example", ...forms.map(({ title }) => title), "reached"], body)}

${found.rows.map(({ name, title, options }) =>
  `- **${name}**: ${title}${options.length === 0 ? "" : ` (\`${[name, ...options.map((option) => option || '""')].join(" ")}\`)`}`).join("\n")}
`;
}

/** What planning costs when it is for one step only. */
export function never({ never: found }) {
  if (!found) return "";
  const micro = (time) => time.toFixed(time < 0.1 ? 3 : 2);
  const body = found.map(({ name, operations: { forward, all }, never, repeats }) => [
    name, forward.toLocaleString("en-US"), all.toLocaleString("en-US"), micro(never.beside.median / all), micro(never.beside.median / forward),
    micro(never.kernels.median / all), micro(repeats.beside.median / all), micro(repeats.kernels.median / all),
  ]);
  return `
## Structures that never repeat

A step whose structure comes again takes over a plan. One that never does is recorded, differentiated, planned and placed each time, and its elementwise
operations are not fused. Forward and backward on one thread, all structures drawn at random. *Operations* are those that the program calls, and with
those of the backward pass; microseconds are for each of the latter, "with gradient" for each of the former. *Beside* is the time of a step without the time
inside WebAssembly, where the *kernels* run; collecting garbage is in it. On the right a step of the same size whose structure repeats. To repeat it alone:
\`node bench/never-repeats.js\`.

${markdown(["", "operations", "with backward", "never repeats: beside", "with gradient", "kernels", "repeats: beside", "kernels"], body)}
`;
}
