"""What programs without parameters share: a step that gives a number."""

import torch


class Forward:
    def __init__(self, compute):
        self.compute = compute

    def step(self, k):
        with torch.no_grad():
            return self.compute()

    def gradients(self):
        return self.step(0).item(), {}


def ramp(length):
    """Numbers of [0, 1) that every language computes alike."""
    return (torch.arange(length, dtype=torch.int64) * 7919 % 1009).double().div(1009).float()
