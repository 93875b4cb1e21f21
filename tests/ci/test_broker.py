"""What deploy/ and docs/broker.md say, done: the same commands, settings and files, with real brokers, a real Redis and
a real haproxy, on other ports. What runs in containers elsewhere are processes here."""

import concurrent.futures
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from deployment import DEPLOY, PAGE, code, documents, manifests, one, pod, table, wire_codes
from examples import blocks
from world import CLEAN, JIRA, authorized, run


def free_ports(count):
    """Ports that nobody has, all of them different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def instead(text, ports):
    """The text with other ports."""
    for number, other in ports.items():
        text = re.sub(rf"(?<!\d){number}(?!\d)", str(other), text)
    return text


def until(what, seconds=30):
    """Asks again until it is so."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


class Processes(unittest.TestCase):
    """A place on disk, and processes that end with the test."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.home = Path(directory.name)
        self.processes = {}
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)
            if process.stdout:
                process.stdout.close()

    def start(self, name, command, environment=None, announces=False):
        """Starts a process; what it says on stderr goes to a file. Returns the JSON that it prints when it stands."""
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(each) for each in command],
                cwd=self.home,
                env={**CLEAN, "HOME": str(self.home), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if announces else log,
                stderr=log,
                text=True,
            )
        before = self.processes.get(name)
        if before and before.stdout:
            before.stdout.close()
        self.processes[name] = process
        if not announces:
            return None
        text = ""
        for line in process.stdout:
            text += line
            if line.rstrip() == "}":
                return json.loads(text)
        raise AssertionError(f"{name} ended: {self.log(name)}")

    def log(self, name):
        return (self.home / f"{name}.log").read_text()

    def stop(self, name, number=signal.SIGTERM):
        self.processes[name].send_signal(number)
        return self.processes[name].wait(timeout=90)


class Broker:
    """One address of brokers, as a caller sees it."""

    def __init__(self, url, token=None, context=None):
        self.url, self.token, self.context = url, token, context

    def ask(self, path, body=None):
        """Status, JSON (or text), headers."""
        ask = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode())
        if body is not None:
            ask.add_header("Content-Type", "application/json")
        if self.token:
            ask.add_header("Authorization", f"Bearer {self.token}")
        try:
            answer = urllib.request.urlopen(ask, timeout=60, context=self.context)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().decode()
            kind = answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if kind.startswith("application/json") else text, answer.headers

    def ready(self):
        try:
            return self.ask("/readyz")[0] == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def refresh(self, token):
        return self.ask("/v1/refresh", {"refresh_token": token})

    def metrics(self):
        """Each sample: its name, its labels, its value; and the type of each family."""
        status, text, _ = self.ask("/metrics")
        assert status == 200, text
        ends = {"counter": "_total", "info": "_info"}
        types = {name + ends.get(kind, ""): kind for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)}
        samples = []
        for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
            samples.append((name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)))
        return samples, types

    def count(self, name, **labels):
        return sum(value for each, has, value in self.metrics()[0] if each == name and labels.items() <= has.items())


class Compose(Processes):
    """deploy/compose, as it stands there, but for the ports and the name of the host of Redis."""

    def setUp(self):
        super().setUp()
        (tree,) = documents(DEPLOY / "compose/compose.yaml")
        self.services = tree["services"]
        named = [2990, 12990, 18080, 8081, 8082, 9081, 9082, 6379]
        self.ports = dict(zip(named, free_ports(len(named)), strict=True))
        (block,) = [text for text in blocks(PAGE, "sh") if "docker compose up" in text]
        self.make = block.splitlines()
        self.assertEqual((self.make[0], self.make[-1]), ("cd deploy/compose", "docker compose up --build"))
        done = run(["sh", "-euc", "\n".join(self.make[1:-1])], cwd=self.home, env=CLEAN)
        self.assertEqual(done.returncode, 0, done.stderr)
        url = self.home / "secrets/redis-url"
        url.write_text(self.local(url.read_text()))
        self.token = (self.home / "secrets/caller-tokens").read_text().strip().removeprefix("laptop=")

    def local(self, text):
        text = instead(str(text), self.ports).replace("@redis:", "@127.0.0.1:")
        return text.replace("/run/secrets", str(self.home / "secrets"))

    def redis(self):
        program, *rest = self.services["redis"]["command"]
        self.assertEqual(program, "valkey-server")
        port = self.ports[6379]
        self.start("redis", ["redis-server", *map(self.local, rest), "--port", port, "--bind", "127.0.0.1"])
        self.assertTrue(until(lambda: b"NOAUTH" in redis_says(port, b"PING\r\n")))

    def broker(self, name):
        service = self.services[name]
        environment = {key: self.local(value) for key, value in service["environment"].items()}
        about = self.start(name, [JIRA, *service["command"]], environment, announces=True)
        admin = Broker("http://" + environment["JIRA_BROKER_ADMIN_LISTEN"])
        return about, admin, Broker("http://" + environment["JIRA_BROKER_LISTEN"], self.token)

    def test_two_brokers_behind_a_proxy_are_one(self):
        self.redis()
        sandbox = [*map(self.local, self.services["jira"]["command"]), "--auto-approve", "developer"]
        jira = self.start("jira", [JIRA, *sandbox], announces=True)
        self.assertEqual(jira["client_secret"], (self.home / "secrets/client-secret").read_text().strip())
        _, admin_1, broker_1 = self.broker("broker-1")
        _, admin_2, _ = self.broker("broker-2")
        self.assertTrue(until(admin_1.ready) and until(admin_2.ready))
        config = self.home / "haproxy.cfg"
        config.write_text(instead((DEPLOY / "compose/haproxy.cfg").read_text(), self.ports))
        self.start("haproxy", ["haproxy", "-f", config])
        front = Broker(f"http://127.0.0.1:{self.ports[18080]}", self.token)

        def reached():
            try:
                return front.ask("/v1/refresh")[0] == 405
            except (urllib.error.URLError, ConnectionError):
                return False

        self.assertTrue(until(reached), self.log("haproxy"))

        # The door to the sandbox, and a login through the brokers: Jira demands the secret here as well.
        outside = f"http://127.0.0.1:{self.ports[12990]}"
        asked = authorized(outside, jira["client_id"])
        self.assertEqual(Broker(front.url).ask("/v1/exchange", asked)[0], 401)
        status, pair, _ = front.ask("/v1/exchange", asked)
        self.assertEqual(status, 200, pair)

        # Fifty at once, turn by turn at the one and the other: one call to Jira, one answer.
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: front.refresh(pair["refresh_token"]), range(50)))
        self.assertEqual({status for status, _, _ in answers}, {200}, answers)
        self.assertEqual(len({answer["refresh_token"] for _, answer, _ in answers}), 1)
        calls = [each.count("jira_broker_upstream_requests_total", grant="refresh") for each in (admin_1, admin_2)]
        self.assertEqual(sum(calls), 1, calls)
        for each in (admin_1, admin_2):
            self.assertGreater(each.count("jira_broker_requests_total", route="refresh", code="ok"), 5)
        after = answers[0][1]["refresh_token"]

        # One of them ends, in the middle of refreshes: none fails.
        for turn in range(12):
            if turn == 4:
                self.assertEqual(self.stop("broker-2"), 0)
            status, answer, _ = front.refresh(after)
            if status == 503 and turn >= 4:
                self.assertTrue(until(lambda: front.refresh(after)[0] == 200, 10))
                status, answer, _ = front.refresh(after)
            self.assertEqual(status, 200, answer)
            after = answer["refresh_token"]

        # Redis away, and back.
        self.stop("redis", signal.SIGKILL)
        status, answer, headers = broker_1.refresh(after)
        self.assertEqual((status, answer["error"]), (503, "coordination_unavailable"))
        self.assertGreater(int(headers["Retry-After"]), 0)
        self.assertTrue(until(lambda: not admin_1.ready()))
        self.redis()
        self.assertTrue(until(admin_1.ready))
        self.assertTrue(until(lambda: front.refresh(after)[0] == 200, 20))

        self.assertEqual(self.stop("broker-1"), 0)
        said = self.log("broker-1") + self.log("broker-2")
        for secret in (jira["client_secret"], self.token, pair["refresh_token"], pair["access_token"], after):
            self.assertNotIn(secret, said)

    def test_the_file_and_the_page_make_the_secrets_alike(self):
        comment = re.findall(r"^#   (.*)$", (DEPLOY / "compose/compose.yaml").read_text(), re.M)
        self.assertEqual(comment, self.make[1:])


def redis_says(port, text):
    """The first that Redis answers, or nothing if it is not there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(text)
            return connection.recv(1000)
    except OSError:
        return b""


def authority(directory, names):
    """A root and a certificate that it signed, as files, with openssl: ca.crt, tls.crt, tls.key."""
    directory.mkdir(parents=True)
    script = f"""
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=root \
        -keyout ca.key -out ca.crt
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=leaf -keyout tls.key -out leaf.csr
      printf 'subjectAltName={names}\\nextendedKeyUsage=serverAuth\\nbasicConstraints=CA:false\\n' >ext
      openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -days 2 -extfile ext -out tls.crt
    """
    done = run(["sh", "-euc", script], cwd=directory)
    assert done.returncode == 0, done.stderr
    return {name: (directory / name).read_text() for name in ("ca.crt", "tls.crt", "tls.key")}


def mount(directory, files):
    """A secret as the kubelet mounts it: files that are links into a directory that ..data leads to. Mounted again, it is
    swapped in one step."""
    directory.mkdir(parents=True, exist_ok=True)
    version = directory / f"..{time.monotonic_ns()}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text)
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(Path("..data") / name)
    fresh = directory / "..data_tmp"
    fresh.symlink_to(version.name)
    os.replace(fresh, directory / "..data")


class Pod(Processes):
    """The pods of deploy/kubernetes, as processes: their commands, settings, files and users."""

    def setUp(self):
        super().setUp()
        self.ports = dict(zip([8443, 9090, 6379], free_ports(3), strict=True))
        self.secret = "0" * 64
        vault = {"client-secret": self.secret, "caller-tokens": "# who\nlaptop=canary-1\nci=canary-2\n", "redis-password": "f" * 64}
        self.secrets = {}
        for _, document in manifests():
            if document["kind"] == "VaultStaticSecret":
                into = document["spec"]["destination"]
                change = into["transformation"]
                files = {name: text for name, text in vault.items() if f"^{name}$" in change.get("includes", [])}
                for name, template in change["templates"].items():
                    files[name] = re.sub(r'\{\{ get \.Secrets "([\w-]+)" \}\}', lambda found: vault[found[1]], template["text"])
                self.secrets[into["name"]] = files
        names = "DNS:localhost,DNS:jira-broker-redis,IP:127.0.0.1"
        tls = authority(self.home / "authority", names)
        self.secrets["jira-broker-tls"] = self.secrets["jira-broker-redis-tls"] = tls
        (self.home / "data").mkdir()
        self.start_redis()
        (self.home / "secret").write_text(self.secret)
        sandbox = ["sandbox", "serve", "--confidential=all", "--registered-client-id=YOUR-CLIENT-ID", "--auto-approve"]
        self.jira = self.start("jira", [JIRA, *sandbox, "--registered-client-secret=secret"], announces=True)

    def local(self, text):
        text = instead(str(text), self.ports).replace("@jira-broker-redis:", "@127.0.0.1:")
        text = re.sub(r"(?<![\w/])/data\b", str(self.home / "data"), text)
        return re.sub(r"(?<![\w/])/etc/", f"{self.home}/etc/", text)

    def mounts(self, workload):
        spec = pod(workload)
        sources = {volume["name"]: volume for volume in spec["volumes"]}
        for each in spec["containers"][0]["volumeMounts"]:
            source, place = sources[each["name"]], Path(self.local(each["mountPath"]))
            if "secret" in source:
                files = self.secrets[source["secret"]["secretName"]]
                mount(place, {name: self.local(text) for name, text in files.items()})
            elif "configMap" in source:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(self.local(one("ConfigMap", source["configMap"]["name"])["data"][each["subPath"]]))

    def start_redis(self):
        workload = one("StatefulSet", "jira-broker-redis")
        self.mounts(workload)
        (container,) = pod(workload)["containers"]
        *shell, script = container["command"]
        self.start("redis", [*shell, self.local(script).replace("valkey-server", "redis-server")])
        self.probe = [self.local(each) for each in container["livenessProbe"]["exec"]["command"]]
        tls = self.home / "authority/ca.crt"
        self.cli = ["redis-cli", "--tls", "--cacert", str(tls), "-p", str(self.ports[6379])]
        self.assertTrue(until(lambda: "NOAUTH" in run([*self.cli, "ping"]).stdout), self.log("redis"))

    def test_the_pods_do_what_the_page_says(self):
        workload = one("Deployment", "jira-broker")
        self.mounts(workload)
        settings = {name: self.local(value) for name, value in one("ConfigMap", "jira-broker")["data"].items()}
        self.assertEqual(settings["JIRA_BASE_URL"], "https://jira.example.com")
        settings["JIRA_BASE_URL"] = self.jira["base_url"]
        (container,) = pod(workload)["containers"]
        about = self.start("broker", [JIRA, *container["args"]], settings, announces=True)
        self.assertEqual(about["callers"], ["laptop", "ci"])
        probes = [container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
        admin = Broker(f"http://127.0.0.1:{self.ports[9090]}")
        self.assertTrue(until(lambda: [admin.ask(path)[0] for path in probes] == [200, 200]), self.log("broker"))
        trust = ssl.create_default_context(cafile=self.home / "authority/ca.crt")
        url = f"https://localhost:{self.ports[8443]}"
        broker, stranger = Broker(url, "canary-1", trust), Broker(url, "canary-3", trust)
        self.assertEqual(broker.ask("/metrics")[0], 404, "only where Prometheus is let in")

        # Redis over TLS, with the one user that the ACL has.
        status, pair, _ = broker.ask("/v1/exchange", authorized(self.jira["base_url"], self.jira["client_id"]))
        self.assertEqual(status, 200, pair)
        self.assertEqual(stranger.refresh(pair["refresh_token"])[0], 401)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: broker.refresh(pair["refresh_token"]), range(20)))
        self.assertEqual({(status, answer.get("refresh_token")) for status, answer, _ in answers}, {(200, answers[0][1]["refresh_token"])})
        self.assertEqual(admin.count("jira_broker_coordination_up"), 1)
        left = admin.count("jira_broker_certificate_expiry_timestamp_seconds") - time.time()
        self.assertGreater(left, 0, "the certificate of the secret, which is valid")
        self.assertEqual(admin.count("jira_broker_coordination_errors_total"), 0, self.log("broker"))
        self.redis_is_for_the_brokers_keys_alone()

        # Vault has another client secret: the kubelet swaps ..data, and the broker notices by itself.
        place = Path(settings["JIRA_OAUTH_CLIENT_SECRET_FILE"]).parent
        token = answers[0][1]["refresh_token"]
        now = {name: self.local(text) for name, text in self.secrets["jira-broker"].items()}
        mount(place, {**now, "client-secret": "1" * 64})
        self.assertTrue(until(lambda: admin.count("jira_broker_reload_total", what="secret", result="ok") == 1))
        status, answer, _ = broker.refresh(token)
        self.assertEqual((status, answer["error"]), (502, "invalid_client"))
        mount(place, now)
        self.processes["broker"].send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: broker.refresh(token)[0] == 200), self.log("broker"))

        # A certificate that is cut off is told, and the old one stays.
        place = Path(settings["JIRA_BROKER_TLS_CERT"]).parent
        tls = self.secrets["jira-broker-tls"]
        mount(place, {**tls, "tls.crt": tls["tls.crt"][:200]})
        self.processes["broker"].send_signal(signal.SIGHUP)
        self.assertTrue(until(lambda: admin.count("jira_broker_reload_total", what="certificate", result="failed") >= 1))
        self.assertEqual(stranger.refresh(token)[0], 401)

        # Redis with a renewed certificate is started anew by its probe.
        self.assertEqual(run(self.probe).returncode, 0)
        mount(self.home / "etc/valkey/tls", authority(self.home / "renewed", "DNS:localhost"))
        self.assertEqual(run(self.probe).returncode, 1)

        self.assertEqual(self.stop("broker"), 0)
        for secret in (self.secret, "1" * 64, "f" * 64, "canary", pair["refresh_token"], pair["access_token"], token):
            self.assertNotIn(secret, self.log("broker"))

    def redis_is_for_the_brokers_keys_alone(self):
        (word,) = re.findall(r">(\w+) ", self.secrets["jira-broker-redis"]["users.acl"])
        user = [*self.cli, "--user", "broker", "--pass", word, "--no-auth-warning"]
        for command in (["get", "other"], ["config", "get", "*"], ["keys", "*"], ["flushall"], ["acl", "list"], ["monitor"]):
            self.assertIn("NOPERM", run([*user, *command], timeout=20).stdout, command)
        self.assertIn("NOAUTH", run([*self.cli, "get", "jira-broker:x"]).stdout)
        plain = redis_says(self.ports[6379], b"PING\r\n")
        self.assertNotIn(b"PONG", plain, "without TLS it says nothing")


class Page(Processes):
    """docs/broker.md: its first commands, its metrics and its log line."""

    def setUp(self):
        super().setUp()
        shell = blocks(PAGE, "sh")
        ports = dict(zip([2990, 8080], free_ports(2), strict=True))
        (sandbox,) = [text for text in shell if "jira sandbox serve" in text]
        (broker,) = [text for text in shell if "jira broker serve" in text and "JIRA_OAUTH_CLIENT_SECRET_FILE=client-secret" in text]
        (self.home / "bin").mkdir()
        (self.home / "bin/jira").symlink_to(JIRA)
        environment = {"PATH": f"{self.home}/bin:{CLEAN['PATH']}"}
        # The shell becomes the program, so that a signal reaches it. Nobody sits at the browser here.
        sandbox = sandbox.replace("jira sandbox serve", "exec jira sandbox serve --auto-approve developer")
        self.jira = self.start("jira", ["sh", "-euc", instead(sandbox, ports)], environment, announces=True)
        broker = instead(broker, ports).replace("jira broker serve", "exec jira broker serve")
        environment["JIRA_BROKER_LISTEN"] = f"127.0.0.1:{ports[8080]}"
        self.about = self.start("broker", ["sh", "-euc", broker], environment, announces=True)
        self.broker = Broker(f"http://127.0.0.1:{ports[8080]}")

    def test_its_first_commands_its_metrics_and_its_log_are_what_it_says(self):
        broker = self.broker
        status, pair, _ = broker.ask("/v1/exchange", authorized(self.jira["base_url"], self.jira["client_id"]))
        self.assertEqual(status, 200, pair)
        status, pair, headers = broker.refresh(pair["refresh_token"])
        self.assertEqual((status, headers["Cache-Control"]), (200, "no-store"))
        self.assertLessEqual(set(pair), {"access_token", "refresh_token", "expires_in", "scope", "token_type"})
        self.assertEqual(broker.refresh("junk")[1]["error"], "upstream_unavailable", "so Jira answers what is no token")
        status, said, _ = broker.ask("/v1/revoke", {"refresh_token": pair["refresh_token"]})
        self.assertEqual((status, said), (200, {"revocation": "revoked"}))
        self.assertEqual(broker.refresh(pair["refresh_token"])[1]["error"], "invalid_grant")
        self.assertEqual(set(broker.refresh("")[1]), {"error", "error_description", "request_id"})
        self.assertEqual(broker.ask("/healthz")[0], 200)
        self.assertTrue(broker.ready())
        self.metrics()
        self.assertEqual(self.stop("broker"), 0)
        self.log_line()

    def metrics(self):
        rows, codes = {}, set(wire_codes()) | {"ok"}
        for name, kind, labels, _ in table("| metric | type | labels | what |"):
            known = {}
            for each in code(labels):
                label, _, values = each.partition("=")
                known[label] = set(values.split(",")) if values else None
            rows[code(name)[0]] = (kind, known)
        samples, types = self.broker.metrics()
        # Here is neither Redis nor TLS.
        absent = {name for name in rows if "coordination" in name or "fallback" in name or "certificate" in name}
        self.assertEqual(set(types) - set(rows), set(), "not on the page")
        self.assertEqual(set(rows) - set(types), absent, "not there, or there without a reason")
        for name, kind in types.items():
            self.assertEqual(rows[name][0], kind, name)
        for name, labels, _ in samples:
            family = name if name in rows else re.sub("_(bucket|sum|count)$", "", name)
            known = rows[family][1]
            self.assertEqual(set(labels) - {"le"}, set(known), name)
            for label, value in labels.items():
                if label == "code":
                    self.assertIn(value, codes)
                elif known.get(label):
                    self.assertIn(value, known[label], name)

    def log_line(self):
        (sample,) = blocks(PAGE, "json")
        lines = [json.loads(line) for line in self.log("broker").splitlines()]
        requests = [line for line in lines if line["event"] == "request" and line["route"] == "refresh" and line["status"] == 200]
        self.assertTrue(requests, lines)
        self.assertEqual(set(requests[0]), set(json.loads(sample)))
        for line in lines:
            self.assertLessEqual({"ts", "level", "event"}, set(line))


if __name__ == "__main__":
    unittest.main()
