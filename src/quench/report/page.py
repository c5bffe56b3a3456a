"""The report as one self-contained HTML file: templates filled with the contents, style, script and data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup, escape

from quench.cost.disk import readable
from quench.report import downloads, graph, provenance, svg
from quench.report.compare import Comparison
from quench.report.contents import VERDICTS, Contents
from quench.report.papers import PAPERS
from quench.report.signatures import SYSTEMS
from quench.report.summary import findings

TEMPLATES = Path(__file__).parent / "templates"
MARKS = {"yes": "✓", "no": "✗", "open": "?"}
READINGS = {
    "like": ("◆", "as in a glass"),
    "unlike": ("◇", "unlike a glass"),
    "no": ("✗", "not reproduced"),
    "open": ("?", "open at this scale"),
}
# Plain text of captions and claims, and how the papers print it.
_SYMBOLS = {
    r"\btau_?90\b": "τ<sub>90</sub>",
    r"\btau_e\b": "τ<sub>e</sub>",
    r"\balpha2\b": "α<sub>2</sub>",
    r"\balpha\b": "α",
    r"\blambda_max\b": "λ<sub>max</sub>",
    r"\blambda\b": "λ",
    r"\b(epsilon|eps)\b": "ε",
    r"\bchi\b": "χ",
    r"\bsigma\b": "σ",
    r"\bmu\b": "μ",
    r"\bDelta\b": "Δ",
    r"\bP_D\b": "P<sub>D</sub>",
    r"\bt_w\b": "t<sub>w</sub>",
    r"\bt_f\b": "t<sub>f</sub>",
    r"\bt([12])\b": r"t<sub>\1</sub>",
    r"\bQ_inf\b": "Q<sub>∞</sub>",
    r"\bq_EA\b": "q<sub>EA</sub>",
    r"\b([ET])_(th|d)\b": r"\1<sub>\2</sub>",
    r"\^(-?[\d.]+(?:/\d+)?\b|\(-?[\d./]+\))": r"<sup>\1</sup>",
    r"\b1e\+?(-?)0*(\d+)\b": r"10<sup>\1\2</sup>",
    r"\b([\d.]+)e\+?(-?)0*(\d+)\b": r"\1×10<sup>\2\3</sup>",
    r"(?<![\w.])-(?=\d)": "−",
}


def render(contents: Contents) -> str:
    """The report of one scenario."""
    # The job that makes this page is still running.
    total = provenance.total(spent for stage, spent in contents.spent.items() if stage != "report")
    return _page(
        "report.html",
        contents=contents,
        findings=findings(contents.signatures()),
        claims_table=svg.download(downloads.claims(contents.claims), "text/csv"),
        citation=(TEMPLATES / "citation.bib").read_text(encoding="utf-8"),
        total=total,
        graph=Markup(graph.drawing(contents.spent)),
        stages={name: contents.spent[name] for name in graph.BOXES if name in contents.spent},
        versions=provenance.versions(figure.numbers for figure in contents.figures),
        seeds=provenance.seeds(contents.config),
        resolved=yaml.safe_dump(contents.config, sort_keys=False, allow_unicode=True, width=100),
    )


def render_comparison(comparison: Comparison) -> str:
    """The comparison of two scenarios."""
    return _page("comparison.html", comparison=comparison)


def _page(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "typeset": typeset,
        "number": number,
        "setting": setting,
        "duration": provenance.duration,
        "size": readable,
        # A data address is already escaped for an attribute in double quotes.
        "address": Markup,
    }
    environment.globals |= {
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "script": Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
        "verdicts": VERDICTS,
        "marks": MARKS,
        "readings": READINGS,
        "systems": SYSTEMS,
        "papers": {paper.key: paper for paper in PAPERS},
        "labels": {name: box.label for name, box in graph.BOXES.items()},
    }
    return environment.get_template(template).render(**values)


def typeset(text: str) -> Markup:
    """HTML with Greek letters and indices in place of their names."""
    html = str(escape(text))
    for word, printed in _SYMBOLS.items():
        html = re.sub(word, printed, html)
    return Markup(html)


def number(value: float | str | None) -> Markup:
    """Three digits of a claim's value, or a dash where there is none."""
    if value is None:
        return Markup("–")
    if isinstance(value, str):
        return Markup({"inf": "∞", "-inf": "−∞"}[value])
    return typeset(f"{value:.3g}")


def setting(value: Any) -> str:
    """A value of the configuration on one line, or a dash where there is none."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(setting, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
