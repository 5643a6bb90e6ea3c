import torch
import torch.nn.functional as F
from training import Stack, Training, parameters


def create(problem, variant):
    sizes, data = problem["sizes"], problem["data"]
    d, heads, steps = sizes["inputs"], sizes["heads"], sizes["steps"]
    qkv = Stack(problem, ["block.attention.wq", "block.attention.wk", "block.attention.wv"])
    p = parameters(problem, [name for name in problem["parameters"] if name not in qkv.names])
    leaves = [qkv.leaf, *p.values()]
    # user code
    x, y = data["x"], data["y"]
    later = torch.triu(torch.full((steps, steps), float("-inf")), 1)

    def norm(x, name):
        return F.layer_norm(x, (d,), p[name + ".gain"], p[name + ".bias"])

    def attention(x):
        q, k, v = (part.unflatten(-1, (heads, d // heads)).transpose(1, 2) for part in F.linear(x, qkv.leaf).chunk(3, -1))
        weights = F.softmax(q @ k.transpose(-2, -1) / (d // heads) ** 0.5 + later, -1)
        return F.linear((weights @ v).transpose(1, 2).flatten(2), p["block.attention.wo"])

    def cost(k):
        h = F.embedding(x, p["symbols.w"]) + p["positions"]
        h = h + attention(norm(h, "block.attentionNorm"))
        hidden = F.relu(F.linear(norm(h, "block.networkNorm"), p["block.network.w.0"], p["block.network.b.0"]))
        h = h + F.linear(hidden, p["block.network.w.1"], p["block.network.b.1"])
        return F.cross_entropy(F.linear(h, p["readout.w"], p["readout.b"]).flatten(0, 1), y.flatten())

    optimizer = torch.optim.Adam(leaves, lr=sizes["learningRate"])
    # end
    return Training({**p, **qkv.named()}, cost, optimizer, leaves)
