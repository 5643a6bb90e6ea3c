/**
 * A GPU for tests: what the npm package `webgpu` finds, if it is installed. Unless `VK_DRIVER_FILES` names a driver, that is
 * SwiftShader, which comes with Chromium.
 */

import { existsSync } from "node:fs";

export interface Gpu {
  readonly device: GPUDevice;
  /** What the adapter calls itself. */
  readonly name: string;
}

/** Node's types have none of WebGPU's constants. */
declare const GPUBufferUsage: Record<"STORAGE" | "UNIFORM" | "COPY_SRC" | "COPY_DST" | "MAP_READ", number>;
declare const GPUMapMode: Record<"READ", number>;

const name: string = "webgpu";
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";

async function find(): Promise<Gpu | string> {
  if (!process.env.VK_DRIVER_FILES && !process.env.VK_ICD_FILENAMES && existsSync(swiftShader)) process.env.VK_DRIVER_FILES = swiftShader;
  let webgpu: { create(options: string[]): GPU; globals: object };
  try {
    webgpu = await import(name); // not a dependency: nothing resolves it before
  } catch {
    return "the package webgpu is not installed (npm install --no-save webgpu)";
  }
  const gpu = webgpu.create([]);
  Object.assign(globalThis, webgpu.globals, { gpu }); // what `create` gives must not be collected
  const adapter = await gpu.requestAdapter();
  if (adapter === null) return "no adapter was found (Debian: apt-get install libvulkan1 chromium)";
  const device = await adapter.requestDevice();
  device.addEventListener("uncapturederror", ({ error }) => { throw error; });
  return { device, name: `${adapter.info.vendor} ${adapter.info.description}` };
}

const found = await find();
if (typeof found === "string") console.warn(`Skipped on a GPU: ${found}.`);

/** Null where there is none, which has been said then. */
export const gpu: Gpu | null = typeof found === "string" ? null : found;

/**
 * Runs WGSL for each element: the statements and the expression of element i, of inputs `a`, `b`, …, by a module that has the functions they call.
 * @returns the results, one array for each expression
 */
export async function runEach(
  { device }: Gpu, functions: (text: string) => string, text: string, results: readonly string[], inputs: readonly Float32Array<ArrayBuffer>[],
): Promise<Float32Array[]> {
  const { length } = inputs[0];
  const body = `${text}\n${results.map((result, k) => `result[i + ${k}u * launch.y] = ${result};`).join("\n")}`;
  const code = `var<private> zero: u32;
${functions(body)}
@group(0) @binding(0) var<uniform> launch: vec4u;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
${inputs.map((_, k) => `@group(0) @binding(${k + 2}) var<storage, read> ${String.fromCharCode(97 + k)}: array<f32>;`).join("\n")}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  zero = launch.x;
  ${inputs.map((_, k) => `_ = &${String.fromCharCode(97 + k)};`).join(" ")} // bound, whether or not it is used
  let i = id.x;
  if (i >= launch.y) { return; }
${body}
}`;
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module: device.createShaderModule({ code }), entryPoint: "main" } });
  const made: GPUBuffer[] = [];
  const make = (size: number, usage: number): GPUBuffer => {
    const buffer = device.createBuffer({ size, usage });
    made.push(buffer);
    return buffer;
  };
  const given = (data: ArrayBufferView<ArrayBuffer>, usage: number): GPUBuffer => {
    const buffer = make(data.byteLength, usage | GPUBufferUsage.COPY_DST);
    device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  };
  const size = 4 * length * results.length;
  const computed = make(size, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC);
  const read = make(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  const bound = [given(Uint32Array.of(0, length, 0, 0), GPUBufferUsage.UNIFORM), computed, ...inputs.map((x) => given(x, GPUBufferUsage.STORAGE))];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0), entries: bound.map((buffer, binding) => ({ binding, resource: { buffer } })),
  }));
  pass.dispatchWorkgroups(Math.ceil(length / 64));
  pass.end();
  encoder.copyBufferToBuffer(computed, 0, read, 0, size);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const all = new Float32Array(read.getMappedRange().slice(0));
  for (const buffer of made) buffer.destroy();
  return results.map((_, k) => all.subarray(k * length, (k + 1) * length));
}
