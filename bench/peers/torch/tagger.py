"""A label for each step of one sequence."""

import torch
import torch.nn.functional as F
from cells import recurrent
from training import Training, parameters


def tagger(problem, variant, cell):
    sizes, data = problem["sizes"], problem["data"]
    run, leaves, named = recurrent(problem, variant, cell)
    readout = parameters(problem, ["readout.w", "readout.b"])
    # user code
    w, b, x, y = readout["readout.w"], readout["readout.b"], data["x"], data["y"]

    def cost(k):
        states = run(x)
        # user code (plain)
        if variant == "plain":
            return sum(F.cross_entropy(F.linear(h, w, b), t, reduction="sum") for h, t in zip(states, y.split(1)))
        # user code (stacked)
        states = states if torch.is_tensor(states) else torch.stack(states)
        # user code
        return F.cross_entropy(F.linear(states[:, 0], w, b), y, reduction="sum")

    optimizer = torch.optim.RMSprop([*leaves, w, b], lr=sizes["learningRate"], alpha=sizes["decay"])
    # end
    return Training({**named, **readout}, cost, optimizer, [*leaves, w, b], clip=sizes["clip"])
