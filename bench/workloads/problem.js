// @ts-check
/**
 * What a workload is made of: sizes, data and initial parameters, all from one generator, so that every framework begins with
 * the same numbers. `write` stores a problem for workers in other processes and languages, `read` loads it.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { uniform } from "../report.js";

/** @typedef {{ shape: number[], values: Float32Array | Int32Array }} Values */
/**
 * @typedef {object} Problem
 * @property {Record<string, number>} sizes and other numbers, such as the learning rate
 * @property {Record<string, Values>} data
 * @property {Record<string, Values>} parameters by the names that Flimsy's components give them
 */
/**
 * @typedef {object} Workload
 * @property {string} title
 * @property {Record<string, number>} sizes
 * @property {(sizes: any) => { data: Record<string, Values>, parameters: Record<string, Values> }} make
 * @property {boolean} [updates] whether a step ends with an update of the parameters; true unless given
 */

/** @param {readonly number[]} shape */
const count = (shape) => shape.reduce((a, b) => a * b, 1);

/** A source of arrays. @param {number} seed */
export function source(seed) {
  const next = uniform(seed);
  const integer = (/** @type {number} */ low, /** @type {number} */ high) => low + Math.floor(next() * (high - low));
  /** Uniform numbers. @param {number[]} shape @returns {Values} */
  const numbers = (shape, low = -1, high = 1) => ({ shape, values: Float32Array.from({ length: count(shape) }, () => low + (high - low) * next()) });
  return {
    integer,
    numbers,
    /** Integers from low to high − 1. @param {number[]} shape @param {number} low @param {number} high @returns {Values} */
    integers: (shape, low, high) => ({ shape, values: Int32Array.from({ length: count(shape) }, () => integer(low, high)) }),
    /** Weights [outputs, inputs, …] with a variance of 1 / inputs. @param {number[]} shape @returns {Values} */
    weights(...shape) {
      const bound = Math.sqrt(3 / count(shape.slice(1)));
      return numbers(shape, -bound, bound);
    },
  };
}

/** @param {number[]} shape @param {number} value @returns {Values} */
export const constant = (shape, value) => ({ shape, values: new Float32Array(count(shape)).fill(value) });

/** @param {Workload} workload @param {Record<string, number>} [changed] sizes other than those of the table @returns {Problem} */
export function problemOf(workload, changed = {}) {
  const sizes = { ...workload.sizes, ...changed };
  return { sizes, ...workload.make(sizes) };
}

/** As one file: the length of a JSON header, the header, the numbers. @param {string} file @param {Problem} problem */
export function write(file, { sizes, data, parameters }) {
  /** @type {Buffer[]} */
  const chunks = [];
  let offset = 0;
  /** @param {Record<string, Values>} arrays */
  const entries = (arrays) => Object.entries(arrays).map(([name, { shape, values }]) => {
    const entry = { name, shape, type: values instanceof Int32Array ? "int32" : "float32", offset };
    chunks.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
    return entry;
  });
  const header = JSON.stringify({ sizes, data: entries(data), parameters: entries(parameters) });
  const padded = Buffer.from(header.padEnd(Math.ceil(header.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeUInt32LE(padded.length);
  writeFileSync(file, Buffer.concat([length, padded, ...chunks]));
}

/** @param {string} file @returns {Problem} */
export function read(file) {
  const bytes = readFileSync(file);
  const all = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const start = 8 + bytes.readUInt32LE(0);
  const { sizes, data, parameters } = JSON.parse(bytes.toString("utf8", 8, start));
  /** @param {{ name: string, shape: number[], type: string, offset: number }[]} entries */
  const arrays = (entries) => Object.fromEntries(entries.map(({ name, shape, type, offset }) => {
    const Type = type === "int32" ? Int32Array : Float32Array;
    return [name, { shape, values: new Type(all, start + offset, count(shape)) }];
  }));
  return { sizes, data: arrays(data), parameters: arrays(parameters) };
}
