#!/usr/bin/env python3
"""Packs a built `jira` as it is released.

    python3 .github/package.py PLATFORM path/to/jira OUTPUT-DIRECTORY

Makes `jira-VERSION-PLATFORM.tar.gz` (a `.zip` for Windows) with the program, LICENSE, README.md, CHANGELOG.md, and,
where the program has the commands for them, completions and the manual page. install.sh reads what this writes.
The same input makes the same archive: names sorted, owner root, time of the commit (SOURCE_DATE_EPOCH).
"""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["CHANGELOG.md", "LICENSE", "README.md"]
# What `jira completion` calls the shell, and what the shell calls its file.
COMPLETIONS = {
    "bash": "jira.bash",
    "elvish": "jira.elv",
    "fish": "jira.fish",
    "powershell": "_jira.ps1",
    "zsh": "_jira",
}


def main(platform, program, output):
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
    name = f"jira-{version}-{platform}"
    says = ask(program, "version")
    if says.decode().split()[:3] != ["jira", "version", version]:
        sys.exit(f"{program} is not jira {version}")
    files = contents(platform, program)
    moment = int(os.environ.get("SOURCE_DATE_EPOCH", 0))
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    if platform.startswith("windows"):
        path = output / f"{name}.zip"
        pack_zip(path, name, files, moment)
    else:
        path = output / f"{name}.tar.gz"
        pack_tar(path, name, files, moment)
    print(path)


def contents(platform, program):
    """Path in the archive, its bytes, whether it is a program."""
    binary = "jira.exe" if platform.startswith("windows") else "jira"
    files = [(binary, Path(program).read_bytes(), True)]
    files += [(page, (ROOT / page).read_bytes(), False) for page in PAGES]
    if knows(program, "completion"):
        files += [(f"completions/{file}", ask(program, "completion", shell), False) for shell, file in COMPLETIONS.items()]
    else:
        print("no completions: this version has no `jira completion`", file=sys.stderr)
    if knows(program, "man"):
        files.append(("man/jira.1", ask(program, "man"), False))
    else:
        print("no manual page: this version has no `jira man`", file=sys.stderr)
    return sorted(files)


def knows(program, command):
    return subprocess.run([program, "help", command], capture_output=True, check=False).returncode == 0


def ask(program, *words):
    return subprocess.run([program, *words], stdout=subprocess.PIPE, check=True).stdout


def pack_tar(path, name, files, moment):
    # gzip writes the time as well, and by itself that of now.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, moment) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for file, data, program in files:
                entry = tarfile.TarInfo(f"{name}/{file}")
                entry.size, entry.mtime, entry.mode = len(data), moment, 0o755 if program else 0o644
                entry.uname = entry.gname = "root"
                archive.addfile(entry, io.BytesIO(data))


def pack_zip(path, name, files, moment):
    # Its time begins with 1980.
    when = max(time.gmtime(moment)[:6], (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file, data, program in files:
            entry = zipfile.ZipInfo(f"{name}/{file}", when)
            entry.external_attr = (0o100755 if program else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
