"""Runs one program on request: a JSON object a line on stdin, an answer a line on stdout. See ../worker.js."""

import importlib
import json
import os
import resource
import sys
import time

file, program, variant, threads = sys.argv[1:5]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import torch  # noqa: E402  (after the number of threads)

from vectors import vectors  # noqa: E402

torch.set_num_threads(int(threads))
DEVICE = "cuda" if variant.endswith("-cuda") else "cpu"
torch.backends.cudnn.allow_tf32 = False  # numbers of 32 bits, as everyone's


def read(file):
    with open(file, "rb") as stream:
        content = bytearray(stream.read())
    start = 8 + int.from_bytes(content[:4], "little")
    header = json.loads(content[8:start])

    def arrays(entries):
        types = {"int32": torch.int32, "float32": torch.float32}
        found = {}
        for entry in entries:
            count = 1
            for size in entry["shape"]:
                count *= size
            flat = torch.frombuffer(content, dtype=types[entry["type"]], count=count, offset=start + entry["offset"])
            moved = flat.to(DEVICE)
            found[entry["name"]] = (moved.long() if entry["type"] == "int32" else moved.clone()).reshape(entry["shape"])
        return found

    return {"sizes": header["sizes"], "data": arrays(header["data"]), "parameters": arrays(header["parameters"])}


def answer(**fields):
    print(json.dumps(fields), flush=True)


problem = read(file)
if DEVICE == "cuda":
    torch.set_default_device(DEVICE)
training = importlib.import_module(program.replace("-", "_")).create(problem, variant.removesuffix("-cuda"))
step = 0
answer(ready=True, version=f"PyTorch {torch.__version__}")
for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "gradients":
        loss, gradients = training.gradients()
        answer(loss=loss, norms={name: None if g is None else torch.linalg.vector_norm(g.double()).item() for name, g in gradients.items()})
    elif request["do"] == "steps":
        losses = []
        start = time.perf_counter()
        for _ in range(request["count"]):
            loss = training.step(0 if request.get("same") else step)
            losses.append(loss if request.get("ahead") else loss.item())
            step += 1
        losses = [float(loss) for loss in losses]
        seconds = time.perf_counter() - start
        answer(seconds=seconds, first=losses[0], last=losses[-1])
    elif request["do"] == "memory":
        answer(peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, vectors=vectors())
