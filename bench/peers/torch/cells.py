"""Recurrent cells in three forms: `plain`, the program that Flimsy has; `stacked`, the gates as one product; `fused`, torch.nn's."""

import torch
import torch.nn.functional as F
from training import Stack

GATES = {"srnn": [""], "gru": ["r", "z", "c"], "lstm": ["i", "f", "c", "o"]}


def plain(p, xs, cell):
    # user code (plain)
    h, c = p["rnn.h0"].expand(xs.shape[1], -1), None
    # user code (plain lstm)
    if cell == "lstm":
        c = p["rnn.c0"].expand(xs.shape[1], -1)

    # user code (plain)
    def gate(x, h, name):
        return F.linear(x, p["rnn.w" + name], p["rnn.b" + name]) + F.linear(h, p["rnn.u" + name])

    states = []
    for x in xs.unbind(0):
        if cell == "srnn":
            # user code (plain srnn)
            h = torch.tanh(gate(x, h, ""))
        elif cell == "gru":
            # user code (plain gru)
            r, z = torch.sigmoid(gate(x, h, "r")), torch.sigmoid(gate(x, h, "z"))
            n = torch.tanh(F.linear(x, p["rnn.wc"], p["rnn.bc"]) + r * F.linear(h, p["rnn.uc"]))
            h = n + z * (h - n)
        else:
            # user code (plain lstm)
            i, f, o = (torch.sigmoid(gate(x, h, name)) for name in "ifo")
            c = f * c + i * torch.tanh(gate(x, h, "c"))
            h = o * torch.tanh(c)
        # user code (plain)
        states.append(h)
    return states
    # end


def stacked(w, u, b, h0, c0, xs, cell):
    # user code (stacked)
    h = h0.expand(xs.shape[1], -1)
    # user code (stacked lstm)
    if cell == "lstm":
        c = c0.expand(xs.shape[1], -1)
    # user code (stacked)
    states = []
    for a in F.linear(xs, w, b).unbind(0):
        if cell == "srnn":
            # user code (stacked srnn)
            h = torch.tanh(a + F.linear(h, u))
        elif cell == "gru":
            # user code (stacked gru)
            ar, az, ac = a.chunk(3, -1)
            br, bz, bc = F.linear(h, u).chunk(3, -1)
            r, z = torch.sigmoid(ar + br), torch.sigmoid(az + bz)
            n = torch.tanh(ac + r * bc)
            h = n + z * (h - n)
        else:
            # user code (stacked lstm)
            i, f, g, o = (a + F.linear(h, u)).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        # user code (stacked)
        states.append(h)
    return states
    # end


def fused(module, h0, c0, xs):
    # user code (fused)
    h = h0.expand(1, xs.shape[1], -1).contiguous()
    if c0 is None:
        return module(xs, h)[0]
    return module(xs, (h, c0.expand(1, xs.shape[1], -1).contiguous()))[0]
    # end


def recurrent(problem, variant, cell):
    """A function from inputs [steps, batch, features] to the states, its leaves, and its gradients by name."""
    p = problem["parameters"]
    initial = {name: p[name].clone().requires_grad_() for name in ("rnn.h0", "rnn.c0") if name in p}
    if variant == "plain":
        leaves = {name: values.clone().requires_grad_() for name, values in p.items() if name.startswith("rnn.")}
        return lambda xs: plain(leaves, xs, cell), list(leaves.values()), leaves
    h0, c0 = initial["rnn.h0"], initial.get("rnn.c0")
    stacks = [Stack(problem, [f"rnn.{kind}{gate}" for gate in GATES[cell]]) for kind in "wub"]
    if variant == "fused":
        w, u, _ = (stack.leaf for stack in stacks)
        kind = {"srnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell]
        module = kind(w.shape[1], u.shape[1])
        for stack, name in zip(stacks, ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")):
            getattr(module, name).data.copy_(stack.leaf.data)
            stack.leaf = getattr(module, name)
        # The second bias, which the other programs do not have, stays 0.
        module.bias_hh_l0.data.zero_()
        module.bias_hh_l0.requires_grad_(False)
    w, u, b = (stack.leaf for stack in stacks)
    named = {**initial}
    for stack in stacks:
        named.update(stack.named())
    leaves = [w, u, b, *initial.values()]
    if variant == "fused":
        return lambda xs: fused(module, h0, c0, xs), leaves, named
    return lambda xs: stacked(w, u, b, h0, c0, xs, cell), leaves, named
