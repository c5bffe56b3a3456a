"""Training loops as users write them: what is recorded are the weights that the loop itself saved after each update."""

import contextlib
import copy
import itertools
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.utils import parametrizations
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint

import quench
from quench.store import snapshots, unfinished

UPDATES = 6


def mlp():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))


def flat(model):
    """The trained weights of ``model`` in the order in which it names them, wider than any type of theirs."""
    parts = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in model.parameters() if p.requires_grad]
    return torch.cat([p.detach().double().reshape(-1) for p in parts]).numpy()


def saved_and_recorded(model, path, loop, **options):
    """The weights that ``loop`` saved after each update, the first of them before it began, and the recorded ones."""
    saved = [flat(model)]
    recorder = quench.record(model, range(UPDATES + 1), path, seed=0, **options)

    def step(loss=None):
        saved.append(flat(model))
        recorder.step(loss)

    loop(model, step)
    recorder.close()
    return saved, snapshots.read(path)


def check(model, path, loop):
    saved, found = saved_and_recorded(model, path, loop)
    assert len(saved) == UPDATES + 1 and found["time"].values.tolist() == list(range(UPDATES + 1))
    assert np.array_equal(found["weights"][0], saved)
    # A loop in which nothing moves would show nothing.
    assert all((one != other).any() for one, other in itertools.pairwise(saved))


def batches(model, count=UPDATES):
    """Random batches of the type of the model's weights."""
    torch.manual_seed(1)
    kind = next(model.parameters()).dtype
    return [torch.randn(8, 4, dtype=kind) for _ in range(count)]


def train(model, step, optimizer=None, loss=lambda model, batch: model(batch).float().pow(2).mean()):
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.1, momentum=0.5)
    for batch in batches(model):
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        step(value)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.body = nn.Embedding(4, 3), nn.Linear(3, 3)
        self.head = nn.Linear(3, 4, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        return self.head(torch.tanh(self.body(self.embed(x.argmax(1)))))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(4, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.lstm(x[None])[0])


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrices = nn.ParameterList([torch.randn(4, 5), torch.randn(5, 2)])
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        return self.scale * torch.tanh(x @ self.matrices[0]) @ self.matrices[1]


class Used(nn.Module):
    """One layer that is applied twice."""

    def __init__(self):
        super().__init__()
        self.layer, self.out = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(torch.tanh(self.layer(torch.tanh(self.layer(x)))))


def materialised():
    model = nn.Sequential(nn.LazyLinear(5), nn.Tanh(), nn.LazyLinear(2))
    model(torch.randn(2, 4))
    return model


def frozen():
    model = mlp()
    model[0].weight.requires_grad_(False)
    return model


def transposed():
    """A weight that does not lie in memory row by row."""
    model = mlp()
    model[0].weight = nn.Parameter(torch.randn(4, 5).t())
    assert not model[0].weight.is_contiguous()
    return model


def mixed():
    return nn.Sequential(nn.Linear(4, 5, dtype=torch.float64), nn.Tanh(), nn.Linear(5, 2, dtype=torch.float64).float())


def parametrised(register):
    return nn.Sequential(register(nn.Linear(4, 5)), nn.Tanh(), register(nn.Linear(5, 2)))


MODELS = {
    "plain": mlp,
    "tied": Tied,
    "recurrent": Recurrent,
    "parameters by hand": ByHand,
    "layer used twice": Used,
    "lazy": materialised,
    "frozen weights": frozen,
    "transposed": transposed,
    "weight_norm": lambda: parametrised(parametrizations.weight_norm),
    "spectral_norm": lambda: parametrised(parametrizations.spectral_norm),
    "orthogonal": lambda: parametrised(parametrizations.orthogonal),
    "weight_norm, earlier form": lambda: parametrised(nn.utils.weight_norm),
    "batch_norm and dropout": lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(), nn.Linear(5, 2)),
    "convolution": lambda: nn.Sequential(nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2), nn.Flatten(), nn.Linear(3, 2)),
    "attention": lambda: nn.Sequential(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), nn.Linear(4, 2)),
    "bfloat16": lambda: mlp().bfloat16(),
    "float16": lambda: mlp().half(),
    "float64": lambda: mlp().double(),
    "compiled": lambda: torch.compile(mlp(), backend="eager"),
    "DataParallel": lambda: nn.DataParallel(mlp()),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weights_of_any_model(tmp_path, make):
    torch.manual_seed(0)
    check(make(), tmp_path / "run.nc", train)


def adam(model, step):
    train(model, step, torch.optim.AdamW(model.parameters(), 0.01))


def lbfgs(model, step):
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=3)
    for batch in batches(model):

        def closure(batch=batch):
            optimizer.zero_grad()
            value = model(batch).pow(2).mean()
            value.backward()
            return value

        step(optimizer.step(closure))


def accumulated(model, step):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for number, batch in enumerate(batches(model, 3 * UPDATES), 1):
        (model(batch).pow(2).mean() / 3).backward()
        if number % 3 == 0:
            optimizer.step()
            optimizer.zero_grad()
            step()


def autocast(model, step):
    def loss(model, batch):
        with torch.autocast("cpu", torch.bfloat16):
            return model(batch).pow(2).mean()

    train(model, step, loss=loss)


def scaled(model, step):
    optimizer, scaler = torch.optim.SGD(model.parameters(), 0.1), torch.amp.GradScaler("cpu")
    for batch in batches(model):
        optimizer.zero_grad()
        scaler.scale(model(batch).pow(2).mean()).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        step()


def two_optimisers(model, step):
    both = [torch.optim.SGD(layer.parameters(), 0.1) for layer in (model[0], model[2])]
    for batch in batches(model):
        for optimizer in both:
            optimizer.zero_grad()
        model(batch).pow(2).mean().backward()
        for optimizer in both:
            optimizer.step()
        step()


def scheduled(model, step):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=UPDATES)
    train(model, lambda loss: (rates.step(), step(loss)), optimizer)


def by_hand(model, step):
    for batch in batches(model):
        gradients = torch.autograd.grad(model(batch).pow(2).mean(), list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.data = parameter.data - 0.1 * gradient
        step()


def functional(model, step):
    weights = dict(model.named_parameters())
    for batch in batches(model):
        gradient = torch.func.grad(lambda now, x: torch.func.functional_call(model, now, (x,)).pow(2).mean())
        with torch.no_grad():
            for name, change in gradient(weights, batch).items():
                weights[name] -= 0.1 * change
        step()


def checkpointed(model, step):
    train(model, step, loss=lambda model, batch: checkpoint(model, batch, use_reentrant=False).pow(2).mean())


def loaded_by_workers(model, step):
    """Processes that load data are forked while the file is open."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    data = torch.utils.data.TensorDataset(torch.randn(8 * UPDATES, 4))
    for (batch,) in torch.utils.data.DataLoader(data, batch_size=8, num_workers=1):
        optimizer.zero_grad()
        model(batch).pow(2).mean().backward()
        optimizer.step()
        step()


def in_a_thread(model, step):
    thread = threading.Thread(target=train, args=(model, step))
    thread.start()
    thread.join()


def averaged_beside(model, step):
    """An average is taken, and its copy of the weights is used in between, as in an evaluation."""
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))

    def then(loss):
        average.update_parameters(model)
        kept = copy.deepcopy(model.state_dict())
        model.load_state_dict(average.module.state_dict())
        model.load_state_dict(kept)
        step(loss)

    train(model, then)


def loaded(model, step, **how):
    """A checkpoint is loaded after ``record``, as many scripts do."""
    model.load_state_dict({name: 2 * value for name, value in model.state_dict().items()}, **how)
    train(model, step)


def assigned(model, step):
    loaded(model, step, assign=True)


def replaced(model, step):
    """A layer is replaced by another of its shape, again and again."""
    for _ in range(UPDATES):
        model[0] = nn.Linear(4, 5)
        step()


def widened(model, step):
    model.double()
    train(model, step)


def swapped_out(model, step):
    """The optimiser works on other storage than the model, which gets the result, as in sharded training."""
    for batch in batches(model):
        master = [p.detach().double().requires_grad_() for p in model.parameters()]
        model(batch).pow(2).mean().backward()
        for one, parameter in zip(master, model.parameters(), strict=True):
            one.grad = parameter.grad.double()
        torch.optim.SGD(master, 0.1).step()
        model.load_state_dict(dict(zip(model.state_dict(), (one.detach().float() for one in master), strict=True)))
        model.zero_grad()
        step()


LOOPS = [
    *(adam, lbfgs, accumulated, autocast, scaled, two_optimisers, scheduled, by_hand, functional, checkpointed),
    *(loaded_by_workers, in_a_thread, averaged_beside, loaded, assigned, replaced, swapped_out),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_weights_of_any_loop(tmp_path, loop):
    torch.manual_seed(0)
    check(mlp(), tmp_path / "run.nc", loop)


def test_average_of_the_weights_is_recorded_where_it_is_named(tmp_path):
    torch.manual_seed(0)
    model = mlp()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))

    def loop(average, step):
        train(model, lambda loss: (average.update_parameters(model), step(loss)))

    check(average, tmp_path / "run.nc", loop)


def test_several_networks_at_once_by_vmap(tmp_path):
    torch.manual_seed(0)
    models = [mlp() for _ in range(3)]
    stacked, _ = torch.func.stack_module_state(models)
    saved, recorder = [], quench.record(models, range(1, UPDATES + 1), tmp_path / "run.nc", seed=0)
    skeleton = copy.deepcopy(models[0])
    for batch in batches(skeleton):
        gradient = torch.func.grad(lambda now, x: torch.func.functional_call(skeleton, now, (x,)).pow(2).mean())
        changes = torch.func.vmap(gradient, in_dims=(0, None))(stacked, batch)
        stacked = {name: (values - 0.1 * changes[name]).detach() for name, values in stacked.items()}
        for number, model in enumerate(models):
            model.load_state_dict({name: values[number] for name, values in stacked.items()}, assign=True)
        saved.append([flat(model) for model in models])
        recorder.step()
    found = snapshots.read(tmp_path / "run.nc")["weights"]
    assert np.array_equal(found.transpose("time", "network", "weight"), saved)


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_interrupted_and_resumed(tmp_path, end):
    """The loop is left in the middle, its model restored from its own checkpoint, and compiled after that."""
    torch.manual_seed(0)
    model, path, saved = mlp(), tmp_path / "run.nc", []
    saved.append(flat(model))

    def updates(trained, first, last, recorder):
        optimizer = torch.optim.SGD(trained.parameters(), 0.1)
        for batch in batches(trained)[first:last]:
            optimizer.zero_grad()
            trained(batch).pow(2).mean().backward()
            optimizer.step()
            saved.append(flat(trained))
            recorder.step()

    with contextlib.suppress(end), quench.record(model, range(UPDATES + 1), path) as recorder:
        updates(model, 0, 4, recorder)
        raise end
    # The checkpoint is older than the last snapshot.
    second = torch.compile(mlp(), backend="eager")
    second._orig_mod.load_state_dict(model.state_dict())
    with torch.no_grad():
        nn.utils.vector_to_parameters(torch.tensor(saved[3]).float(), second.parameters())
    del saved[4:]
    with quench.record(second, range(UPDATES + 1), path, step=3) as recorder:
        updates(second, 3, UPDATES, recorder)
    assert np.array_equal(snapshots.read(path)["weights"][0], saved)


@pytest.fixture
def process_group(tmp_path):
    torch.distributed.init_process_group("gloo", rank=0, world_size=1, init_method=f"file://{tmp_path}/group")
    yield
    torch.distributed.destroy_process_group()


def sharded(model):
    fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
    return model


@pytest.mark.parametrize("wrap", [nn.parallel.DistributedDataParallel, sharded])
def test_wrapped_models_are_their_plain_selves(tmp_path, process_group, wrap):
    torch.manual_seed(0)
    plain, wrapped = mlp(), wrap(copy.deepcopy(model := mlp()))
    plain.load_state_dict(model.state_dict())
    files = []
    for name, one in (("plain", plain), ("wrapped", wrapped)):
        check(one, tmp_path / f"{name}.nc", train)
        files.append((tmp_path / f"{name}.nc").read_bytes())
    assert files[0] == files[1]


def test_model_that_is_sharded_after_record_is_followed(tmp_path, process_group):
    def loop(model, step):
        train(sharded(model), step)

    torch.manual_seed(0)
    check(mlp(), tmp_path / "run.nc", loop)


def test_wider_weights_are_rounded_to_the_recorded_type(tmp_path):
    torch.manual_seed(0)
    saved, found = saved_and_recorded(mlp(), tmp_path / "run.nc", widened)
    assert found["weights"].dtype == np.float32
    assert np.array_equal(found["weights"][0], np.float32(saved))


def new_head(model):
    model[2] = nn.Linear(5, 3)


def without_head(model):
    del model[2]


def narrowed(model):
    model.bfloat16()


def reshaped(model):
    model[2].weight.data = torch.zeros(5, 2)


def offloaded(model):
    model.to_empty(device="meta")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (new_head, "'2.weight' has the shape (3, 5) instead of (2, 5)"),
        (without_head, "'2.weight' is no longer a parameter"),
        (narrowed, "'0.weight' has the type bfloat16 instead of float32"),
        (reshaped, "'2.weight' has the shape (5, 2) instead of (2, 5)"),
        (offloaded, "'0.weight' has lost its values"),
    ],
)
def test_another_model_ends_the_recording_but_not_the_training(tmp_path, capsys, change, words):
    model = mlp()
    recorder = quench.record(model, range(5), tmp_path / "run.nc")
    recorder.step()
    change(model)
    for _ in range(5):
        recorder.step()
    recorder.close()
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and words in printed and "training continues" in printed
    assert snapshots.read(unfinished.part_path(tmp_path / "run.nc"))["time"].values.tolist() == [0, 1]


def test_weights_that_are_trained_later_are_reported_once(tmp_path, capsys):
    model = frozen()
    recorder = quench.record(model, range(3), tmp_path / "run.nc")
    model[0].weight.requires_grad_(True)
    recorder.step()
    recorder.step()
    assert capsys.readouterr().err.count("'0.weight': trained, but not recorded") == 1
    assert snapshots.read(tmp_path / "run.nc").sizes["time"] == 3


@pytest.mark.parametrize("sample", [1, 9, 18, 37])
def test_sample_of_any_loop(tmp_path, sample):
    torch.manual_seed(0)
    saved, found = saved_and_recorded(transposed(), tmp_path / "run.nc", train, sample=sample)
    assert found.sizes["weight"] == sample
    assert np.array_equal(found["weights"][0], np.array(saved)[:, found["weight"].values])
