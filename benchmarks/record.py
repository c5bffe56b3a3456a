"""What quench.record costs a training loop: the processor time of its calls, against that of everything else in the loop.

python benchmarks/record.py                        a small convolutional network, as docs/examples/digits.py trains it
python benchmarks/record.py --width 256            a dense network of half a million weights
python benchmarks/record.py --most 0.02            exit with 1 where the share is larger

Both are taken in the same loop, so that a loaded machine slows both; the writing of the file is counted too. Calls that take
no snapshot are too short for the clock and are timed in a loop of their own.
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
    parser.add_argument("--updates", type=int, default=10_000, help="of one loop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, help="of a dense network of four hidden layers instead")
    parser.add_argument("--batch", type=int, default=10)
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


def train(args: argparse.Namespace, updates: int, path: Path) -> tuple[float, float, int]:
    """Seconds of the loop without its calls of the recorder, seconds of these, and number of snapshots."""
    model = network(args.width)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    images, classes = torch.randn(2000, 1, 28, 28), torch.randint(10, (2000,))
    ages = tuple(age for age in (10, 30, 100, 300, 1000, 3000, 10_000, 30_000) if age < updates / 2)
    schedule = quench.Schedule(ages, updates - ages[-1])
    looks, clock = set(schedule.times.tolist()), time.process_time
    recording, began = 0.0, clock()
    recorder = quench.record(model, schedule, path, overwrite=True)
    recording += clock() - began
    for update in range(1, updates + 1):
        batch = torch.randint(len(images), (args.batch,))
        loss = nn.functional.cross_entropy(model(images[batch]), classes[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update in looks:
            called = clock()
            recorder.step(loss)
            recording += clock() - called
        else:
            recorder.step(loss)
    called = clock()
    recorder.close()
    recording += clock() - called
    rest = clock() - began - recording
    called = clock()
    for _ in range(updates):
        recorder.step(loss)
    idle = clock() - called
    return rest - idle, recording + idle, len(looks)


def main() -> int:
    args = arguments()
    torch.set_num_threads(1)
    weights = sum(p.numel() for p in network(args.width).parameters())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.nc"
        # What is loaded once in a process is no part of a loop.
        train(args, 100, path)
        rounds = [train(args, args.updates, path) for _ in range(args.rounds)]
        size = path.stat().st_size / 1e6
    shares = [recording / rest for rest, recording, _ in rounds]
    rest, recording, looks = rounds[-1]
    share = statistics.median(shares)
    print(
        f"{weights:,} weights, {args.updates:,} updates of {1e3 * rest / args.updates:.2f} ms, {looks} snapshots, file of"
        f" {size:.1f} MB: recording takes {share:.2%} more ({min(shares):.2%} ... {max(shares):.2%}, {args.rounds} rounds),"
        f" {1e3 * recording / looks:.2f} ms a snapshot"
    )
    return int(args.most is not None and share > args.most)


if __name__ == "__main__":
    sys.exit(main())
