"""
The example char-lm (examples/char-lm.ts) in PyTorch, with torch.nn.LSTM: the same text, model, windows, optimizer, schedule, measurement
and sample; without counting n-grams.

    python3 example_char_lm.py <folder of the book> <characters> <threads>
"""

import json
import math
import os
import sys
import time

folder, characters, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import torch  # noqa: E402  (after the number of threads)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(int(threads))
torch.manual_seed(1)


def load(name):
    with open(f"{folder}/{name}", encoding="utf-8") as stream:
        return json.load(stream)


chapters = [load(name.replace("txt", "json")) for name in load("file_list.json")]
book = "\n\n".join(f"{chapter['title']}\n\n{chapter['text']}" for chapter in chapters)[:characters]
symbols = sorted(set(book))
number = {symbol: i for i, symbol in enumerate(symbols)}
numbers = torch.tensor([number[symbol] for symbol in book])
cut = int(0.9 * len(book))
rows, steps = 16, 50


def windows(text):
    """A text in so many rows, read side by side, in windows of so many steps: pairs [rows, steps]."""
    length = (len(text) - 1) // rows
    x, y = (text[shift:shift + rows * length].view(rows, length) for shift in (0, 1))
    return [(x[:, i:i + steps], y[:, i:i + steps]) for i in range(0, length - steps + 1, steps)]


class CharacterModel(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.embedding = nn.Embedding(len(symbols), 32)
        self.lstm = nn.LSTM(32, units, batch_first=True)
        self.output = nn.Linear(units, len(symbols))
        self.h0, self.c0 = (nn.Parameter(torch.zeros(1, 1, units)) for _ in range(2))

    def forward(self, text, state=None):
        if state is None:
            state = tuple(part.expand(1, len(text), -1).contiguous() for part in (self.h0, self.c0))
        states, state = self.lstm(self.embedding(text), state)
        return self.output(states), tuple(part.detach() for part in state)

    def cost(self, text, following, state):
        scores, state = self(text, state)
        return F.cross_entropy(scores.flatten(0, 1), following.flatten()), state


train, test = windows(numbers[:cut]), windows(numbers[cut:])
print(f"{'characters':24} => {cut} to train on, {len(book) - cut} held out, {len(symbols)} different")
model = CharacterModel(192)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / len(train), 1))))

start = time.perf_counter()
state = None
nats = 0
for x, y in train:
    loss, state = model.cost(x, y, state)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    schedule.step()
    nats += loss.item()
with torch.no_grad():
    state = None
    held = 0
    for x, y in test:
        loss, state = model.cost(x, y, state)
        held += loss.item()
print(f"{'held out, epoch 1':24} => {held / len(test) / math.log(2):.4g} bits per character")
print(f"{'characters a second':24} => {len(train) * rows * steps / (time.perf_counter() - start):.0f} trained and tested")

sample = "Call me "
with torch.no_grad():
    state = None
    for i in range(600):
        if i == len(sample):
            sample += symbols[torch.multinomial(F.softmax(scores[0, -1], 0), 1).item()]
        scores, state = model(torch.tensor([[number[sample[i]]]]), state)
print(f"\n{sample}")
