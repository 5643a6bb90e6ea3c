/**
 * The functions that run launches, the same for every thread: a list of launches, and launches in parts.
 *
 * Each part is taken by whoever comes first, by counting down the ticket. The ticket has the fork's address beside the
 * count, so a part that was taken is a part of that fork whatever happened since the ticket was read. A worker is
 * active while it takes parts; the fork ends when all are taken and nobody is active. So a worker that sleeps, starts or has
 * not been started is not waited for, and who computes what does not matter for the result: parts are the same for every
 * number of threads.
 */

import { type Body, I32, I64, ModuleBuilder } from "./assembler.ts";
import { control, FORK_PARTS, HEADER } from "./layout.ts";

/** A worker looks for the next fork so many times before it sleeps, some 150 µs. */
const WORKER_SPINS = 150_000;
/** The caller's thread looks so many times whether the workers are done. */
const CALLER_SPINS = 10_000;

/**
 * Exports `run` (from, to), which runs launches, and `serve` (number of the worker, generation of its kernels), which takes parts until there has been
 * nothing to do for a while, or its kernels are outdated; puts the fork into the table. It asks for `load`, which gives a worker the kernels that it lacks,
 * and `wait`, which returns when the workers may be done.
 */
export function emitRunner(isShared: boolean): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  const load = module.importFunction("load", []);
  const wait = module.importFunction("wait", []);
  module.importMemory("memory", isShared);
  module.importTable("table");
  const kernelType = module.type([I32]);
  /** Calls the kernels of the launches from one address to another, which are in locals; before each what `prepare` does. */
  const runAll = (f: Body, at: number, end: number, prepare = () => {}): Body => f.while(() => f.get(at).get(end).i32LtU(), () => {
    prepare();
    f.get(at).get(at).i32Load().callIndirect(kernelType).get(at).get(at).i32Load(4).i32Add().set(at);
  });

  const run = module.function("run", 2, (f, from, to) => { runAll(f, from, to); });
  const inOrder = (f: Body): Body => f.get(0).get(0).i32Load(FORK_PARTS).i32Add().get(0).get(0).i32Load(4).i32Add().call(run);
  if (!isShared) {
    module.putFirst(module.function(null, 1, inOrder));
    return module.complete();
  }

  const work = module.function(null, 0, (f) => {
    const ticket = f.local(I64);
    const part = f.local();
    const end = f.local();
    f.block((done) => f.loop((again) => {
      f.i64AtomicLoad(control.ticket).tee(ticket).i32WrapI64().i32Eqz().branchIf(done);
      f.i32(0).get(ticket).get(ticket).i64(1).i64Sub().i64AtomicCompareExchange(control.ticket).get(ticket).i64Ne().branchIf(again);
      f.get(ticket).i64(32).i64ShrU().i32WrapI64().set(part);
      // Where the place of the part is written.
      f.get(ticket).i32WrapI64().i32(1).i32Sub().i32(4).i32Mul().get(part).i32Add().set(end);
      f.get(part).get(end).i32Load(FORK_PARTS + 4).i32Add();
      f.get(part).get(end).i32Load(FORK_PARTS).i32Add().set(part).set(end);
      runAll(f, part, end, () => f.get(part).i32Load().tableSize().i32GeU().if(() => f.call(load)));
      f.branch(again);
    }));
  });

  const fork = module.function(null, 1, (f) => {
    const spins = f.local();
    f.i32AtomicLoad(control.limit).if(
      () => {
        f.i32(0).get(0).i64ExtendI32U().i64(32).i64Shl().get(0).i32Load(HEADER).i64ExtendI32U().i64Or().i64AtomicStore(control.ticket);
        f.i32AtomicLoad(control.sleepers).if(() => f.atomicNotify(-1, control.ticket));
        f.call(work);
        f.i32(CALLER_SPINS).set(spins);
        f.while(() => f.i32AtomicLoad(control.active), () => {
          f.get(spins).if(() => f.increment(spins, -1), () => f.call(wait));
        });
      },
      () => inOrder(f),
    );
  });
  module.putFirst(fork);

  module.function("serve", 2, (f) => {
    const spins = f.local();
    f.i32(WORKER_SPINS).set(spins);
    const isCurrent = (): Body => f.i32AtomicLoad(control.generation).get(1).i32Eq();
    f.while(() => { f.get(spins).i32(0).i32Ne().i32AtomicLoad(control.limit).get(0).i32GtU().i32And(); isCurrent().i32And(); }, () => {
      f.increment(spins, -1);
      f.i32AtomicLoad(control.ticket).if(() => {
        f.i32AtomicAdd(1, control.active);
        // Kernels are forgotten while nobody is active: they stay current until this worker is not.
        isCurrent().if(() => f.call(work));
        f.i32AtomicAdd(-1, control.active);
        f.i32AtomicLoad(control.waiting).if(() => f.atomicNotify(1, control.active));
        f.i32(WORKER_SPINS).set(spins);
      });
    });
  });
  return module.complete();
}
