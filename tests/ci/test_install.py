"""install.sh, in every shell that it may meet, against archives that are good, damaged and hostile."""

import functools
import gzip
import hashlib
import http.server
import io
import os
import shutil
import ssl
import stat
import sys
import tarfile
import tempfile
import threading
import tomllib
import unittest
from pathlib import Path

from world import CLEAN, ROOT, run

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
NAME = f"jira-{VERSION}-linux-{MACHINE}"
# The shells of Debian, of Alpine, and of macOS.
SHELLS = [["dash"], ["busybox", "ash"], ["bash", "--posix"]]
# What the script calls besides a downloader and a checksum tool.
NEEDED = ["cat", "chmod", "cp", "gzip", "mkdir", "mktemp", "mv", "rm", "tar", "uname"]
PROGRAM = f"#!/bin/sh\n[ \"$1\" = version ] && printf 'jira version {VERSION}\\nplatform: here\\n'\n"
OLD = "the program that was there before\n"


def packed(program):
    """An archive as the release workflow packs it."""
    with tempfile.TemporaryDirectory() as directory:
        binary = Path(directory) / "jira"
        binary.write_text(program)
        binary.chmod(0o755)
        done = run([sys.executable, ROOT / ".github/package.py", f"linux-{MACHINE}", binary, directory])
        assert done.returncode == 0, done.stderr
        return (Path(directory) / f"{NAME}.tar.gz").read_bytes()


def archive(*members):
    """One made by hand: (path, content, link target)."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as made:
        for path, content, link in members:
            entry = tarfile.TarInfo(path)
            entry.mode, entry.size = 0o755, len(content)
            if link:
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, link, 0
            made.addfile(entry, io.BytesIO(content.encode()))
    return raw.getvalue()


def sums(data):
    return f"{'0' * 64}  another.tar.gz\n{hashlib.sha256(data).hexdigest()}  {NAME}.tar.gz\n"


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.good = packed(PROGRAM)

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.release = self.directory / "release" / f"v{VERSION}"
        self.release.mkdir(parents=True)
        self.bin = self.directory / "bin"
        self.home = self.directory / "home"
        self.home.mkdir()
        self.publish(self.good)

    def publish(self, data, text=None):
        (self.release / f"{NAME}.tar.gz").write_bytes(data)
        (self.release / "SHA256SUMS").write_text(sums(data) if text is None else text)

    def install(self, *words, shell=("dash",), source=None, **environment):
        source = source or f"file://{self.directory}/release"
        environment = {**CLEAN, "HOME": str(self.home), "JIRA_INSTALL_DIR": str(self.bin), **environment}
        environment = {name: value for name, value in environment.items() if value is not None}
        found = shutil.which(shell[0])
        return run([found, *shell[1:], ROOT / "install.sh", "--from", source, *words], env=environment, cwd=self.directory)

    def is_installed(self, done, where=None):
        where = where or self.bin
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(stat.S_IMODE((where / "jira").stat().st_mode), 0o755)
        self.assertEqual((where / "jira").read_text(), PROGRAM)
        self.assertEqual(os.listdir(where), ["jira"], "nothing is left beside it")

    def is_refused(self, done, word, code=1):
        """It says why, and neither is anything new there nor is the old one gone."""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(word, done.stderr)
        here = os.listdir(self.bin) if self.bin.exists() else []
        self.assertIn(here, ([], ["jira"]))
        if here:
            self.assertEqual((self.bin / "jira").read_text(), OLD)
        self.assertEqual(os.listdir(self.home), [])
        self.assertFalse((self.directory / "pwned").exists())

    def only(self, *tools, **links):
        """A PATH with nothing but these."""
        path = self.directory / "path"
        path.mkdir(exist_ok=True)
        for tool in tools:
            links[tool] = shutil.which(tool, path=CLEAN["PATH"])
            self.assertIsNotNone(links[tool], f"{tool} is not on this machine")
        for name, target in links.items():
            (path / name).unlink(missing_ok=True)
            (path / name).symlink_to(target)
        return str(path)

    def stub(self, name, text):
        path = self.directory / f"stub-{name}"
        path.write_text(text)
        path.chmod(0o755)
        return path

    def serve(self, handler, context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port


class Good(Install):
    def test_a_good_archive_is_installed_by_every_shell(self):
        for shell in SHELLS:
            with self.subTest(shell=shell):
                shutil.rmtree(self.bin, ignore_errors=True)
                self.is_installed(self.install(shell=shell))

    def test_it_goes_to_the_home_directory_if_nothing_else_is_said(self):
        done = self.install(JIRA_INSTALL_DIR=None)
        self.is_installed(done, self.home / ".local/bin")
        self.assertIn("is not in PATH", done.stderr)

    def test_an_old_program_is_replaced_and_a_link_is_not_followed(self):
        self.bin.mkdir()
        (self.directory / "elsewhere").write_text(OLD)
        (self.bin / "jira").symlink_to(self.directory / "elsewhere")
        self.is_installed(self.install())
        self.assertEqual((self.directory / "elsewhere").read_text(), OLD)

    def test_every_tool_that_computes_the_sum_will_do(self):
        for tool in ("sha256sum", "shasum", "openssl"):
            with self.subTest(tool=tool):
                path = self.only(*NEEDED, tool, *(["perl"] if tool == "shasum" else []))
                shutil.rmtree(self.bin, ignore_errors=True)
                self.is_installed(self.install(PATH=path))
                self.publish(self.good, sums(b"another"))
                (self.bin / "jira").write_text(OLD)
                self.is_refused(self.install(PATH=path), "is not what SHA256SUMS says")
                self.publish(self.good)
                shutil.rmtree(self.directory / "path")

    def test_it_fetches_over_http_on_this_machine_with_curl_and_with_wget(self):
        handler = functools.partial(Quiet, directory=str(self.directory / "release"))
        port = self.serve(handler)
        for tool in ("curl", "wget"):
            for host in ("127.0.0.1", "localhost"):
                with self.subTest(tool=tool, host=host):
                    shutil.rmtree(self.bin, ignore_errors=True)
                    path = self.only(*NEEDED, "sha256sum", tool)
                    # A proxy is not this machine.
                    done = self.install(PATH=path, source=f"http://{host}:{port}", http_proxy="http://127.0.0.1:9")
                    self.is_installed(done)
            shutil.rmtree(self.directory / "path")

    def test_the_same_build_is_the_same_archive(self):
        self.assertEqual(packed(PROGRAM), self.good)

    def test_help_is_help(self):
        done = self.install("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--require-attestation", done.stdout)


class Refused(Install):
    def setUp(self):
        super().setUp()
        self.bin.mkdir()
        (self.bin / "jira").write_text(OLD)

    def test_a_wrong_sum(self):
        self.publish(self.good, sums(self.good + b"x"))
        for shell in SHELLS:
            self.is_refused(self.install(shell=shell), "is not what SHA256SUMS says")

    def test_a_missing_sum(self):
        self.publish(self.good, f"{hashlib.sha256(self.good).hexdigest()}  {NAME}.tar.gz.old\n")
        for shell in SHELLS:
            self.is_refused(self.install(shell=shell), "has no checksum of")
        (self.release / "SHA256SUMS").unlink()
        self.is_refused(self.install(), "SHA256SUMS cannot be read")

    def test_a_sum_that_is_none_or_stands_twice(self):
        for text in (f"abc  {NAME}.tar.gz\n", f"{'g' * 64}  {NAME}.tar.gz\n", f"  {NAME}.tar.gz\n"):
            self.publish(self.good, text)
            self.assertNotEqual(self.install().returncode, 0, text)
            self.is_refused(self.install(), "checksum")
        self.publish(self.good, sums(self.good) + sums(b"another"))
        self.is_refused(self.install(), "twice")

    def test_a_truncated_archive_even_if_its_sum_is_right(self):
        short = self.good[: len(self.good) // 2]
        self.publish(short, sums(self.good))
        self.is_refused(self.install(), "is not what SHA256SUMS says")
        self.publish(short)
        for shell in SHELLS:
            self.is_refused(self.install(shell=shell), "damaged")
        self.publish(gzip.compress(b""))
        self.is_refused(self.install(), "does not have one")

    def test_a_machine_that_cannot_compute_a_sum(self):
        path = self.only(*NEEDED)
        for shell in (["dash"], ["bash", "--posix"]):
            self.is_refused(self.install(shell=shell, PATH=path), "no sha256sum, shasum or openssl")
        # And one whose tool does not work.
        path = self.only(sha256sum=self.stub("sha256sum", "#!/bin/sh\nexit 1\n"))
        self.is_refused(self.install(PATH=path), "cannot be computed")

    def test_a_hostile_archive(self):
        good = (f"{NAME}/jira", PROGRAM, "")
        cases = {
            "leads out": [
                (f"{NAME}/../../pwned", "x", ""),
                ("../pwned", "x", ""),
                (f"{self.directory}/pwned", "x", ""),
                (f"{NAME}/..", "", ""),
            ],
            "beside": [("pwned", "x", ""), (f"{NAME}2/jira", PROGRAM, "")],
        }
        for word, members in cases.items():
            for member in members:
                for shell in SHELLS:
                    with self.subTest(member=member, shell=shell):
                        self.publish(archive(good, member))
                        self.is_refused(self.install(shell=shell), word)

    def test_a_program_that_is_a_link_or_is_there_twice_or_not_at_all(self):
        (self.directory / "secret").write_text(PROGRAM)
        self.publish(archive((f"{NAME}/jira", "", str(self.directory / "secret"))))
        self.is_refused(self.install(), "is no file")
        good = (f"{NAME}/jira", PROGRAM, "")
        self.publish(archive(good, good))
        self.is_refused(self.install(), "does not have one")
        self.publish(archive((f"{NAME}/LICENSE", "x", "")))
        self.is_refused(self.install(), "does not have one")

    def test_a_program_that_does_not_start_or_is_another_version(self):
        self.publish(archive((f"{NAME}/jira", "#!/bin/sh\nexit 1\n", "")))
        self.is_refused(self.install(), "does not start")
        for says in (f"jira version {VERSION}0", f"jira version {VERSION}.1", f"jira version {VERSION}-rc", f"jira {VERSION}", "jira", "something else"):
            self.publish(archive((f"{NAME}/jira", f"#!/bin/sh\necho '{says}'\n", "")))
            self.is_refused(self.install(), f"is not version {VERSION}")

    def test_another_sum_than_the_one_written_down(self):
        self.is_refused(self.install("--sha256", "0" * 64), "not what --sha256 says")
        self.is_refused(self.install("--sha256", "abc"), "64 hexadecimal", 2)
        done = self.install("--sha256", hashlib.sha256(self.good).hexdigest())
        self.is_installed(done)

    def test_a_version_that_is_not_there_and_words_that_are_none(self):
        self.is_refused(self.install("--version", "99.0.0"), "cannot be read")
        for word in ("", "../x", "1.0/..", "1 0", "$(touch pwned)", "-1", "1..2"):
            self.is_refused(self.install("--version", word), "--version is a version", 2)
        for word in ("owner", "a/b/c", "/b", "a/", "a b/c", "a/../b"):
            self.is_refused(self.install("--repository", word), "OWNER/NAME", 2)
        self.is_refused(self.install("--nonsense"), "unknown option", 2)
        self.is_refused(self.install("--version"), "needs a value", 2)

    def test_a_source_that_is_not_https_or_this_machine(self):
        for source in (
            "http://mirror.example.com",
            "http://127.0.0.1@evil.example.com",
            "http://127.0.0.1:80@evil.example.com",
            "http://127.0.0.1.evil.example.com",
            "http://localhost:80:evil",
            "http://127.0.0.1:/x",
            "https://user:pass@mirror.example.com",
            "https://mirror.example.com/$(touch pwned)",
            "https://mirror.example.com/a b",
            "ftp://mirror.example.com",
            "file://relative",
            "/plain/path",
            "--upload-file",
        ):
            with self.subTest(source=source):
                self.is_refused(self.install(source=source), "--from", 2)

    def test_no_source_at_all(self):
        done = run(["dash", ROOT / "install.sh"], env={**CLEAN, "HOME": str(self.home)})
        self.is_refused(done, "--from is required", 2)

    def test_a_wget_that_checks_no_certificates(self):
        path = self.only(*NEEDED, "sha256sum", wget=shutil.which("busybox"))
        done = self.install(PATH=path, source="https://mirror.example.com")
        self.is_refused(done, "does not check certificates")
        shutil.rmtree(self.directory / "path")
        self.is_refused(self.install(PATH=self.only(*NEEDED, "sha256sum"), source="https://m.example.com"), "neither")

    def test_a_place_that_is_a_directory(self):
        (self.bin / "jira").unlink()
        (self.bin / "jira").mkdir()
        done = self.install()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is a directory", done.stderr)
        self.assertEqual(os.listdir(self.bin / "jira"), [])

    def test_a_script_that_was_cut_off_does_nothing(self):
        # One that needs no option, so that nothing but the cut keeps it from installing.
        (self.directory / "releases").mkdir()
        (self.directory / "releases/download").symlink_to(self.directory / "release")
        text = (ROOT / "install.sh").read_text()
        text = text.replace('REPOSITORY=""', f'REPOSITORY="file://{self.directory}"').encode()
        cut = self.directory / "cut.sh"

        def start(shell):
            environment = {**CLEAN, "HOME": str(self.home), "JIRA_INSTALL_DIR": str(self.bin)}
            return run([shutil.which(shell[0]), *shell[1:], cut], env=environment, cwd=self.directory)

        ends = [*range(0, len(text) - 2, 211), *range(len(text) - 80, len(text) - 2)]
        for shell in SHELLS:
            for end in ends[:: 1 if shell == SHELLS[0] else 5]:
                cut.write_bytes(text[:end])
                start(shell)
                self.assertEqual((self.bin / "jira").read_text(), OLD, f"{shell}: cut off after {end}")
        cut.write_bytes(text)
        self.is_installed(start(SHELLS[0]))


class Https(Install):
    """Over TLS, with a certificate that the machine trusts."""

    def setUp(self):
        super().setUp()
        self.certificate, key = self.directory / "cert.pem", self.directory / "key.pem"
        made = run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-keyout", key, "-out", self.certificate, "-days", "2", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost"]
        )
        self.assertEqual(made.returncode, 0, made.stderr)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        self.directory_served = functools.partial(Quiet, directory=str(self.directory / "release"))

    def test_a_trusted_certificate_is_needed_and_enough(self):
        port = self.serve(self.directory_served, self.context)
        self.is_refused(self.install(source=f"https://localhost:{port}"), "cannot be fetched")
        # Not even by a .curlrc that switches the check off.
        curlrc = self.directory / ".curlrc"
        curlrc.write_text("insecure\n")
        done = self.install(source=f"https://localhost:{port}", CURL_HOME=str(self.directory))
        self.is_refused(done, "cannot be fetched")
        done = self.install(source=f"https://localhost:{port}", CURL_CA_BUNDLE=str(self.certificate))
        self.is_installed(done)

    def test_a_redirect_to_plain_http_is_not_followed(self):
        seen = []

        class Plain(Quiet):
            def do_GET(self):
                seen.append(self.path)
                super().do_GET()

        plain = self.serve(functools.partial(Plain, directory=str(self.directory / "release")))

        class Redirect(Quiet):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{plain}{self.path}")
                self.end_headers()

        port = self.serve(Redirect, self.context)
        done = self.install(source=f"https://localhost:{port}", CURL_CA_BUNDLE=str(self.certificate))
        self.is_refused(done, "cannot be fetched")
        self.assertEqual(seen, [])


class Provenance(Install):
    def gh(self, verify, login=0):
        """A gh that notes what it is asked to verify."""
        text = f"""#!/bin/sh
case "$1 $2 $3" in
  'attestation verify --help') exit 0 ;;
  'attestation verify '*) echo "$*" >>{self.directory}/asked; exit {verify} ;;
  'auth token '*) exit {login} ;;
esac
exit 99
"""
        return self.only(*NEEDED, "sha256sum", gh=self.stub("gh", text))

    def test_gh_is_asked_about_the_archive_and_its_workflow(self):
        done = self.install("--repository", "owner/name", PATH=self.gh(0))
        self.is_installed(done)
        asked = (self.directory / "asked").read_text().split()
        self.assertEqual(asked[:2], ["attestation", "verify"])
        self.assertTrue(asked[2].endswith(f"/{NAME}.tar.gz"))
        self.assertEqual(asked[3:], "--repo owner/name --signer-workflow owner/name/.github/workflows/release.yml".split())

    def test_what_gh_refuses_is_refused_whether_it_was_demanded_or_not(self):
        for words in ([], ["--require-attestation"]):
            self.is_refused(self.install("--repository", "owner/name", *words, PATH=self.gh(1)), "gh does not find")

    def test_what_cannot_be_verified_is_said_and_refused_if_it_was_demanded(self):
        without = self.only(*NEEDED, "sha256sum")
        cases = [
            (["--repository", "owner/name"], without, "there is no gh"),
            (["--repository", "owner/name"], self.gh(0, login=1), "gh is not logged in"),
            ([], self.gh(0), "no GitHub repository is known"),
        ]
        for words, path, why in cases:
            (self.directory / "path" / "gh").unlink(missing_ok=True)
            if why != "there is no gh":
                path = self.gh(0, login=1 if "logged" in why else 0)
            self.is_refused(self.install(*words, "--require-attestation", PATH=path), why)
            done = self.install(*words, PATH=path)
            self.is_installed(done)
            self.assertIn(why, done.stderr)
            shutil.rmtree(self.bin)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main()
