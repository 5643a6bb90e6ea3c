/** WebGPU in Node, by Chromium's Dawn. Peers look for it where browsers have it, in `navigator`. */

export async function provideGpu() {
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent: "", hardwareConcurrency: 1 }, configurable: true });
  return gpu;
}

/** The adapter that all get: what it calls itself, and whether it computes on the processor. */
export async function adapter() {
  const found = await (await provideGpu()).requestAdapter({ powerPreference: "high-performance" });
  if (found === null) throw new Error("no adapter was found (Debian: apt-get install libvulkan1 mesa-vulkan-drivers)");
  const { vendor, architecture, device, description, isFallbackAdapter: isFallback } = found.info;
  return { name: [vendor, architecture, device, description].filter((text) => text).join(" "), isFallback };
}
