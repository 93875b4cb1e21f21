#!/usr/bin/env python3
"""Draws docs/demo.svg, the picture in the README, from a real run of `jira sandbox demo`.

    cargo build --release
    python3 docs/picture.py [path/to/jira]

The program runs in a pseudo-terminal of 100 columns; its colours are its own. Only the lines of the tour
that start with `#` and `$` get a colour here. Where lines are left out, a line says how many.
Python's standard library is enough.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import tempfile
import termios
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS, ROWS = 100, 50

# What of each part of the tour is shown, by the start of its comment: lines at the top, lines at the end.
# What is not named here is not in the picture.
PARTS = {
    "# Log in:": (6, 0),
    "# Search.": (99, 0),
    "# Get one issue.": (99, 0),
    "# Move what": (15, 0),
    "# A failure": (99, 0),
}

FONT_SIZE, LINE, CHARACTER = 14, 20, 8.43
PAD, BAR = 18, 36
BACKGROUND, BAR_COLOUR, EDGE = "#0f1419", "#1b222c", "#2d3743"
TEXT, DIM, COMMENT, PROMPT = "#d5dce3", "#8794a3", "#8fb573", "#f0c674"
# The eight colours of a terminal, then the bright ones.
PALETTE = ["#3b4552", "#f07178", "#a5d16e", "#f0c674", "#6cb6ff", "#d2a6ff", "#5ccfe6", "#d5dce3"]
PALETTE += ["#65717f", "#ff8f95", "#bfe58d", "#ffd98f", "#93caff", "#e2c4ff", "#8be4f5", "#ffffff"]
FAMILY = "ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def run(program):
    """Everything the tour writes to a terminal of its own, with an empty home and nothing inherited."""
    with tempfile.TemporaryDirectory() as home:
        child, terminal = pty.fork()
        if child == 0:
            environment = {"PATH": os.defpath, "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
            try:
                # The size is set here, so that it is there before the program asks for it.
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
                os.chdir(home)
                os.execve(program, [program, "sandbox", "demo"], environment)
            except OSError as error:
                print(error)
                os._exit(127)
        written = b""
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # Linux says EIO when the other side has closed.
                break
            if not piece:
                break
            written += piece
        _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"sandbox demo ended with {code}:\n{written.decode(errors='replace')}")
    return written.decode()


def screen_lines(written):
    """The lines as a list of (text, style) runs; style is (colour or None, bold, dim)."""
    lines = []
    for raw in written.replace("\r\n", "\n").split("\n"):
        runs, style = [], (None, False, False)
        for piece in re.split(r"(\x1b\[[0-9;]*m)", raw):
            if piece.startswith("\x1b["):
                style = restyled(style, [int(code or 0) for code in piece[2:-1].split(";")])
            elif piece:
                runs.append((piece, style))
        lines.append(runs)
    return lines


def restyled(style, codes):
    colour, bold, dim = style
    for code in codes:
        if code == 0:
            colour, bold, dim = None, False, False
        elif code == 1:
            bold = True
        elif code == 2:
            dim = True
        elif code == 22:
            bold = dim = False
        elif 30 <= code <= 37:
            colour = PALETTE[code - 30]
        elif code == 39:
            colour = None
        elif 90 <= code <= 97:
            colour = PALETTE[code - 82]
    return colour, bold, dim


def text_of(runs):
    return "".join(text for text, _ in runs)


def chosen(lines):
    """The parts of the tour that the picture shows, with a line in place of what is left out."""
    parts, part = [], []
    for runs in lines:
        if text_of(runs).startswith("# ") and part and not text_of(runs).startswith("# exit code"):
            parts.append(part)
            part = []
        part.append(runs)
    parts.append(part)
    shown = []
    for part in parts:
        while part and not text_of(part[-1]).strip():
            part.pop()
        wanted = next((sizes for start, sizes in PARTS.items() if part and text_of(part[0]).startswith(start)), None)
        if wanted is None:
            continue
        head, tail = wanted
        left_out = len(part) - head - tail
        if left_out > 1:
            note = [(f"… {left_out} more lines", (DIM, False, False))]
            part = part[:head] + [note] + (part[-tail:] if tail else [])
        shown += part + [[]]
    return shown[:-1]


def dressed(runs):
    """The tour's own lines: comments and commands."""
    text = text_of(runs)
    if text.startswith("# "):
        return [(text, (COMMENT, False, False))]
    if text.startswith("$ "):
        return [("$", (PROMPT, True, False)), (text[1:], ("#ffffff", True, False))]
    return runs


def wrapped(runs):
    """Lines as wide as the terminal, broken where it breaks them: at the last column."""
    line, width = [], 0
    for text, style in runs:
        while text:
            piece, text = text[: COLUMNS - width], text[COLUMNS - width :]
            line.append((piece, style))
            width += len(piece)
            if width == COLUMNS and text:
                yield line
                line, width = [], 0
    yield line


def drawn(lines):
    width = round(COLUMNS * CHARACTER + 2 * PAD)
    height = BAR + len(lines) * LINE + 2 * PAD - 6
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title">',
        '<title id="title">A terminal in which jira sandbox demo logs in, searches, gets an issue and moves what a commit message names</title>',
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10" fill="{BACKGROUND}" stroke="{EDGE}"/>',
        f'<path d="M.5 {BAR}V10.5a10 10 0 0 1 10-10H{width - 10.5}a10 10 0 0 1 10 10V{BAR}z" fill="{BAR_COLOUR}" stroke="{EDGE}"/>',
    ]
    for index, colour in enumerate(["#f07178", "#f0c674", "#a5d16e"]):
        svg.append(f'<circle cx="{22 + 20 * index}" cy="{BAR / 2}" r="6" fill="{colour}"/>')
    svg.append(f'<g font-family="{FAMILY}" font-size="{FONT_SIZE}" fill="{TEXT}">')
    svg.append(f'<text x="{width / 2}" y="{BAR / 2 + 5}" fill="{DIM}" text-anchor="middle">jira sandbox demo</text>')
    for row, runs in enumerate(lines):
        y = BAR + PAD + FONT_SIZE - 4 + row * LINE
        column = 0
        spans = []
        for text, (colour, bold, dim) in runs:
            # Each word has its place and length, so that columns stay columns in every font, and runs of
            # spaces are not drawn, because browsers make one of them.
            look = f' fill="{colour}"' if colour else f' fill="{DIM}"' if dim else ""
            look += ' font-weight="700"' if bold else ""
            for words in re.finditer(r"[^ ]+(?: [^ ]+)*", text):
                place = PAD + (column + words.start()) * CHARACTER
                length = len(words[0]) * CHARACTER
                word = escape(words[0], quote=False)
                spans.append(f'<tspan x="{place:.1f}" textLength="{length:.1f}"{look}>{word}</tspan>')
            column += len(text)
        if spans:
            svg.append(f'<text y="{y}">{"".join(spans)}</text>')
    svg += ["</g>", "</svg>", ""]
    return "\n".join(svg)


def main():
    program = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parent / "target" / "release" / "jira")
    if not program.is_file():
        sys.exit(f"{program} is not there: cargo build --release, or name the program")
    lines = [dressed(runs) for runs in chosen(screen_lines(run(str(program.resolve()))))]
    rows = [row for runs in lines for row in wrapped(runs)]
    target = HERE / "demo.svg"
    target.write_text(drawn(rows), encoding="utf-8")
    print(f"{target.name}: {len(rows)} lines, {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
