import { describe, expect, it } from "vitest";
import { roomOf } from "../../src/plan/place.ts";

describe("pieces of the arena", () => {
  const sizes = [
    ...Array.from({ length: 5000 }, (_, i) => i), ...Array.from({ length: 200 }, (_, i) => Math.floor(5000 * 1.07 ** i)).filter((n) => n <= 2 ** 30),
  ];

  it("hold what they are for, and waste at most an eighth", () => {
    for (const size of sizes) {
      const room = roomOf(size, 4);
      expect(room).toBeGreaterThanOrEqual(size);
      expect(room % 4).toBe(0);
      expect(room).toBeLessThanOrEqual(Math.max(4, Math.ceil(size / 4) * 4) * 1.125);
    }
  });

  it("are of eight sizes an octave", () => {
    expect(roomOf(0, 4)).toBe(roomOf(1, 4));
    const rooms = new Set(Array.from({ length: 2 ** 16 }, (_, i) => roomOf(i + 1, 4)));
    expect([...rooms].filter((room) => room > 2 ** 14 && room <= 2 ** 15)).toEqual(Array.from({ length: 8 }, (_, i) => 2 ** 14 + (i + 1) * 2 ** 11));
    let last = 0;
    for (const room of rooms) {
      expect(room).toBeGreaterThan(last);
      expect(roomOf(room, 4)).toBe(room);
      last = room;
    }
  });

  it("reach to the largest array", () => {
    expect(roomOf(2 ** 30, 4)).toBe(2 ** 30);
  });
});
