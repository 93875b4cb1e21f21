"""The examples of docs/ci.md and README.md, cut out by the file name in their first line."""

import re

from ruamel.yaml import YAML
from world import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
NAMED = re.compile(r"(?:#|//) (\S+)\n")


def named(page="docs/ci.md"):
    """File name to text; a block without a name is no file."""
    found = {}
    for _, text in BLOCK.findall((ROOT / page).read_text()):
        name = NAMED.match(text)
        if name:
            assert name[1] not in found, f"{page} has {name[1]} twice"
            found[name[1]] = text
    return found


def blocks(page, language):
    """All blocks of a language, named or not."""
    return [text for kind, text in BLOCK.findall((ROOT / page).read_text()) if kind == language]


def yaml(text):
    return YAML(typ="safe").load(text)


def scripts(tree, path=""):
    """Every script in a workflow, an action or a GitLab file: where it stands, and its text."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            where = f"{path}.{key}"
            if key in ("run", "rotation-command") and isinstance(value, str):
                yield where, value
            elif key in ("script", "before_script", "after_script") and isinstance(value, list):
                yield where, "\n".join(value)
            else:
                yield from scripts(value, where)
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from scripts(value, f"{path}[{index}]")
