"""What all programs share: parameters, a training step, and a look at the gradients."""

import torch


def parameters(problem, names=None):
    """The initial parameters as leaves, by name."""
    found = {name: problem["parameters"][name] for name in names or problem["parameters"]}
    return {name: values.clone().requires_grad_() for name, values in found.items()}


class Training:
    """`named` gives for each name of the problem the tensors whose gradients, added up, are its gradient."""

    def __init__(self, named, cost, optimizer=None, leaves=None, clip=None):
        self.named = named
        self.leaves = list(leaves if leaves is not None else named.values())
        self.cost, self.optimizer, self.clip = cost, optimizer, clip

    # user code
    def step(self, k):
        loss = self.cost(k)
        self.clear()
        loss.backward()
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.leaves, self.clip)
        if self.optimizer is not None:
            self.optimizer.step()
        return loss.detach()

    def clear(self):
        for leaf in self.leaves:
            leaf.grad = None
    # end

    def gradients(self):
        self.clear()
        loss = self.cost(0)
        loss.backward()
        return loss.item(), {name: gradient_of(value) for name, value in self.named.items()}


def gradient_of(value):
    """Of a leaf; or what a function says, for parameters that are stored in another form."""
    return value() if callable(value) else value.grad


class Stack:
    """Several parameters of a problem in one leaf, one below the other, as an expert stores gates."""

    def __init__(self, problem, names):
        self.names = names
        self.sizes = [problem["parameters"][name].shape[0] for name in names]
        self.leaf = torch.cat([problem["parameters"][name] for name in names]).requires_grad_()

    def named(self):
        """A name that occurs twice has the sum of both gradients."""
        found = {}
        for i, name in enumerate(self.names):
            found.setdefault(name, []).append(i)
        def part(places):
            return lambda: sum(self.leaf.grad.split(self.sizes)[i] for i in places)
        return {name: part(places) for name, places in found.items()}
