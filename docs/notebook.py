"""Notebooks without a kernel: run their code cells, store what these print and draw, and write them as pages.

python docs/notebook.py docs/notebooks/glass.ipynb      run it again and store the outputs
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
from pathlib import Path


def run(notebook: dict) -> None:
    """Run all code cells of ``notebook`` in their order, in one namespace, and replace their outputs."""
    os.environ["MPLBACKEND"] = "agg"
    names: dict = {"__name__": "__main__"}
    for number, cell in enumerate((one for one in notebook["cells"] if one["cell_type"] == "code"), start=1):
        printed, tree = io.StringIO(), ast.parse("".join(cell["source"]))
        last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, f"cell {number}", "exec"), names)
            value = eval(compile(last, f"cell {number}", "eval"), names) if last else None
        drawn = [{"image/png": picture} for picture in _pictures()]
        text = printed.getvalue() + ("" if value is None or drawn else f"{value!r}\n")
        shown = [{"text/plain": text.splitlines(keepends=True)}] if text else []
        cell["execution_count"] = number
        cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data} for data in shown + drawn]


def _pictures() -> list[str]:
    """The open figures of matplotlib as PNG in base64; they are closed."""
    from matplotlib import pyplot as plt

    found = []
    for number in plt.get_fignums():
        target = io.BytesIO()
        plt.figure(number).savefig(target, dpi=80, bbox_inches="tight", metadata={"Software": None})
        found.append(base64.b64encode(target.getvalue()).decode())
    plt.close("all")
    return found


def page(notebook: dict, stem: Path) -> str:
    """The notebook as Markdown; its pictures are written to ``stem``-1.png, ``stem``-2.png, ..."""
    parts, count = [], 0
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(f"```python\n{source}\n```" if cell["cell_type"] == "code" else source)
        for data in (output["data"] for output in cell.get("outputs", ())):
            if "image/png" in data:
                picture = stem.with_name(f"{stem.name}-{(count := count + 1)}.png")
                picture.write_bytes(base64.b64decode(data["image/png"]))
                parts.append(f"![What the cell above draws]({picture.name})")
            else:
                parts.append(f"```text\n{''.join(data['text/plain'])}```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        content = json.loads(path.read_text(encoding="utf-8"))
        run(content)
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
