#!/bin/sh
# Measures Flimsy on the GPU of a machine that reaches no registry: Linux on x64, with a driver for Vulkan and Node 20.20 or later.
#
#   sh bench/gpu.sh pack FOLDER [--node]   here: makes a folder of all that is needed, at most 64 MiB; with --node Node too
#   sh bench/gpu.sh [--small] [--software] [--minutes 8] [--out gpu.md]
#                                          there, in that folder: measures, and writes row by row to the file
#
# --small: small sizes, for adapters that compute on the processor; --software: such an adapter will do.

set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

if ! command -v node >/dev/null && [ -f "$root/lib/node.gz" ]; then
  mkdir -p "${TMPDIR:-/tmp}/flimsy-node"
  gunzip -c "$root/lib/node.gz" >"${TMPDIR:-/tmp}/flimsy-node/node"
  chmod +x "${TMPDIR:-/tmp}/flimsy-node/node"
  PATH="${TMPDIR:-/tmp}/flimsy-node:$PATH"
fi

if [ "${1:-}" = pack ]; then
  shift
  exec node "$root/bench/gpu/pack.js" "$@"
fi
if [ -d "$root/src" ]; then
  echo "First sh bench/gpu.sh pack FOLDER, then, perhaps on another machine: sh FOLDER/bench/gpu.sh" >&2
  exit 1
fi

if ! { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep -q 'libvulkan\.so\.1'; then
  export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$root/lib"
fi
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}"

# The loader finds drivers by files that name them. Containers may have NVIDIA's driver and no such file, or have it where the loader does not look.
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ] && ! ls /usr/share/vulkan/icd.d/*nvidia* /etc/vulkan/icd.d/*nvidia* >/dev/null 2>&1; then
  nvidia=$(find /usr/local/nvidia -path '*/icd.d/*.json' 2>/dev/null | head -n 1)
  library=$(find /usr/lib /usr/lib64 /usr/local/nvidia -name libGLX_nvidia.so.0 2>/dev/null | head -n 1)
  if [ -n "$nvidia" ]; then
    export VK_DRIVER_FILES="$nvidia"
  elif [ -n "$library" ]; then
    export VK_DRIVER_FILES="${TMPDIR:-/tmp}/flimsy-nvidia.json"
    echo "{ \"file_format_version\": \"1.0.0\", \"ICD\": { \"library_path\": \"$library\", \"api_version\": \"1.3.0\" } }" >"$VK_DRIVER_FILES"
  fi
  if [ -n "${VK_DRIVER_FILES:-}" ]; then echo "The driver is named by $VK_DRIVER_FILES." >&2; fi
fi

exec node "$root/bench/gpu/run.js" "$@"
