import { describe, expect, it } from "vitest";
import { classSize, sizeClass } from "../../src/plan/place.ts";

describe("size classes", () => {
  const sizes = [
    ...Array.from({ length: 5000 }, (_, i) => i), ...Array.from({ length: 200 }, (_, i) => Math.floor(5000 * 1.07 ** i)).filter((n) => n <= 2 ** 30),
  ];

  it("hold what belongs to them, and waste at most an eighth", () => {
    for (const size of sizes) {
      const room = classSize(sizeClass(size));
      expect(room).toBeGreaterThanOrEqual(size);
      expect(room % 4).toBe(0);
      expect(room).toBeLessThanOrEqual(Math.max(4, Math.ceil(size / 4) * 4) * 1.125);
    }
  });

  it("are numbered by size, without gaps", () => {
    let last = 0;
    for (let size = 1; size < 20_000; size++) {
      const kind = sizeClass(size);
      expect(kind === last || kind === last + 1).toBe(true);
      last = kind;
    }
    expect(sizeClass(0)).toBe(sizeClass(1));
    for (let kind = sizeClass(1); kind < 220; kind++) {
      expect(sizeClass(classSize(kind))).toBe(kind);
      expect(sizeClass(classSize(kind) + 1)).toBe(kind + 1);
    }
  });

  it("reach to the largest array", () => {
    expect(classSize(sizeClass(2 ** 30))).toBe(2 ** 30);
  });
});
