/** Who takes part, in which form, and how its worker is started. Each form is the fastest idiomatic one that its remark allows. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

/** The first Python that has PyTorch. Debian's belongs to its own python3, which need not be the first on the path. */
const python = [process.env.PYTHON, "python3", "/usr/bin/python3"].find((name) => name && spawnSync(name, ["-c", "import torch"]).status === 0);
const installed = (name) => ["", "../../"].some((from) => existsSync(here(`${from}node_modules/${name}/package.json`)));

const recurrent = ["xor-srnn", "xor-gru", "xor-lstm", "lstm"];
const large = ["lstm-b32-256", "mlp-mnist", "convnet", "transformer", "table-sgd", "table-adam", "gemm-1024"];
/** Where time depends on how wide vectors are. */
const wide = ["lstm-b1-256", "lstm-b32-256", "mlp-mnist", "convnet", "transformer", "elementwise-1m", "gemm"];

const torch = { family: "torch", present: python !== undefined, install: "apt install python3-torch libopenblas0 (or set PYTHON to a Python that has torch)" };
/** Without AVX-512, where there may be some. */
const narrowTorch = { ...torch, bits: 256, apart: true, present: torch.present && process.arch === "x64" };
const tfjs = {
  family: "tfjs", present: installed("@tensorflow/tfjs") && installed("@tensorflow/tfjs-backend-wasm"), install: "npm install --prefix bench/peers",
};
const jax = { family: "jax", present: installed("@jax-js/jax"), install: "npm install --prefix bench/peers" };
const flimsy = { family: "flimsy", present: true, install: "" };

/**
 * `only`: rows or programs that have this form; the others have none, or it is the same.
 * `grows`: whether it is in the plots of growth.
 * `bits`: how wide its vectors may be, if not all that the processor has; `apart`: it is in the table of vector widths, not in the others.
 */
export const frameworks = [
  { ...flimsy, id: "flimsy", title: "Flimsy", variant: "plain", threads: 1, grows: true, remark: "the plain loop that the README teaches" },
  { ...flimsy, id: "flimsy-2", title: "Flimsy, 2 threads", variant: "plain", threads: 2, only: large, remark: "as Flimsy, on two threads" },
  { ...torch, id: "torch", title: "PyTorch", variant: "plain", threads: 1, grows: true, remark: "the same plain loop" },
  {
    ...torch, id: "torch-stacked", title: "PyTorch, stacked", variant: "stacked", threads: 1, only: [...recurrent, "treelstm"],
    remark: "a loop with all gates as one product, and the input projections of all steps as one",
  },
  {
    ...torch, id: "torch-nn", title: "PyTorch, torch.nn", variant: "fused", threads: 1, only: recurrent, grows: true,
    remark: "torch.nn.RNN, GRU, LSTM: one call for the sequence",
  },
  { ...torch, id: "torch-2", title: "PyTorch, 2 threads", variant: "plain", threads: 2, only: large, remark: "as PyTorch, on two threads" },
  {
    ...torch, id: "torch-nn-2", title: "PyTorch, torch.nn, 2 threads", variant: "fused", threads: 2, only: ["lstm-b32-256"],
    remark: "as torch.nn, on two threads",
  },
  { ...narrowTorch, id: "torch-256", title: "PyTorch, 256-bit", variant: "plain", threads: 1, only: wide, remark: "as PyTorch, without AVX-512" },
  {
    ...narrowTorch, id: "torch-nn-256", title: "PyTorch, torch.nn, 256-bit", variant: "fused", threads: 1, only: ["lstm"],
    remark: "as torch.nn, without AVX-512",
  },
  { ...tfjs, id: "tfjs-cpu", title: "TF.js cpu", variant: "cpu", threads: 1, remark: "JavaScript backend; gates as one product" },
  {
    ...tfjs, id: "tfjs-wasm", title: "TF.js wasm", variant: "wasm", threads: 1, grows: true,
    remark: "WebAssembly backend, which has one thread in Node; gates as one product",
  },
  {
    ...tfjs, id: "tfjs-wasm-tuned", title: "TF.js wasm, tuned", variant: "wasm-tuned", threads: 1, only: ["lstm-b32-256", "mlp-mnist", "transformer"],
    remark: "its transposed products replaced by explicit transposes in a custom gradient",
  },
  { ...jax, id: "jax-eager", title: "jax-js eager", variant: "eager", threads: 1, remark: "gates as one product; Node has no global Worker, so one thread" },
  {
    ...jax, id: "jax-jit", title: "jax-js jit", variant: "jit", threads: 1, grows: true,
    remark: "the whole step under jit; the first call, which compiles, is given apart",
  },
];

const byWebGpu = ({ present }) => ({ present: present && installed("webgpu"), install: "npm install --prefix bench/peers", variant: "webgpu", threads: 1 });
const hasCuda = () => torch.present && spawnSync(python, ["-c", "import torch; assert torch.cuda.is_available()"]).status === 0;

/** Who takes part on a GPU, in a table of their own: those of JavaScript by WebGPU, in Node, where the package webgpu has Chromium's. */
export const gpuFrameworks = () => [
  { ...flimsy, id: "flimsy-webgpu", title: "Flimsy, webgpu", ...byWebGpu(flimsy) },
  { ...jax, id: "jax-webgpu", title: "jax-js, webgpu", ...byWebGpu(jax) },
  { ...tfjs, id: "tfjs-webgpu", title: "TF.js, webgpu", ...byWebGpu({ present: tfjs.present && installed("@tensorflow/tfjs-backend-webgpu") }) },
  { ...torch, id: "torch-cuda", title: "PyTorch, CUDA", variant: "fused-cuda", threads: 1, present: hasCuda(), install: "it needs a PyTorch with CUDA" },
  { ...flimsy, id: "flimsy", title: "Flimsy, wasm", variant: "plain", threads: 1 },
];

/** Has the row this form? */
export const takesPart = ({ family, only }, { name, program, families = [family] }) =>
  families.includes(family) && (only === undefined || only.includes(name) || only.includes(program));

/** Each of PyTorch's parts has a switch of its own: its loops, its BLAS, its convolutions. */
const narrow = { ATEN_CPU_CAPABILITY: "avx2", OPENBLAS_CORETYPE: "Haswell", DNNL_MAX_CPU_ISA: "AVX2" };

/** How a Python program with PyTorch is started. */
export function pythonCommand(script, args, threads, bits) {
  // Threads that spin while they wait make two of them several times slower here.
  const settings = { OMP_NUM_THREADS: `${threads}`, OPENBLAS_NUM_THREADS: `${threads}`, OMP_WAIT_POLICY: "PASSIVE", PYTHONDONTWRITEBYTECODE: "1" };
  return { command: python, args: [here(`torch/${script}`), ...args], env: { ...process.env, ...settings, ...(bits === 256 ? narrow : {}) } };
}

/** The command of a worker. */
export function commandOf({ family, variant, threads, bits }, file, program) {
  if (family === "torch") return pythonCommand("worker.py", [file, program, variant, `${threads}`], threads, bits);
  // jax-js walks chains of operations by recursion.
  const options = family === "jax" ? ["--stack-size=6000"] : [];
  return { command: process.execPath, args: [...options, here("worker.js"), file, family, program, variant, `${threads}`], env: process.env };
}
