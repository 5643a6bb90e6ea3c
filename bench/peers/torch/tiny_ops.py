import torch
from training import Training, parameters


def create(problem, variant):
    sizes, data = problem["sizes"], problem["data"]
    p = parameters(problem)
    # user code
    start, shift, factor = p["start"], data["shift"], data["factor"]

    def cost(k):
        x = start
        for i in range(sizes["operations"]):
            if i % 3 == 0:
                x = x + shift
            elif i % 3 == 1:
                x = x * factor
            else:
                x = torch.tanh(x)
        return (x * x).sum()

    optimizer = torch.optim.SGD([start], lr=sizes["learningRate"])
    # end
    return Training(p, cost, optimizer)
