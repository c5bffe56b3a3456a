"""What quench.record costs a training loop: the same updates with and without it, taking turns.

python benchmarks/record.py                        a small convolutional network, as docs/examples/digits.py trains it
python benchmarks/record.py --width 512            a dense network of a million weights
python benchmarks/record.py --most 0.02            exit with 1 where the share is larger

Processor time (the process and its threads), so that a loaded machine does not count; the share is the median over rounds
of one loop with recording against the mean of the loops without it before and after.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

import quench


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=5000, help="of one loop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, help="of a dense network of four hidden layers instead")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--most", type=float, help="largest share allowed")
    return parser.parse_args()


def network(width: int | None) -> nn.Module:
    torch.manual_seed(0)
    if width is None:
        return nn.Sequential(
            *(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10)),
        )
    hidden = [layer for _ in range(3) for layer in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), *hidden, nn.Linear(width, 10))


def train(args: argparse.Namespace, path: Path | None) -> float:
    """Seconds of ``args.updates`` updates, with everything that recording to ``path`` does, the writing included."""
    model = network(args.width)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, classes = torch.randn(2000, 1, 28, 28), torch.randint(10, (2000,))
    ages = tuple(age for age in (10, 30, 100, 300, 1000, 3000, 10_000, 30_000) if age < args.updates / 2)
    began = time.process_time()
    recorder = path and quench.record(model, quench.Schedule(ages, args.updates - ages[-1]), path, overwrite=True)
    for _ in range(args.updates):
        batch = torch.randint(len(images), (args.batch,))
        loss = nn.functional.cross_entropy(model(images[batch]), classes[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if recorder:
            recorder.step(loss)
    if recorder:
        recorder.close()
    return time.process_time() - began


def main() -> int:
    args = arguments()
    torch.set_num_threads(1)
    weights = sum(p.numel() for p in network(args.width).parameters())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.nc"
        # What is loaded and compiled once in a process is no part of a loop.
        train(argparse.Namespace(**{**vars(args), "updates": 100}), path)
        shares, before = [], train(args, None)
        for _ in range(args.rounds):
            recorded, after = train(args, path), train(args, None)
            shares.append(2 * recorded / (before + after) - 1)
            before = after
        size = path.stat().st_size / 1e6
    share = statistics.median(shares)
    print(
        f"{weights:,} weights, {args.updates:,} updates of {1e3 * before / args.updates:.2f} ms, file of {size:.1f} MB: "
        f"{share:+.2%} with recording ({min(shares):+.2%} ... {max(shares):+.2%}, {args.rounds} rounds)"
    )
    return int(args.most is not None and share > args.most)


if __name__ == "__main__":
    sys.exit(main())
