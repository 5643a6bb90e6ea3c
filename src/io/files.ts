/** The paths that users give. */

import { UsageError, ValueError } from "../index.ts";
import { isUrl } from "../support/arrays.ts";
import { builtin } from "../support/files.ts";
import type { Url } from "../support/platform.ts";
import { describe } from "../support/describe.ts";

/**
 * The path that a user gave.
 * @param instead what to do where there are no files
 * @throws UsageError outside of Node; ValueError for a URL of something else than a file
 */
export function pathOf(caller: string, path: string | Url, instead: string): string {
  const url = builtin("node:url");
  if (url === null) throw new UsageError(`${caller} got a path, but there are no files here, or this version of Node is older than 20.16. ${instead}`);
  if (typeof path === "string" && path !== "" && !path.includes("\0") && !/^[a-z]{2,}:\/\//i.test(path)) return path;
  if (isUrl(path) && path.protocol === "file:") {
    try {
      const found = url.fileURLToPath(path);
      if (!found.includes("\0")) return found;
    } catch {
      // It has a host, or an encoded slash.
    }
  }
  throw new ValueError(`${caller} takes a path or a URL of a file, new URL("file:…"), but got ${isUrl(path) ? path.href : describe(path)}.`);
}
