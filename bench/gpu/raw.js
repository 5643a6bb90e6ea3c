/** WebGPU without the library: what the platform costs, and what the chip can do at most. Prints rows of tables. */

import { provideGpu } from "../peers/gpu.js";
import { digits } from "../peers/table.js";
import { finish, heading, least, micro, put, sizes } from "./section.js";

const gpu = await provideGpu();
const { COPY_DST, COPY_SRC, MAP_READ, STORAGE, UNIFORM } = globalThis.GPUBufferUsage;
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
const names = ["maxStorageBufferBindingSize", "maxBufferSize"];
const device = await adapter.requestDevice({ requiredLimits: Object.fromEntries(names.map((name) => [name, adapter.limits[name]])) });
device.addEventListener("uncapturederror", ({ error }) => { throw new Error(error.message); });
const { queue } = device;

const buffer = (size, usage) => device.createBuffer({ size, usage });
const make = (code) => device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }), entryPoint: "main" } });
const bind = (pipeline, ...buffers) => device.createBindGroup({
  layout: pipeline.getBindGroupLayout(0), entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
});

/** Sends what `encode` puts into a command buffer, and waits. */
async function done(encode) {
  const encoder = device.createCommandEncoder();
  encode(encoder);
  queue.submit([encoder.finish()]);
  await queue.onSubmittedWorkDone();
}
/** The least milliseconds of one of `turns` that `encode` puts into a command buffer: as many as it takes for a sample to last. */
async function perTurn(encode, most) {
  let turns = 1;
  const sample = () => least(3, () => done((encoder) => encode(encoder, turns)));
  let time = await sample();
  while (time < sizes.sample && turns < most) {
    turns = Math.min(most, Math.ceil(turns * Math.min(16, (1.5 * sizes.sample) / time)));
    time = await sample();
  }
  return time / turns;
}

heading("What the chip does at most", "A loop of fused multiply-adds in registers, and copies of a large buffer, read and written.", ["", "rate"]);
{
  const registers = Array.from({ length: 8 }, (_, k) => `r${k}`);
  const pipeline = await make(`
@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<uniform> given: vec4f;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) {
  ${registers.map((r, k) => `var ${r} = given + f32(id.x + ${k}u);`).join(" ")}
  for (var turn = 0u; turn < 64u; turn++) { ${registers.map((r) => `${r} = fma(${r}, given.xxxx, given.yyyy);`).join(" ")} }
  result[id.x] = dot(${registers.join(" + ")}, vec4f(1.0));
}`);
  const given = buffer(16, UNIFORM | COPY_DST);
  queue.writeBuffer(given, 0, Float32Array.of(0.999, 0.001, 0, 0));
  const group = bind(pipeline, buffer(4 * 256 * sizes.groups, STORAGE), given);
  const time = await perTurn((encoder, turns) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let k = 0; k < turns; k++) pass.dispatchWorkgroups(sizes.groups);
    pass.end();
  }, 1024);
  const flops = sizes.groups * 256 * 64 * 8 * 4 * 2;
  put("multiply-adds in float32", `${digits(flops / time / 1e6)} GFLOP/s`);
}
{
  const bytes = Math.min(sizes.bytes, adapter.limits.maxStorageBufferBindingSize, adapter.limits.maxBufferSize);
  const [from, to] = [buffer(bytes, STORAGE | COPY_SRC), buffer(bytes, STORAGE | COPY_DST)];
  const rate = (time) => `${digits((2 * bytes) / time / 1e6)} GB/s`;
  put(`copyBufferToBuffer, ${bytes / 2 ** 20} MiB`, rate(await perTurn((encoder, turns) => {
    for (let k = 0; k < turns; k++) encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
  }, 1024)));
  const pipeline = await make(`
@group(0) @binding(0) var<storage, read_write> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4f>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&source); i += groups.x * 256u) { copy[i] = source[i]; }
}`);
  const group = bind(pipeline, from, to);
  put("a kernel that copies", rate(await perTurn((encoder, turns) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let k = 0; k < turns; k++) pass.dispatchWorkgroups(Math.min(16384, bytes / 4096));
    pass.end();
  }, 1024)));
  from.destroy();
  to.destroy();
}

heading("What WebGPU costs",
  "Dispatches of 64 threads that wait for each other, as the library sends them: pipelines that change, one bind group, another offset each time.", ["", "µs"]);
{
  const layout = device.createBindGroupLayout({ entries: [
    { binding: 0, visibility: 4, buffer: { type: "storage" } },
    { binding: 1, visibility: 4, buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: 256 } },
  ] });
  const pipelines = await Promise.all([1, 2].map((k) => device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { entryPoint: "main", module: device.createShaderModule({ code: `
@group(0) @binding(0) var<storage, read_write> heap: array<f32>;
@group(0) @binding(1) var<uniform> launch: array<vec4u, 16>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { heap[id.x] += ${k}.0 + f32(launch[0].x); }` }) },
  })));
  const group = device.createBindGroup({ layout, entries: [
    { binding: 0, resource: { buffer: buffer(256, STORAGE) } }, { binding: 1, resource: { buffer: buffer(2 ** 16, UNIFORM), size: 256 } },
  ] });
  const encode = (count) => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let k = 0; k < count; k++) {
      pass.setPipeline(pipelines[k % 2]);
      pass.setBindGroup(0, group, [256 * (k % 255)]);
      pass.dispatchWorkgroups(1);
    }
    pass.end();
    return encoder;
  };
  const count = sizes.dispatches;
  /** The parts of the round that took the least in all. */
  let best = null;
  for (let round = 0; round < 7; round++) {
    const begun = performance.now();
    const encoder = encode(count);
    const encoded = performance.now();
    const commands = encoder.finish();
    const finished = performance.now();
    queue.submit([commands]);
    const submitted = performance.now();
    await queue.onSubmittedWorkDone();
    const all = performance.now() - begun;
    if (best !== null && best.all <= all) continue;
    best = { all, encode: encoded - begun, finish: finished - encoded, submit: submitted - finished, rest: begun + all - submitted };
  }
  const each = (time) => micro(time / count);
  put("to encode a dispatch", each(best.encode));
  put("its part of finish()", each(best.finish));
  put("its part of submit()", each(best.submit));
  put("to execute it", each(best.rest));
  put("an empty command buffer, until it is known to be done", micro(await least(7, () => done((encoder) => encoder.beginComputePass().end()))));
  for (const bytes of sizes.reads) {
    const from = buffer(Math.max(bytes, 16), STORAGE | COPY_SRC);
    const to = buffer(Math.max(bytes, 16), MAP_READ | COPY_DST);
    const time = await least(7, async () => {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
      queue.submit([encoder.finish()]);
      await to.mapAsync(1);
      new Uint8Array(to.getMappedRange()).slice();
      to.unmap();
    });
    put(`to read ${bytes} bytes`, micro(time));
    from.destroy();
    to.destroy();
  }
}
await finish();
