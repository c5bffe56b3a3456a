"""The trained weights of models, looked up by name at every reading: all of them, or a sample."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from quench.errors import QuenchError
from quench.recording import layers

_SAMPLE_KEY = 20180720


class Weights:
    """The trained weights of ``models`` (network, weight) as float32 or float64: all, or the ``sample`` places of each.

    Parameters are looked up by name, so the recording follows those that the model replaces. ``header``: the part of an
    unfinished recording's header that describes them. ``sharded``: whether several processes hold the parts, all of which
    must read together. ``shapes`` of the parameters by name. ``writes``: whether this process writes the file; of those
    that train one model, the first does.
    """

    def __init__(self, models: Sequence[nn.Module], output_layer: str | None, sample: int | None) -> None:
        self._models = models
        named = [{n: p for n, p in layers.parameters(model).items() if p.requires_grad} for model in models]
        for number, parameters in enumerate(named):
            _check(parameters, f"model: network {number}:" if len(models) > 1 else "model:")
            _check_same(named[0], parameters, number)
        _check_apart(named)
        self._expected = {name: (tuple(p.shape), p.dtype) for name, p in named[0].items()}
        self.shapes = {name: shape for name, (shape, _) in self._expected.items()}
        self._sizes = [math.prod(shape) for shape, _ in self._expected.values()]
        self.total, self._reported = sum(self._sizes), False
        self.sharded, self.writes = _roles(models[0], named[0])
        kinds = {kind for _, kind in self._expected.values()}
        self._dtype = torch.float64 if torch.float64 in kinds else torch.float32
        names = list(self._expected)
        index = None if sample is None else drawn(sample, self.total)
        self._places = None if index is None else self._split(index)
        self.header: dict[str, Any] = {
            "layers": [[name, size] for name, size in zip(names, self._sizes, strict=True)],
            "owners": layers.owners(models[0], names),
            "output_layer": layers.output_layer(models[0], names, output_layer),
            "dtype": _name(self._dtype),
            "dtype_of_weights": _name(max(kinds, key=lambda kind: torch.finfo(kind).eps)),
            "n_weights": self.total if index is None else len(index),
            "index": None if index is None else index.tolist(),
        }

    def read(self) -> np.ndarray:
        """The present weights (network, weight); for weights on a device, this waits for it.

        Raises ``QuenchError`` where a parameter is absent, or its shape, precision or processes are others than at first.
        """
        networks = [layers.parameters(model) for model in self._models]
        for (name, expected), found in itertools.product(self._expected.items(), networks):
            if change := self._change(found.get(name), *expected):
                raise QuenchError(f"model: {name!r} {change}, since record() was called")
        self._report_others(networks[0])
        values = np.empty((len(networks), self.header["n_weights"]), _name(self._dtype))
        for row, found in zip(values, networks, strict=True):
            start = 0
            for piece in self.pieces([found[name] for name in self._expected], self._dtype):
                row[start : start + len(piece)] = piece.cpu().numpy()
                start += len(piece)
        return values

    def _split(self, index: np.ndarray) -> list[torch.Tensor]:
        """The places ``index``, ascending, among all weights of a network, as places in each of its parameters."""
        ends = np.cumsum(self._sizes)
        parts = np.split(index, np.searchsorted(index, ends[:-1]))
        return [torch.from_numpy(part - end + size) for part, end, size in zip(parts, ends, self._sizes, strict=True)]

    def pieces(self, parameters: Sequence[torch.Tensor], dtype: torch.dtype) -> Iterable[torch.Tensor]:
        """The recorded values of one network; one transfer from the device for each parameter, or one for a sample."""
        if self._places is None:
            return (_complete(one).reshape(-1).to(dtype) for one in parameters)
        pieces = []
        for number, (one, places) in enumerate(zip(parameters, self._places, strict=True)):
            if len(places):
                complete = _complete(one)
                self._places[number] = places.to(complete.device)
                # Unlike an index into a flat copy, this costs what is taken.
                pieces.append(complete.take(self._places[number]).to(dtype))
        return [torch.cat([piece.to(pieces[0].device) for piece in pieces])]

    def _change(self, now: torch.Tensor | None, shape: tuple[int, ...], kind: torch.dtype) -> str:
        if now is None:
            return "is no longer a parameter"
        if tuple(now.shape) != shape:
            return f"has the shape {tuple(now.shape)} instead of {shape}"
        if torch.finfo(now.dtype).eps > torch.finfo(kind).eps:
            return f"has the type {_name(now.dtype)} instead of {_name(kind)}"
        if not self.sharded and is_sharded(now):
            return "is sharded over several processes, which must call record() after fully_shard()"
        return "has lost its values (meta device)" if now.is_meta else ""

    def _report_others(self, found: Mapping[str, nn.Parameter]) -> None:
        others = [name for name, parameter in found.items() if parameter.requires_grad and name not in self._expected]
        if others and not self._reported:
            more = f" and {len(others) - 1} more" if others[1:] else ""
            print(f"quench: {others[0]!r}{more}: trained, but not recorded; added after record()", file=sys.stderr)
            self._reported = True


def drawn(sample: int, total: int) -> np.ndarray:
    """``sample`` different places below ``total``, ascending, int64: the same on every machine, at a cost of the sample."""
    if not 1 <= sample <= total:
        raise QuenchError(f"sample: from 1 to the {total:,} weights of the model, not {sample}")
    fewer = min(sample, total - sample)
    # Raw words of a counter generator: NumPy guarantees their values across versions.
    generator, chosen = np.random.Philox(key=_SAMPLE_KEY), np.empty(0, np.int64)
    while len(chosen) < fewer:
        more = (generator.random_raw(fewer) % np.uint64(total)).astype(np.int64)
        both = np.concatenate([chosen, more])
        # Each place counts where it was first drawn.
        chosen = both[np.sort(np.unique(both, return_index=True)[1])][:fewer]
    return np.sort(chosen) if fewer == sample else np.setdiff1d(np.arange(total), chosen)


def _complete(parameter: torch.Tensor) -> torch.Tensor:
    gathered: torch.Tensor = parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter
    return gathered.detach()


def _check(parameters: Mapping[str, nn.Parameter], where: str) -> None:
    """Raise ``QuenchError`` where the trained ``parameters`` of a network cannot be read."""
    if not parameters:
        raise QuenchError(f"{where} no parameter that needs a gradient")
    for name, parameter in parameters.items():
        if isinstance(parameter, nn.UninitializedParameter):
            raise QuenchError(f"{where} {name!r} has no shape yet; run one batch through the model first")
        if parameter.is_meta:
            raise QuenchError(f"{where} {name!r} is on the meta device and has no values yet; load them first")
        if "_flat_param" in name:
            raise QuenchError(f"{where} FullyShardedDataParallel hides its weights; use fully_shard() instead")
        if hasattr(parameter, "ds_shape") or not parameter.numel():
            raise QuenchError(f"{where} {name!r} holds no values here (partitioned among processes?)")
        if not parameter.dtype.is_floating_point or parameter.layout is not torch.strided:
            kind = f"{_name(parameter.dtype)}, {_name(parameter.layout)}"
            raise QuenchError(f"{where} only real, dense weights can be recorded; {name!r} is {kind}")


def _check_same(first: Mapping[str, nn.Parameter], other: Mapping[str, nn.Parameter], number: int) -> None:
    """Raise ``QuenchError`` where network ``number`` has ``other`` parameters than the ``first``."""
    for name in {**first, **other}:
        found = (first.get(name), other.get(name))
        one, two = ("absent" if p is None else f"{_name(p.dtype)} {tuple(p.shape)}" for p in found)
        if one != two:
            raise QuenchError(
                f"model: {name!r} is {one} in network 0 and {two} in network {number}; use a file for each"
            )
    if list(first) != list(other):
        raise QuenchError(
            f"model: networks 0 and {number} hold their parameters in different orders; use a file for each"
        )


def _check_apart(networks: Sequence[Mapping[str, nn.Parameter]]) -> None:
    """Raise ``QuenchError`` where two networks have a parameter in common: they would count as independent."""
    owner: dict[int, int] = {}
    for number, parameters in enumerate(networks):
        for name, parameter in parameters.items():
            place = id(parameter) if hasattr(parameter, "full_tensor") else parameter.data_ptr()
            if owner.setdefault(place, number) != number:
                raise QuenchError(
                    f"model: networks {owner[place]} and {number} are the same object, or share {name!r};"
                    " they would count as independent"
                )


def _roles(model: nn.Module, parameters: Mapping[str, nn.Parameter]) -> tuple[bool, bool]:
    """Whether several processes hold parts of ``model``, and whether this one is the first of those that train it."""
    for parameter in parameters.values():
        if is_sharded(parameter):
            return True, not any(parameter.device_mesh.get_coordinate() or [1])  # type: ignore[attr-defined]
    for module in model.modules():
        if type(module).__name__ == "FullyShardedDataParallel" and distributed.get_world_size() > 1:
            raise QuenchError("model: FullyShardedDataParallel hides its weights; use fully_shard() instead")
        if isinstance(module, DistributedDataParallel):
            return False, distributed.get_rank(module.process_group) == 0
    return False, True


def is_sharded(parameter: torch.Tensor) -> bool:
    return hasattr(parameter, "device_mesh") and parameter.device_mesh.size() > 1


def _name(kind: torch.dtype | torch.layout) -> str:
    return str(kind).removeprefix("torch.")
