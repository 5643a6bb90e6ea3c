"""
The example mnist (examples/mnist.ts) in PyTorch: the same files, model, batches, optimizer, schedule and measurements.

    python3 example_mnist.py <folder of the files> <epochs> <threads>
"""

import math
import os
import sys
import time

folder, epochs, threads = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = threads

import torch  # noqa: E402  (after the number of threads)
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

torch.set_num_threads(int(threads))
torch.manual_seed(1)


def read(name):
    """Images [count, 1, 28, 28] from 0 to 1, and labels, of a pair of files in the IDX format."""
    with open(f"{folder}/{name}-images-idx3-ubyte", "rb") as stream:
        images = torch.frombuffer(bytearray(stream.read()), dtype=torch.uint8, offset=16)
    with open(f"{folder}/{name}-labels-idx1-ubyte", "rb") as stream:
        labels = torch.frombuffer(bytearray(stream.read()), dtype=torch.uint8, offset=8)
    return images.float().div_(255).view(-1, 1, 28, 28), labels.long()


x, y = read("train")
test_x, test_y = read("t10k")
print(f"{'images':24} => {len(y)} to train on, {len(test_y)} to test")

model = nn.Sequential(
    nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(16 * 4 * 4, 10),
)
batch = 32
steps = epochs * math.ceil(len(y) / batch)
optimizer = torch.optim.Adam(model.parameters(), lr=0.004)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(step / steps, 1))))


def measure(images, labels):
    """The mean cost of a batch, and how many of it are right."""
    scores = model(images)
    return F.cross_entropy(scores, labels), (scores.argmax(1) == labels).sum()


start = time.perf_counter()
for epoch in range(1, epochs + 1):
    total = correct = 0
    for chosen in torch.randperm(len(y)).split(batch):
        loss, right = measure(x[chosen], y[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
        correct += right.item()
    with torch.no_grad():
        found = sum(measure(*part)[1].item() for part in zip(test_x.split(250), test_y.split(250)))
    print(f"{f'test accuracy, epoch {epoch}':24} => {100 * found / len(test_y):.2f} %")
print(f"{'images a second':24} => {epochs * len(y) / (time.perf_counter() - start):.0f}")
