#!/usr/bin/env python3
"""Brings the generated parts of docs/cli.md up to date: help texts, variables, error codes.

    cargo build --release
    python3 docs/cli.py [path/to/jira]

A generated part stands between `<!-- WHAT -->` and `<!-- end -->`. WHAT is `help COMMAND…`, or `variables`, `agents`
or `codes`, which come from `jira schema`. Everything else in the page is written by hand. Python's standard library
is enough.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PART = re.compile(r"(<!-- (help[^>]*|variables|agents|codes) -->\n).*?(<!-- end -->)", re.S)


def said_by(*command):
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def help_of(program, words):
    """The help of a command without the options that every command has; those stand once, under `jira`."""
    text = said_by(program, *words, "--help")
    if words:
        text = text.split("\nGlobal options:")[0]
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "```\n" + "\n".join(lines) + "\n```\n"


def variables(schema):
    lines = ["| variable | what it is |", "|---|---|"]
    for row in schema["variables"]:
        words = re.sub(r"^as (--[\w-]+)$", r"as `\1`", row["usage"])
        if row.get("secret"):
            words += f"; a secret, or `{row['file']}` names a file with it"
        lines.append(f"| `{row['name']}` | {words} |")
    return "\n".join(lines) + "\n"


def agents(schema):
    return ", ".join(f"`{mark}`" for mark in schema["agent_marks"]) + ".\n"


def codes(schema):
    lines = ["| code | exit | retryable | actor |", "|---|---|---|---|"]
    for row in schema["error_codes"]:
        retryable = "yes" if row["retryable"] else "no"
        lines.append(f"| `{row['code']}` | {row['exit_code']} | {retryable} | {row['actor']} |")
    return "\n".join(lines) + "\n"


def main():
    program = str(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/jira").resolve())
    page = ROOT / "docs/cli.md"
    schema = json.loads(said_by(program, "schema"))

    def part(match):
        what = match[2].split()
        makers = {"variables": variables, "agents": agents, "codes": codes}
        text = help_of(program, what[1:]) if what[0] == "help" else makers[what[0]](schema)
        return match[1] + text + match[3]

    page.write_text(PART.sub(part, page.read_text()))


if __name__ == "__main__":
    main()
