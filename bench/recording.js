// @ts-check
/** What there is before anything is computed: recording an operation, and entering WebAssembly. */

import { add, evaluate, input, mul, tanh } from "flimsy-ml";
import { alternate, assert, print, row, scaled } from "./report.js";

const COUNT = 1000;
const x = input(new Float32Array(8).fill(0.5));

function program() {
  let h = x;
  for (let i = 0; i < COUNT; i++) h = i % 3 === 0 ? add(h, x) : i % 3 === 1 ? mul(h, x) : tanh(h);
  return h;
}

/** (x: i32) => x, so that the call is all there is. */
const identity = /** @type {(x: number) => number} */ (new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f,
  3, 2, 1, 0,
  7, 5, 1, 1, 0x66, 0, 0,
  10, 6, 1, 4, 0, 0x20, 0, 0x0b,
]))).exports.f);

let sink = 0;
const times = alternate({
  // Nothing is returned, so nothing of it is needed, and nothing is run.
  record: () => { evaluate(() => { program(); }); },
  forward: () => { sink += evaluate(program).data[0]; },
  enter: () => { for (let i = 0; i < 100_000; i++) sink += identity(i); },
}, { rounds: 101 });
assert(Number.isFinite(sink), "the results are not finite");
print([
  row("recording one operation", scaled(times.record, 1e6 / COUNT), "ns"),
  row("recording and running one operation, forward only, repeats", scaled(times.forward, 1e6 / COUNT), "ns"),
  row("a call from JavaScript to WebAssembly", scaled(times.enter, 1e6 / 100_000), "ns"),
]);
