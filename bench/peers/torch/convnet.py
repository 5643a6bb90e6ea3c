import torch
import torch.nn.functional as F
from training import Training, parameters


def create(problem, variant):
    sizes, data = problem["sizes"], problem["data"]
    p = parameters(problem)
    # user code
    x, y, pad = data["x"], data["y"], sizes["padding"]

    def cost(k):
        h = F.relu(F.max_pool2d(F.conv2d(x, p["conv1.w"], p["conv1.b"], padding=pad), 2))
        g = F.relu(F.max_pool2d(F.conv2d(h, p["conv2.w"], p["conv2.b"], padding=pad), 2))
        return F.cross_entropy(F.linear(g.flatten(1), p["readout.w"], p["readout.b"]), y)

    optimizer = torch.optim.Adam(p.values(), lr=sizes["learningRate"])
    # end
    return Training(p, cost, optimizer)
