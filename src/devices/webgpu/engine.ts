/**
 * What talks to the GPU: it does what it is asked for in order, and knows neither kernels nor arrays. The heap, the records of launches and the places
 * in them are the device's; here are two buffers and one bind group.
 */

/** What the device asks for. Bytes and places in them are of the heap unless it says otherwise. */
export type Ask =
  /** Makes the heap or the records larger, with what is in them. The answer says whether there was memory for it. */
  | { readonly kind: "grow"; readonly of: "floats" | "records"; readonly bytes: number; readonly answer: Answer }
  /** Compiles a module, whose number follows that of the one before. */
  | { readonly kind: "compile"; readonly code: string }
  /** Forgets all modules. */
  | { readonly kind: "forgetAll" }
  /** Keeps dispatches under a number: five words each, the module, where the record is, and three sizes of the grid. */
  | { readonly kind: "keep"; readonly id: number; readonly dispatches: Int32Array<ArrayBuffer> }
  | { readonly kind: "discard"; readonly id: number }
  | { readonly kind: "write"; readonly of: "floats" | "records"; readonly at: number; readonly data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> }
  | { readonly kind: "clear"; readonly at: number; readonly bytes: number }
  /** Dispatches that are kept, from one to another. */
  | { readonly kind: "run"; readonly id: number; readonly from: number; readonly to: number }
  /** The same, each measured for itself: the answer has the milliseconds that each took. The GPU has to have a clock. */
  | { readonly kind: "time"; readonly id: number; readonly from: number; readonly to: number; readonly answer: Answer }
  /** Single dispatches. */
  | { readonly kind: "dispatch"; readonly dispatches: Int32Array<ArrayBuffer> }
  /** Sends what has been asked for to the GPU. Up to this run it is all. */
  | { readonly kind: "submit"; readonly run: number }
  /** Ranges of bytes, pairs of where they begin and how many they are, one after another. */
  | { readonly kind: "read"; readonly ranges: readonly number[]; readonly answer: Answer }
  | { readonly kind: "end" };

/**
 * Where an answer is put, in memory that the caller sees: the state in the first word, from `ANSWER_FAULT` on what the heap begins with, and from
 * `ANSWER_DATA` on what has been read. Of an array that is not shared a copy would arrive, so it is not sent: `id` stands for it.
 */
export interface Answer {
  readonly id: number;
  readonly bytes: ArrayBufferLike;
}

/** The states of an answer. */
export const answered = { waiting: 0, done: 1, refused: 2, lost: 3 } as const;

/**
 * Words that both sides see: up to which run all has been done, and without a fault; whether the GPU is lost, and why: how many letters, and these; up to
 * which module all have been compiled.
 */
export const life = { done: 0, fine: 1, lost: 2, letters: 3, compiled: 4, text: 5, size: 512 } as const;

/** What the engine tells by itself. */
export type Told = { readonly kind: "answer"; readonly id: number } | { readonly kind: "lost" };

export interface Engine {
  ask(asked: readonly Ask[]): void;
  /** Lets the GPU go. Nothing is waited for any more when the promise resolves. */
  end(): Promise<void>;
}

/** Bytes of an answer before what has been read: a state, and what the heap begins with. */
export const ANSWER_FAULT = 64;
export const ANSWER_DATA = 128;

/**
 * An engine on a GPU. Its text is also the program of a worker: so it uses nothing from outside, and its numbers are those of the constants above.
 * @param sees words that both sides see, as `life` says
 */
export function engine(gpu: GPUDevice, sees: Int32Array, tell: (told: Told) => void): Engine {
  const MAP_READ = 1;
  const COPY_SRC = 4;
  const COPY_DST = 8;
  const UNIFORM = 64;
  const STORAGE = 128;
  const QUERY_RESOLVE = 512;
  const COMPUTE = 4;
  const WINDOW = 16384;
  const FAULT_BYTES = 64;
  /** So many runs pass before it is asked again whether all is well. */
  const PATIENCE = 16;
  /** So many dispatches are sent together: drivers have died of tens of thousands. */
  const MANY = 4096;
  /** So many dispatches are measured by one set of times, of which each takes two. */
  const TIMED = 2048;

  const usage = { floats: STORAGE | COPY_SRC | COPY_DST, records: UNIFORM | COPY_SRC | COPY_DST };
  const make = (size: number, usage: number): GPUBuffer => gpu.createBuffer({ size, usage });
  const buffers = { floats: make(FAULT_BYTES, usage.floats), records: make(WINDOW, usage.records) };
  const layout = gpu.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: COMPUTE, buffer: { type: "storage" } },
      { binding: 1, visibility: COMPUTE, buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: WINDOW } },
    ],
  });
  const pipelineLayout = gpu.createPipelineLayout({ bindGroupLayouts: [layout] });
  let group: GPUBindGroup | null = null;
  let pipelines: (GPUComputePipeline | Promise<GPUComputePipeline>)[] = [];
  const kept = new Map<number, Int32Array>();
  let encoder: GPUCommandEncoder | null = null;
  let pass: GPUComputePassEncoder | null = null;
  /** How many dispatches there are in it. */
  let encoded = 0;
  /** Buffers to read from that are not in use, by size. */
  const idle = new Map<number, GPUBuffer[]>();
  const open = new Set<Answer>();
  /** What the GPU has been asked for, and has not answered yet. */
  const pending = new Set<Promise<unknown>>();
  const asking = <T>(promise: Promise<T>): Promise<T> => {
    pending.add(promise);
    const settled = (): unknown => pending.delete(promise);
    promise.then(settled, settled);
    return promise;
  };
  let isPolling = false;
  let polled = 0;

  const settle = (answer: Answer, state: number): void => {
    open.delete(answer);
    const words = new Int32Array(answer.bytes);
    Atomics.store(words, 0, state);
    Atomics.notify(words, 0); // wakes nobody where the memory is not shared
    tell({ kind: "answer", id: answer.id });
  };
  let end = (): void => {};
  /** What is waited for may never come after the end. */
  const ended = new Promise<void>((resolve) => { end = resolve; });
  const lose = (why: string): void => {
    if (Atomics.load(sees, 2) === 1) return;
    end();
    const letters = Math.min(why.length, sees.length - 5);
    for (let k = 0; k < letters; k++) sees[5 + k] = why.charCodeAt(k);
    sees[3] = letters;
    Atomics.store(sees, 2, 1);
    tell({ kind: "lost" });
    for (const answer of [...open]) settle(answer, 3);
    Atomics.notify(sees, 0);
  };
  void gpu.lost.then(({ message, reason }) => lose(message || reason));
  gpu.addEventListener("uncapturederror", ({ error }) => {
    lose(error.message);
    gpu.destroy();
  });

  const commands = (): GPUCommandEncoder => {
    encoder ??= gpu.createCommandEncoder();
    return encoder;
  };
  const endPass = (): void => {
    pass?.end();
    pass = null;
  };
  const submit = (): void => {
    if (encoder === null) return;
    endPass();
    gpu.queue.submit([encoder.finish()]);
    encoder = null;
    encoded = 0;
  };
  /** @param sets where times are kept, in pairs, if they are wanted: then every dispatch is a pass of its own */
  const dispatch = (list: Int32Array, from: number, to: number, sets: readonly GPUQuerySet[] | null = null): void => {
    group ??= gpu.createBindGroup({
      layout,
      entries: [
        { binding: 0, resource: { buffer: buffers.floats } },
        { binding: 1, resource: { buffer: buffers.records, size: WINDOW } },
      ],
    });
    if (Atomics.load(sees, 2) === 1) return;
    const offset = [0];
    for (let k = 5 * from; k < 5 * to; k += 5) {
      if (encoded++ === MANY) submit();
      if (sets !== null) {
        endPass();
        const timed = k / 5 - from;
        const at = 2 * (timed % TIMED);
        const querySet = sets[Math.floor(timed / TIMED)];
        pass = commands().beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } });
      }
      pass ??= commands().beginComputePass();
      pass.setPipeline(pipelines[list[k]] as GPUComputePipeline);
      offset[0] = list[k + 1];
      pass.setBindGroup(0, group, offset);
      pass.dispatchWorkgroups(list[k + 2], list[k + 3], list[k + 4]);
    }
  };
  /** Dispatches, when the modules are there. */
  const launch = (list: Int32Array, from: number, to: number, sets: readonly GPUQuerySet[] | null = null): Promise<void> | void => {
    const missing: Promise<unknown>[] = [];
    for (let k = 5 * from; k < 5 * to; k += 5) {
      const found = pipelines[list[k]];
      if (found instanceof Promise) missing.push(found);
    }
    return missing.length > 0 ? Promise.race([Promise.all(missing), ended]).then(() => dispatch(list, from, to, sets)) : dispatch(list, from, to, sets);
  };
  /** Copies ranges of the heap, or of another buffer, to where they can be read, and calls back with them. */
  const read = (ranges: readonly number[], done: (bytes: ArrayBuffer) => void, failed: (error: Error) => void, source = buffers.floats): void => {
    let size = 0;
    for (let k = 1; k < ranges.length; k += 2) size += ranges[k];
    let room = 4096;
    while (room < size) room *= 2;
    const target = idle.get(room)?.pop() ?? make(room, MAP_READ | COPY_DST);
    endPass();
    let at = 0;
    for (let k = 0; k < ranges.length; k += 2) {
      if (ranges[k + 1] > 0) commands().copyBufferToBuffer(source, ranges[k], target, at, ranges[k + 1]);
      at += ranges[k + 1];
    }
    submit();
    asking(target.mapAsync(MAP_READ, 0, size)).then(() => {
      done(target.getMappedRange(0, size));
      target.unmap();
      const others = idle.get(room);
      if (others === undefined) idle.set(room, [target]);
      else if (others.length < 4) others.push(target);
      else target.destroy();
    }).catch(failed);
  };
  const countCompiled = (): void => {
    let count = sees[4];
    while (count < pipelines.length && !(pipelines[count] instanceof Promise)) count++;
    Atomics.store(sees, 4, count);
  };
  /** Asks whether all is well up to a run. */
  const poll = (run: number): void => {
    isPolling = true;
    polled = run;
    read([0, FAULT_BYTES], (bytes) => {
      isPolling = false;
      if (new Float32Array(bytes)[0] === 0) Atomics.store(sees, 1, run);
      Atomics.store(sees, 0, run);
      Atomics.notify(sees, 0);
    }, () => { isPolling = false; });
  };

  const does: { readonly [K in Ask["kind"]]: (asked: Extract<Ask, { kind: K }>) => unknown } = {
    async grow({ of, bytes, answer }) {
      submit();
      open.add(answer);
      gpu.pushErrorScope("out-of-memory");
      gpu.pushErrorScope("validation");
      const larger = make(bytes, usage[of]);
      const errors = await Promise.all([asking(gpu.popErrorScope()), asking(gpu.popErrorScope())]);
      if (errors[0] !== null || errors[1] !== null) return settle(answer, 2);
      const before = buffers[of];
      commands().copyBufferToBuffer(before, 0, larger, 0, before.size);
      submit();
      before.destroy();
      buffers[of] = larger;
      group = null;
      settle(answer, 1);
    },
    compile({ code }) {
      const place = pipelines.length;
      const made = pipelines;
      const module = gpu.createShaderModule({ code });
      const coming = asking(gpu.createComputePipelineAsync({ layout: pipelineLayout, compute: { module, entryPoint: "main" } }));
      coming.then((pipeline) => {
        made[place] = pipeline;
        if (made === pipelines) countCompiled();
      }, (error) => lose(String(error)));
      pipelines.push(coming);
    },
    forgetAll() {
      pipelines = [];
      Atomics.store(sees, 4, 0);
    },
    keep({ id, dispatches }) { kept.set(id, dispatches); },
    discard({ id }) { kept.delete(id); },
    write({ of, at, data }) {
      if (of === "floats") submit(); // what has been asked for before comes before
      gpu.queue.writeBuffer(buffers[of], at, data);
    },
    clear({ at, bytes }) {
      endPass();
      commands().clearBuffer(buffers.floats, at, bytes);
    },
    run: ({ id, from, to }) => launch(kept.get(id) as Int32Array, from, to),
    async time({ id, from, to, answer }) {
      open.add(answer);
      const sizes: number[] = [];
      for (let left = to - from; left > 0; left -= TIMED) sizes.push(2 * Math.min(left, TIMED));
      const sets = sizes.map((count) => gpu.createQuerySet({ type: "timestamp", count }));
      const found = make(16 * (to - from), QUERY_RESOLVE | COPY_SRC);
      await launch(kept.get(id) as Int32Array, from, to, sets);
      endPass();
      sets.forEach((set, k) => commands().resolveQuerySet(set, 0, sizes[k], found, 16 * TIMED * k));
      read([0, 16 * (to - from)], (bytes) => {
        const times = new BigUint64Array(bytes);
        new Float64Array(answer.bytes, 128).forEach((_, k, taken) => { taken[k] = Number(times[2 * k + 1] - times[2 * k]) / 1e6; });
        for (const each of [found, ...sets]) each.destroy();
        settle(answer, 1);
      }, () => settle(answer, 3), found);
    },
    dispatch: ({ dispatches }) => launch(dispatches, 0, dispatches.length / 5),
    submit({ run }) {
      submit();
      if (!isPolling && run >= polled + PATIENCE) poll(run);
    },
    read({ ranges, answer }) {
      open.add(answer);
      read([0, FAULT_BYTES, ...ranges], (bytes) => {
        new Uint8Array(answer.bytes).set(new Uint8Array(bytes), 64);
        settle(answer, 1);
      }, () => settle(answer, 3));
    },
    end() { gpu.destroy(); },
  };

  const queue: Ask[] = [];
  let isBusy = false;
  const work = async (): Promise<void> => {
    isBusy = true;
    for (let k = 0; k < queue.length; k++) {
      const asked = queue[k];
      if (Atomics.load(sees, 2) === 1) {
        if ("answer" in asked) settle(asked.answer, 3);
        continue;
      }
      try {
        const done = (does[asked.kind] as (asked: Ask) => unknown)(asked);
        if (done instanceof Promise) await done;
      } catch (error) {
        lose(String(error));
      }
    }
    queue.length = 0;
    isBusy = false;
  };
  return {
    ask(asked) {
      queue.push(...asked);
      if (!isBusy) void work();
    },
    async end() {
      gpu.destroy();
      await gpu.lost;
      await Promise.allSettled([...pending]);
    },
  };
}
