"""Where a figure belongs: its paper, its section there and its number, in the order of the papers."""

from __future__ import annotations

from typing import NamedTuple


class Paper(NamedTuple):
    """``key`` as the claims name it; ``name`` and ``title`` as a reader knows it."""

    key: str
    name: str
    title: str


class Place(NamedTuple):
    """A figure's paper, section, label and rank; figures are sorted by (paper, section, rank)."""

    paper: Paper
    section: str
    label: str
    rank: int


KWJ = Paper("KWJ", "Kerr Winter & Janssen 2024", "Glassy dynamics in deep neural networks: a structural comparison")
BJ = Paper("BJ", "Baity-Jesi et al. 2018", "Comparing dynamics: deep neural networks versus glassy systems")
THEORY = Paper("theory", "Theory", "The glass itself: p-spin model and mode-coupling theory")
OURS = Paper("ours", "Beyond both papers", "What neither paper asks")
OWN = Paper("own", "Your own", "Figures of your own runs and experiments")
PAPERS = (KWJ, BJ, THEORY, OURS, OWN)

# Sections in the papers' order. A figure that is not listed goes to the end of the group that its name starts with, one
# of any other name to your own.
_SECTIONS: dict[Paper, dict[str, dict[str, str]]] = {
    KWJ: {
        "III.1 Phase diagram": {"kwj_fig1": "Fig. 1"},
        "III.2 Relaxation with overdamped Langevin dynamics": {"kwj_fig2": "Fig. 2", "kwj_fig3": "Fig. 3"},
        "III.3 The long-time limit of Q(t)": {"kwj_fig4": "Fig. 4"},
        "III.4 Caging": {"kwj_fig5": "Fig. 5", "kwj_fig6": "Fig. 6"},
        "III.5 Stokes-Einstein relation and dynamic heterogeneity": {"kwj_fig7": "Fig. 7"},
        "III.6 Ageing": {"kwj_fig8": "Fig. 8"},
        "App. B Choosing ε": {"kwj_figa1": "Fig. A1"},
        "App. C Measurement process": {"kwj_figa2": "Fig. A2"},
        "App. D Transitions with CIFAR-10": {"kwj_figa3": "Fig. A3"},
        "App. E Further decorrelation plots": {"kwj_figa4": "Fig. A4"},
        "App. F Weights in a quadratic basin": {"kwj_figa5": "Fig. A5"},
        "App. G The long-time limit of Q(t), further": {"kwj_figa6": "Fig. A6", "kwj_figa7": "Fig. A7"},
        "App. I Dynamic heterogeneity with CIFAR-10": {"kwj_figa8": "Fig. A8"},
        "App. J Ageing": {"kwj_figa9": "Fig. A9", "kwj_figa10": "Fig. A10", "kwj_figa11": "Fig. A11"},
    },
    BJ: {
        "2 Basic facts on glassy dynamics": {"bj_fig1": "Fig. 1"},
        "3.1 The loss function": {"bj_fig2": "Fig. 2"},
        "3.2 Two-time correlation functions": {"bj_fig3": "Fig. 3", "bj_fig4": "Fig. 4"},
        "4 The under-parameterised network": {"bj_fig5": "Fig. 5"},
        "Beyond the paper": {
            "bj_glass": "Glass and network",
            "bj_collapse": "Note 12",
            "bj_drift": "Sec. 3.2",
            "bj_flat": "Sec. 3.2, 4",
            "bj_plateau": "Fig. 5b",
            "bj_width": "Sec. 4",
        },
    },
    THEORY: {
        "The p-spin glass": {
            "theory_ageing": "Ageing",
            "theory_fdt": "Fluctuation and dissipation",
            "theory_finite_size": "Finite size",
        },
        "Mode-coupling theory": {"theory_mct": "F1 and F2"},
    },
    OURS: {"": {"ours_immobile": "Immobile weights"}},
}
_PLACES = {
    figure: Place(paper, section, label, rank)
    for paper, sections in _SECTIONS.items()
    for rank, (section, figures) in enumerate(sections.items())
    for figure, label in figures.items()
}
_REST = 1000


def place(figure: str) -> Place:
    """The place of a figure of the config, by name; any name has one."""
    if figure in _PLACES:
        return _PLACES[figure]
    prefix, _, rest = figure.partition("_")
    paper = next((paper for paper in PAPERS if paper.key.lower() == prefix), OWN)
    return Place(paper, "Further figures" if paper in _SECTIONS else "", rest.replace("_", " "), _REST)


def ordered(figures: list[str]) -> list[str]:
    """Figures by paper, section and their order within it."""
    known = list(_PLACES)

    def rank(name: str) -> tuple[int, int, int, str]:
        where = place(name)
        within = known.index(name) if name in _PLACES else len(known)
        return PAPERS.index(where.paper), where.rank, within, name

    return sorted(figures, key=rank)
