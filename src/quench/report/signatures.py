"""Signatures of a glass, and the claims that say whether networks show them."""

from __future__ import annotations

from typing import NamedTuple


class Evidence(NamedTuple):
    """A claim, its content in a few words, and whether it is evidence for a glass where it is reproduced."""

    claim: str
    words: str
    like: bool


class Signature(NamedTuple):
    """A signature of glassy dynamics, its form in a glass, and evidence for each of ``SYSTEMS``."""

    name: str
    glass: str
    evidence: dict[str, tuple[Evidence, ...]]


SYSTEMS = {
    "pspin": "The 3-spin glass, solved",
    "regularised": "Langevin noise, regularised",
    "under": "Langevin noise, underparameterised",
    "over": "Langevin noise, overparameterised",
    "sgd_under": "SGD, too few weights",
    "sgd_over": "SGD, enough weights",
}


def _like(claim: str, words: str) -> Evidence:
    return Evidence(claim, words, True)


def _unlike(claim: str, words: str) -> Evidence:
    return Evidence(claim, words, False)


SIGNATURES = (
    Signature(
        "Slowing down on cooling",
        "Relaxation times diverge at a temperature above zero.",
        {
            "regularised": (
                _unlike("kwj-3d-finite", "no divergence at any T"),
                _unlike("kwj-3d-plateau", "at low T no dependence on T"),
            ),
            "under": (
                _unlike("kwj-3e-finite", "no divergence at any T"),
                _unlike("kwj-3e-plateau", "at low T no dependence on T"),
            ),
            "over": (
                _unlike("kwj-3f-diverges", "divergence at T = 0 only"),
                _unlike("kwj-3f-slope", "as 1/T, like free weights"),
            ),
        },
    ),
    Signature(
        "Time-temperature superposition",
        "Curves of all temperatures collapse when time is divided by the relaxation time.",
        {
            "regularised": (_like("kwj-4a-collapse", "curves collapse"),),
            "under": (_unlike("kwj-a6a-leaves", "some temperatures leave the master curve"),),
            "over": (
                _like("kwj-a6b-collapse", "curves collapse"),
                _unlike("kwj-3f-brownian", "as those of free weights do"),
            ),
        },
    ),
    Signature(
        "Power law of mode-coupling theory",
        "Near its transition the correlation decays as a power law, t^-1/2 in the schematic model F1.",
        {
            "regularised": (
                _like("kwj-4a-mct", "exponent near -1/2"),
                _unlike("ours-4a-brownian", "so have free weights"),
            ),
            "under": (
                _like("kwj-a6a-exponent", "the same exponent"),
                _unlike("ours-a6a-brownian", "so have free weights"),
            ),
            "over": (
                _like("kwj-a6b-exponent", "the same exponent"),
                _unlike("ours-a6b-brownian", "so have free weights"),
            ),
        },
    ),
    Signature(
        "Caging",
        "The mean square displacement has a plateau, then an escape.",
        {
            "pspin": (_like("bj-1-plateau", "a plateau at 2 (1 - q_EA)"),),
            "regularised": (
                _unlike("kwj-5a-no-cage", "no cage"),
                _unlike("kwj-3-two-stage-a", "the overlap relaxes in one stage"),
            ),
            "under": (
                _unlike("kwj-5b-no-cage", "no cage"),
                _unlike("kwj-3-two-stage-b", "the overlap relaxes in one stage"),
            ),
            "over": (
                _unlike("kwj-5c-no-cage", "no cage"),
                _unlike("kwj-3-two-stage-c", "the overlap relaxes in one stage"),
            ),
            "sgd_under": (
                _like("bj-5-plateau", "a plateau with epochs"),
                _unlike("bj-5-epoch", "absent with independent batches"),
            ),
            "sgd_over": (_unlike("bj-4-no-plateau", "no plateau at the bottom"),),
        },
    ),
    Signature(
        "Dynamic heterogeneity",
        "Some particles move much more than others: displacements are not Gaussian, until late times.",
        {
            "regularised": (
                _like("kwj-7a-nongaussian", "not Gaussian at low T"),
                _like("kwj-7d-bimodal", "two kinds of weights"),
                _unlike("kwj-7a-stays", "not Gaussian again at late times"),
            ),
            "under": (
                _like("kwj-7b-nongaussian", "not Gaussian at low T"),
                _like("kwj-7e-bimodal", "two kinds of weights"),
            ),
            "over": (
                _like("kwj-7c-nongaussian", "not Gaussian at low T"),
                _like("kwj-7f-bimodal", "two kinds of weights"),
            ),
        },
    ),
    Signature(
        "Ageing",
        "After a quench the relaxation time grows with the waiting time, without limit.",
        {
            "pspin": (
                _like("ours-1-ageing", "in proportion to the waiting time"),
                _like("ours-1-collapse", "one curve of t/t_w"),
                _like("ours-1-violation", "at an effective temperature T/X"),
            ),
            "regularised": (_like("kwj-8b-ageing", "ages"),),
            "under": (_like("kwj-8d-ageing", "ages"),),
            "over": (_unlike("kwj-a11-none", "no ageing"),),
            "sgd_under": (_like("ours-5-ageing", "ages until the end"),),
            "sgd_over": (
                _like("bj-3-ageing", "ages while it learns"),
                _unlike("bj-3-bottom", "not at the bottom"),
            ),
        },
    ),
    Signature(
        "Slow descent",
        "After a quench the energy decreases ever more slowly and stays above its minimum.",
        {
            "pspin": (
                _like("bj-1-power", "a power of time"),
                _like("bj-1-threshold", "ends at the threshold states"),
            ),
            "sgd_under": (_like("bj-5-loss", "the loss stays above zero"),),
            "sgd_over": (
                _like("bj-2-log-b", "decreases as log t"),
                _unlike("bj-2-zero-b", "reaches its minimum"),
            ),
        },
    ),
    Signature(
        "Saddles before minima",
        "The number of directions of negative curvature decreases with the energy.",
        {
            "sgd_under": (_unlike("bj-5-negative", "negative curvature persists"),),
            "sgd_over": (_like("ours-2-negative", "ever less negative curvature"),),
        },
    ),
    Signature(
        "A temperature",
        "The bath keeps the noise constant.",
        {
            "sgd_under": (_like("ours-4.2-temperature", "constant noise after t1"),),
            "sgd_over": (_unlike("bj-4.2-noise", "the noise vanishes with the loss"),),
        },
    ),
)
