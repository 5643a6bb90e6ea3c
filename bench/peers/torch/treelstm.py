import torch
import torch.nn.functional as F
from training import Stack, Training, parameters


def trees_of(data):
    """Nested tuples (left, right) with words at the leaves, and their labels."""
    def parse(nodes, words):
        return (parse(nodes, words), parse(nodes, words)) if next(nodes) == 1 else next(words)
    pairs = zip(data["nodes"].tolist(), data["words"].unbind(0))
    return [parse(iter(nodes), iter(words.unbind(0))) for nodes, words in pairs], data["y"].split(1)


def create(problem, variant):
    sizes, data = problem["sizes"], problem["data"]
    trees, labels = trees_of(data)
    others = parameters(problem, ["words.w", "readout.w", "readout.b"])
    words, w, b = others.values()
    step, leaves, named = (plain if variant == "plain" else stacked)(problem)
    # user code
    def encode(tree):
        if isinstance(tree, tuple):
            return step(None, [encode(tree[0]), encode(tree[1])])
        return step(F.embedding(tree, words), [])

    def cost(k):
        places = [(k * sizes["trees"] + i) % len(trees) for i in range(sizes["trees"])]
        scores = [F.linear(encode(trees[i])[0], w, b) for i in places]
        return sum(F.cross_entropy(score[None], labels[i], reduction="sum") for score, i in zip(scores, places))

    optimizer = torch.optim.SGD([*leaves, *others.values()], lr=sizes["learningRate"])
    # end
    return Training({**named, **others}, cost, optimizer, [*leaves, *others.values()])


def plain(problem):
    """Each gate a product of its own, as in Flimsy's component."""
    p = parameters(problem, [name for name in problem["parameters"] if name.startswith("lstm.")])
    # user code (plain)
    def step(x, children):
        def gate(w, u, b):
            if x is not None:
                return F.linear(x, p[w], p[b])
            return F.linear(children[0][0], p[u + ".0"]) + F.linear(children[1][0], p[u + ".1"]) + p[b]
        i, o = torch.sigmoid(gate("lstm.wi", "lstm.ui", "lstm.bi")), torch.sigmoid(gate("lstm.wo", "lstm.uo", "lstm.bo"))
        c = i * torch.tanh(gate("lstm.wc", "lstm.uc", "lstm.bc"))
        for k, (_, before) in enumerate(children):
            c = c + torch.sigmoid(gate(None, f"lstm.uf.{k}", "lstm.bf")) * before
        return o * torch.tanh(c), c
    # end
    return step, list(p.values()), p


def stacked(problem):
    """All gates of a node as one product, as an expert writes it. The forget gates have a bias each."""
    w = Stack(problem, ["lstm.wi", "lstm.wo", "lstm.wc"])
    u = [Stack(problem, [f"lstm.u{gate}.{k}" for gate in ("i", "o", "c", "f.0", "f.1")]) for k in (0, 1)]
    b = Stack(problem, ["lstm.bi", "lstm.bo", "lstm.bc", "lstm.bf", "lstm.bf"])
    h = problem["sizes"]["hidden"]
    U = torch.cat([part.leaf.data for part in u], 1).requires_grad_()
    # user code (stacked)
    def step(x, children):
        if x is not None:
            i, o, g = F.linear(x, w.leaf, b.leaf[: 3 * h]).chunk(3, -1)
            c = torch.sigmoid(i) * torch.tanh(g)
        else:
            (hl, cl), (hr, cr) = children
            i, o, g, fl, fr = F.linear(torch.cat([hl, hr]), U, b.leaf).chunk(5, -1)
            c = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(fl) * cl + torch.sigmoid(fr) * cr
        return torch.sigmoid(o) * torch.tanh(c), c
    # end
    def half(k, i):
        return lambda: U.grad[i * h : (i + 1) * h, k * h : (k + 1) * h]
    named = {**w.named(), **b.named()}
    for k, part in enumerate(u):
        named.update({name: half(k, i) for i, name in enumerate(part.names)})
    return step, [w.leaf, b.leaf, U], named
