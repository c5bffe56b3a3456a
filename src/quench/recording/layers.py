"""Names of a model's parameters as they are without wrappers, the layers that own them, and which layer is the output."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from torch import nn

from quench.errors import QuenchError, nearest

# Submodules through which torch.compile, DistributedDataParallel, averaged, sharded and checkpointed models hold the model.
_WRAPPERS = frozenset({"_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
# Parts of names that stand for the output in most published models.
_OUTPUTS = frozenset(
    ["head", "heads", "lm_head", "classifier", "readout", "logits", "score", "output", "output_layer", "fc_out"]
)


def parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """All parameters by name; names of wrappers are left out, and a tied parameter has its first name."""
    named = dict(model.named_parameters())
    plain = {_plain(name): parameter for name, parameter in named.items()}
    return plain if len(plain) == len(named) else named


def class_name(model: nn.Module) -> str:
    """The name of the class of ``model``, without wrappers."""
    while len(children := dict(model.named_children())) == 1 and children.keys() <= _WRAPPERS:
        (model,) = children.values()
    kind = type(model)
    # fully_shard() gives a module a class of its own, derived from FSDPModule and the original one.
    sharded = any(base.__name__ == "FSDPModule" for base in kind.__bases__)
    return (kind.__bases__[-1] if sharded else kind).__name__


def owners(model: nn.Module, names: Sequence[str]) -> list[str]:
    """The module that each of the parameters ``names`` belongs to.

    A parametrised weight belongs to the module that uses it, a tied one to the last module that is no embedding.
    """
    last: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        embeds = isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding)
        if not embeds or id(parameter) not in last:
            last[id(parameter)] = _owner(name)
    found = parameters(model)
    return [last[id(found[name])] for name in names]


def output_layer(model: nn.Module, names: Sequence[str], declared: str | None = None) -> str:
    """The module, among the ``owners`` of the parameters ``names``, that computes the output.

    ``declared``, or else the first of these that exists: the output embeddings that a model of the transformers library
    states; a layer that shares its matrix with an embedding; the last layer in a module named as an output (head,
    classifier, ...); the end of a chain of matrices that were registered in another order; the last layer with a matrix.
    Raises ``QuenchError`` for a declared name without weights.
    """
    owned, found = owners(model, names), parameters(model)
    if declared is not None:
        if (chosen := _plain(declared)) not in owned:
            raise QuenchError(f"output_layer: no trained weights in a module {declared!r}{nearest(chosen, owned)}")
        return chosen
    shapes = ((owner, tuple(found[name].shape)) for name, owner in zip(names, owned, strict=True))
    matrices = {owner: shape for owner, shape in shapes if len(shape) > 1}
    everywhere = model.named_parameters(remove_duplicate=False)
    places = {_owner(name): place for place, (name, _) in enumerate(everywhere)}
    order = sorted(matrices, key=places.__getitem__)
    chain = [(name, matrices[name]) for name in order]
    for found_by in (_stated(model), _tied(model), _named(order), _end_of_chain(chain)):
        if found_by in matrices:
            return found_by
    return order[-1] if order else owned[-1]


def _plain(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _owner(name: str) -> str:
    """The module that uses the parameter ``name``: ``0.parametrizations.weight.original0`` belongs to ``0``."""
    return re.sub(r"(^|\.)parametrizations\..*", "", _plain(name).rpartition(".")[0] + ".").rstrip(".")


def _stated(model: nn.Module) -> str | None:
    """The output embeddings of a model of the transformers library, or of the one inside ``model``."""
    for inner in model.modules():
        if callable(get := getattr(inner, "get_output_embeddings", None)):
            layer = get()
            return next((_plain(name) for name, module in model.named_modules() if module is layer), None)
    return None


def _tied(model: nn.Module) -> str | None:
    """The layer that shares its matrix with an embedding."""
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for name, module in model.named_modules():
        if not isinstance(module, nn.Embedding) and id(getattr(module, "weight", None)) in embeddings:
            return _plain(name)
    return None


def _named(order: Sequence[str]) -> str | None:
    """The last layer in the one module, at most one level deep, that is named as an output."""
    for depth in (1, 2):
        inside = [name for name in order if _OUTPUTS.intersection(name.split(".")[depth - 1 : depth])]
        if len({tuple(name.split(".")[:depth]) for name in inside}) == 1:
            return inside[-1]
    return None


def _end_of_chain(matrices: Sequence[tuple[str, tuple[int, ...]]]) -> str | None:
    """The one layer whose outputs are inputs of no other, where matrices (outputs, inputs) are in another order."""
    shapes = [shape for _, shape in matrices]
    if any(len(shape) != 2 for shape in shapes) or all(one[0] == two[1] for one, two in itertools.pairwise(shapes)):
        return None
    inputs, outputs = {shape[1] for shape in shapes}, {shape[0] for shape in shapes}
    ends = [name for name, shape in matrices if shape[0] not in inputs]
    starts = [name for name, shape in matrices if shape[1] not in outputs]
    return ends[0] if len(ends) == len(starts) == 1 else None
