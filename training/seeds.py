"""Seeds: trees grown with several seeds as one model, whose log-odds are the mean of theirs."""

import re
from collections.abc import Sequence

import lightgbm

_TREE = re.compile(r"^Tree=\d+\n", re.MULTILINE)
_DIVIDED = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)


def averaged(grown: Sequence[lightgbm.Booster]) -> lightgbm.Booster:
    """All their trees one after the other, every leaf divided by how many models there are.

    So a sum over trees is a mean over seeds, and Shapley values, linear in the leaves, are means as well.
    Text in, text out: LightGBM has no call for it.
    """
    if len(grown) == 1:
        return grown[0]
    texts = [booster.model_to_string() for booster in grown]
    trees = [_divided(tree, len(texts)) for text in texts for tree in _trees(text)]
    body = "".join(f"Tree={place}\n{tree}" for place, tree in enumerate(trees))
    return lightgbm.Booster(model_str=f"{_before(texts[0])}\n{body}end of trees{_after(texts[0])}")


def _before(text: str) -> str:
    """The model's head, without the sizes of its trees: LightGBM then finds them by itself."""
    return text[: text.index("tree_sizes=")]


def _trees(text: str) -> list[str]:
    """Each tree's lines below its number."""
    return _TREE.split(text[: text.index("end of trees")])[1:]


def _after(text: str) -> str:
    return text[text.index("end of trees") + len("end of trees") :]


def _divided(tree: str, by: int) -> str:
    def share(line: re.Match[str]) -> str:
        return f"{line[1]}={' '.join(repr(float(value) / by) for value in line[2].split())}"

    return _DIVIDED.sub(share, tree)
