import torch
import torch.nn.functional as F
from cells import recurrent
from training import Training, parameters


def create(problem, variant):
    sizes, data = problem["sizes"], problem["data"]
    run, leaves, named = recurrent(problem, variant, "lstm")
    readout = parameters(problem, ["readout.w", "readout.b"])
    # user code
    w, b, x, y = readout["readout.w"], readout["readout.b"], data["x"], data["y"]

    def cost(k):
        return F.cross_entropy(F.linear(run(x)[-1], w, b), y, reduction="sum")

    optimizer = torch.optim.SGD([*leaves, w, b], lr=sizes["learningRate"])
    # end
    return Training({**named, **readout}, cost, optimizer, [*leaves, w, b])
