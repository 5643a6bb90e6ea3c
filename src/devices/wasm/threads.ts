/** What a user asks of the workers: how many there may be, how many there are and why not more. Only programs that ask load it. */

import type { ThreadReport } from "../device.ts";
import { refusal } from "../../support/check.ts";
import { control } from "./layout.ts";
import { canShare, host, type Team } from "./team.ts";

const MAX_THREADS = 64;

/** @param count how many threads there may be from now on, with the caller's own */
export function threadsOf(team: Team, count?: number): ThreadReport {
  if (count !== undefined) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_THREADS) throw refusal("threads", `a number of threads from 1 to ${MAX_THREADS}`, count);
    team.limit = count;
    team.admit();
  }
  const { heap, failure, wanted } = team;
  const limit = !heap.isShared || failure !== "" ? 1 : wanted;
  const working = heap.isShared ? Math.min(limit, 1 + Atomics.load(heap.i32, control.started / 4)) : 1;
  return { count: working, limit, why: whyNotMore(team, working, limit) };
}

function whyNotMore(team: Team, count: number, limit: number): string {
  if (team.failure !== "") return team.failure;
  if (host.crossOriginIsolated === false) {
    return "The page is not cross-origin isolated. Serve it with the headers " +
      "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.";
  }
  if (!canShare()) return "The engine has no SharedArrayBuffer.";
  if (!team.heap.isShared) return "There is no memory that threads can share.";
  if (limit === 1) return team.limit === 1 ? "threads(1) has been called." : "The machine has one core.";
  if (team.threads.length === 0) return "Workers start with the first launch that is large enough.";
  if (count === limit) return "";
  return `Workers are starting.${team.hasYielded ? "" : " Browsers start them when this thread returns to its event loop; it has not yet."}`;
}
