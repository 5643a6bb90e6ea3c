import torch
from forward import Forward, ramp


def create(problem, variant):
    n, repeats = problem["sizes"]["n"], problem["sizes"]["repeats"]
    v = 1 + (torch.arange(n) % 7).double()
    a = ramp(n * n).reshape(n, n)
    b = (torch.eye(n, dtype=torch.float64) - 2 / (v @ v) * torch.outer(v, v)).float()

    def compute():
        c = a
        for _ in range(repeats):
            c = c @ b
        return c[0].sum()

    return Forward(compute)
