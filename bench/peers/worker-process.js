/** A worker seen from the runner. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { commandOf } from "./frameworks.js";

export class WorkerProcess {
  #lines;
  #errors = "";
  #limit;

  /** @param limit seconds that a request may take */
  constructor(framework, file, program, limit) {
    const { command, args, env } = commandOf(framework, file, program);
    this.started = performance.now();
    this.process = spawn(command, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.process.stderr.on("data", (data) => { this.#errors = (this.#errors + data).slice(-4000); });
    this.process.stdin.on("error", () => {}); // it ended; the next request says so
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    this.#limit = limit;
  }

  /** The next answer. */
  async answer() {
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, this.#limit * 1000, "late"); });
    const found = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (found === "late") {
      this.stop();
      throw new Error(`no answer within ${this.#limit} s`);
    }
    if (found.done) throw new Error(`the process ended: ${this.#reason()}`);
    return JSON.parse(found.value);
  }

  request(fields) {
    this.process.stdin.write(`${JSON.stringify(fields)}\n`);
    return this.answer();
  }

  stop() { this.process.kill("SIGKILL"); }

  /** The line of its messages that says most. */
  #reason() {
    const lines = this.#errors.split("\n").map((line) => line.trim()).filter((line) => line !== "");
    return lines.find((line) => /^\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1) ?? "no message";
  }
}
