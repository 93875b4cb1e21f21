#!/usr/bin/env python3
"""Brings the generated parts of docs/cli.md up to date: help texts, variables, error codes.

    cargo build --release
    python3 docs/cli.py [path/to/jira]

A generated part stands between `<!-- WHAT -->` and `<!-- end -->`. WHAT is `help COMMAND…`, which runs the
program; `variables`, the table in src/config/env.rs; `agents`, the list below it; or `codes`, the table in
src/error.rs. Everything else in the page is written by hand. Python's standard library is enough.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"(<!-- (help[^>]*|variables|agents|codes) -->\n).*?(<!-- end -->)", re.S)
EXIT_CODES = {"Error": 1, "Usage": 2, "Auth": 3, "RateLimit": 4, "NotFound": 5, "Partial": 6, "Unavailable": 7}


def help_of(program, words):
    """The help of a command without the options that every command has; those stand once, under `jira`."""
    command = [program, *words, "--help"]
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    text = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    if words:
        text = text.split("\nGlobal options:")[0]
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "```\n" + "\n".join(lines) + "\n```\n"


def variables():
    source = (ROOT / "src/config/env.rs").read_text()
    rows = re.findall(r'^    (plain|secret|flag) "(\w+)" "([^"]+)",$', source, re.M)
    lines = ["| variable | what it is |", "|---|---|"]
    for kind, name, words in rows:
        if kind == "flag":
            words = f"as `--{words}`"
        if kind == "secret":
            words += f"; a secret, or `{name}_FILE` names a file with it"
        lines.append(f"| `{name}` | {words} |")
    return "\n".join(lines) + "\n"


def agents():
    source = (ROOT / "src/config/env.rs").read_text()
    marks = re.search(r"AGENT_MARKS: &\[&str\] = &\[(.*?)\];", source, re.S)[1]
    return ", ".join(f"`{mark}`" for mark in re.findall(r'"(\w+)"', marks)) + ".\n"


def codes():
    source = (ROOT / "src/error.rs").read_text()
    rows = re.findall(r'^    \w+ "(\w+)" (\w+) (\w+),$', source, re.M)
    lines = ["| code | exit | retryable | actor |", "|---|---|---|---|"]
    for word, kind, actor in rows:
        retryable = "yes" if kind == "Unavailable" or word == "rate_limited" else "no"
        lines.append(f"| `{word}` | {EXIT_CODES[kind]} | {retryable} | {actor.lower()} |")
    return "\n".join(lines) + "\n"


def main():
    program = str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/jira").resolve())
    page = ROOT / "docs/cli.md"

    def part(match):
        what = match[2].split()
        makers = {"help": lambda: help_of(program, what[1:]), "variables": variables, "agents": agents, "codes": codes}
        return match[1] + makers[what[0]]() + match[3]

    page.write_text(PART.sub(part, page.read_text()))


if __name__ == "__main__":
    main()
