"""Section of external runs: recorded elsewhere (``quench.record`` or other software), measured and drawn here."""

from __future__ import annotations

from quench.config.base import Section, Time, key


class External(Section):
    """Snapshots files of one run, measured together; its figure is ``external_<name>``."""

    PLANNING = frozenset({"snapshots", "fit", "collapse"})

    snapshots: tuple[str, ...] = key(
        ..., "snapshots files, relative to the folder where Snakemake runs; their networks are averaged", min_length=1
    )
    chi: float = key(..., "overlap length epsilon = sigma / chi (KWJ Eq. 14)", gt=0)
    waiting_times: tuple[Time, ...] = key(
        (), "t_w, among the snapshot times; empty takes those declared in the recording", unit="updates"
    )
    motility_lags: tuple[Time, ...] = key(
        (), "lags with a motility histogram; empty picks one per decade", unit="updates"
    )
    include_output_layer: bool = key(True, "include the output layer's weights in the observables", off="hidden_only")
    fit: tuple[float, float] | None = key(None, "window of t_w for the ageing exponent of its figure", unit="updates")
    collapse: bool = key(False, "its figure is also drawn against t / t_w")
