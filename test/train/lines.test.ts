import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openFile } from "../../src/support/files.ts";
import { linesFromEnd, linesOf, piecesOf } from "../../src/train/lines.ts";
import { readMetrics, report } from "../../src/train/index.ts";
import { folders } from "./helpers.ts";

const folder = folders();

function opened<T>(text: string, use: (file: ReturnType<typeof openFile>) => T): T {
  writeFileSync(folder("f"), text);
  const file = openFile(folder("f"));
  try {
    return use(file);
  } finally {
    file.close();
  }
}

describe("lines in pieces", () => {
  const texts = ["", "\n", "a", "a\n", "a\nb", "ä\n\nbc\nd€f\n", "\n\nabc\n", "x\ny\nz\n12\n34"];
  it.each(texts)("%j gives the same lines for every size of the pieces", (text) => {
    const lines = text.split("\n").filter((line) => line !== "");
    for (let piece = 8; piece <= 24; piece++) {
      opened(text, (file) => {
        expect([...linesOf(file, piece)]).toEqual(lines);
        const back = [...linesFromEnd(file, piece)].reverse();
        expect(back.map((line) => line.text).join("")).toBe(text);
        expect(back.every((line) => line.text.indexOf("\n", 0) === -1 || line.text.indexOf("\n") === line.text.length - 1)).toBe(true);
        const bytes = readFileSync(folder("f"));
        for (const line of back) expect(bytes.subarray(line.begin, line.end).toString()).toBe(line.text);
        expect(Buffer.concat([...piecesOf(file, bytes.length, piece)]).equals(bytes)).toBe(true);
      });
    }
  });

  it("passes over a line that is longer than a piece", () => {
    opened(`ab\n${"x".repeat(100)}\ncd\n`, (file) => {
      expect([...linesOf(file, 10)]).toEqual(["ab", "cd"]);
      expect([...linesFromEnd(file, 10)].map(({ text }) => text)).toEqual(["cd\n"]);
    });
    opened("x".repeat(100), (file) => expect([...linesOf(file, 10)]).toEqual([]));
  });
});

it("a metrics file longer than the longest string is read, and reported", { timeout: 60_000 }, () => {
  const path = folder("long.jsonl");
  const line = (step: number) => `${JSON.stringify({ event: "step", time: step, epoch: 1, step, loss: 1 / step, learningRate: 1 })}\n`;
  const fd = openSync(path, "w");
  const size = 2 ** 29 + 2 ** 20; // the longest string of V8 has 2²⁹ − 24 characters
  writeSync(fd, line(1) + line(2));
  ftruncateSync(fd, size); // zeros, which take no room on the disk
  writeSync(fd, `\n${line(3)}`, size);
  closeSync(fd);
  expect(readMetrics(path).map(({ step }) => step)).toEqual([1, 2, 3]);
  report(folder("r.html"), path);
  expect(readFileSync(folder("r.html"), "utf8")).toContain("<dt>steps</dt><dd>3</dd>");
});
