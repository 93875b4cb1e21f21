"""deploy/ and docs/broker.md: what is in them fits Kubernetes, Compose, Prometheus, each other, and the program."""

import copy
import json
import re
import shutil
import tomllib
import unittest

import jsonschema
import kubernetes_validate
import promql_parser
from deployment import (
    DEPLOY,
    KUBERNETES,
    PAGE,
    code,
    diagrams,
    documents,
    manifests,
    one,
    pod,
    schema,
    table,
    variables,
    wire_codes,
    workloads,
)
from world import ROOT, TOOLS, run

# The oldest Kubernetes that the page promises, and the newest that the schemas know.
VERSIONS = ("1.30", kubernetes_validate.latest_version())
CRDS = json.loads((ROOT / "tests/ci/crds.json").read_text())
BROKER = {"app.kubernetes.io/name": "jira-broker", "app.kubernetes.io/component": "broker"}


def seconds(text):
    """A duration as the program writes it."""
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", text).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def check(document):
    """Against the schema of its kind; an unknown member is an error as well."""
    name = f"{document['apiVersion']}/{document['kind']}"
    if name not in CRDS:
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)
        return
    whole = {"type": "object", "additionalProperties": False, **copy.deepcopy(CRDS[name])}
    whole["properties"].update({"apiVersion": {"type": "string"}, "kind": {"type": "string"}})
    whole["properties"]["metadata"] = {"type": "object", "required": ["name"]}
    jsonschema.validate(document, whole, cls=jsonschema.Draft202012Validator)


class Kubernetes(unittest.TestCase):
    def test_every_object_is_what_its_schema_says(self):
        seen = set()
        for name, document in manifests():
            with self.subTest(name, kind=document["kind"]):
                check(document)
            seen.add(document["kind"])
        self.assertGreater(len(seen), 12, seen)

    def test_a_schema_refuses_what_is_wrong(self):
        def spoil(kind, name, change):
            document = copy.deepcopy(one(kind, name))
            change(document["spec"])
            with self.assertRaises((kubernetes_validate.ValidationError, jsonschema.ValidationError), msg=kind):
                check(document)

        spoil("Deployment", "jira-broker", lambda spec: spec.update(replicas="two"))
        spoil("Deployment", "jira-broker", lambda spec: spec["template"]["spec"].update(automountToken=False))
        spoil("NetworkPolicy", "jira-broker", lambda spec: spec["ingress"][0].update(ports=[{"prot": "TCP"}]))
        spoil("PodDisruptionBudget", "jira-broker", lambda spec: spec.update(unhealthyPodEvictionPolicy=1))
        spoil("VaultStaticSecret", "jira-broker", lambda spec: spec.update(name="jira-broker"))
        spoil("Certificate", "jira-broker", lambda spec: spec.pop("issuerRef"))
        spoil("PodMonitor", "jira-broker", lambda spec: spec["podMetricsEndpoints"][0].update(prot="admin"))

    def test_kustomize_takes_every_file_or_names_it_as_an_option(self):
        text = (KUBERNETES / "kustomization.yaml").read_text()
        (tree,) = documents(KUBERNETES / "kustomization.yaml")
        optional = set(re.findall(r"^  # - (\S+\.yaml)", text, re.M))
        here = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
        self.assertEqual(set(tree["resources"]) | optional, here)
        self.assertEqual(optional, {"route.yaml", "podmonitor.yaml"})
        self.assertEqual(one("Namespace", tree["namespace"])["metadata"]["name"], tree["namespace"])

    def test_the_image_is_that_of_this_version(self):
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
        (tree,) = documents(KUBERNETES / "kustomization.yaml")
        (image,) = tree["images"]
        self.assertEqual(image["newTag"], version)
        (container,) = pod(one("Deployment", "jira-broker"))["containers"]
        self.assertEqual(container["image"], f"{image['name']}:{version}")

    def test_pods_are_as_the_restricted_standard_wants_them_and_more(self):
        for workload in workloads():
            spec = pod(workload)
            with self.subTest(workload["kind"]):
                self.assertIs(spec["automountServiceAccountToken"], False)
                self.assertIs(spec["securityContext"]["runAsNonRoot"], True)
                self.assertGreater(spec["securityContext"]["runAsUser"], 0)
                self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertEqual({"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec), set())
                (container,) = spec["containers"]
                context = container["securityContext"]
                self.assertIs(context["allowPrivilegeEscalation"], False)
                self.assertIs(context["privileged"], False)
                self.assertIs(context["readOnlyRootFilesystem"], True)
                self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                self.assertIn("memory", container["resources"]["limits"])
                self.assertIn("cpu", container["resources"]["requests"])
                self.assertNotIn("env", container, "no secret comes near a variable")
                for volume in spec["volumes"]:
                    if "secret" in volume:
                        self.assertEqual(volume["secret"]["defaultMode"], 0o440, volume)
                        self.assertIn("fsGroup", spec["securityContext"])
        self.assertEqual(len(workloads()), 2)

    def test_the_image_s_user_is_the_pod_s(self):
        (user,) = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.M)
        context = pod(one("Deployment", "jira-broker"))["securityContext"]
        self.assertEqual((str(context["runAsUser"]), str(context["runAsGroup"])), user)

    def test_selectors_find_the_pods_they_are_for(self):
        pods = {workload["metadata"]["name"]: labels(workload) for workload in workloads()}
        self.assertEqual(pods["jira-broker"], BROKER)

        def found(selector):
            return [name for name, has in pods.items() if selector.items() <= has.items()]

        for file, document in manifests():
            kind, name, spec = document["kind"], document["metadata"]["name"], document.get("spec", {})
            selector = {
                "Service": lambda: spec["selector"],
                "Deployment": lambda: spec["selector"]["matchLabels"],
                "StatefulSet": lambda: spec["selector"]["matchLabels"],
                "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
                "PodMonitor": lambda: spec["selector"]["matchLabels"],
                "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
            }.get(kind)
            if selector:
                self.assertEqual(found(selector()), [name], f"{file}: {kind}")
        for spread in pod(one("Deployment", "jira-broker"))["topologySpreadConstraints"]:
            self.assertEqual(found(spread["labelSelector"]["matchLabels"]), ["jira-broker"])
        self.assertEqual(one("StatefulSet", "jira-broker-redis")["spec"]["serviceName"], "jira-broker-redis")

    def test_ports_are_those_that_the_broker_listens_on(self):
        config = one("ConfigMap", "jira-broker")["data"]
        (container,) = pod(one("Deployment", "jira-broker"))["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertEqual(config["JIRA_BROKER_LISTEN"], f":{ports['https']}")
        self.assertEqual(config["JIRA_BROKER_ADMIN_LISTEN"], f":{ports['admin']}")
        (service,) = one("Service", "jira-broker")["spec"]["ports"]
        self.assertEqual(service["targetPort"], "https", "the admin port is not for callers")
        self.assertEqual(container["livenessProbe"]["httpGet"], {"path": "/healthz", "port": "admin"})
        self.assertEqual(container["readinessProbe"]["httpGet"], {"path": "/readyz", "port": "admin"})
        (monitor,) = one("PodMonitor", "jira-broker")["spec"]["podMetricsEndpoints"]
        self.assertEqual((monitor["port"], monitor["path"]), ("admin", "/metrics"))

    def test_the_network_is_closed_but_for_what_the_broker_needs(self):
        spec = one("NetworkPolicy", "jira-broker")["spec"]
        self.assertEqual(sorted(spec["policyTypes"]), ["Egress", "Ingress"])
        ways = []
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for rule in spec[direction]:
                self.assertEqual(len(rule[peers]), 1, "an empty or a missing list is everybody")
                (peer,) = rule[peers]
                self.assertTrue(all(peer.values()), peer)
                ways.append((direction, sorted(peer), [port["port"] for port in rule["ports"]]))
        self.assertEqual(
            ways,
            [
                ("ingress", ["namespaceSelector"], [8443]),
                ("ingress", ["namespaceSelector"], [9090]),
                ("egress", ["ipBlock"], [443]),
                ("egress", ["podSelector"], [6379]),
                ("egress", ["namespaceSelector", "podSelector"], [53, 53]),
            ],
        )
        redis = one("NetworkPolicy", "jira-broker-redis")["spec"]
        self.assertEqual(redis["egress"], [])
        (rule,) = redis["ingress"]
        self.assertEqual(rule["from"], [{"podSelector": {"matchLabels": BROKER}}])

    def test_the_settings_are_variables_that_the_program_reads(self):
        self.assertEqual(set(one("ConfigMap", "jira-broker")["data"]) - variables(), set())

    def test_the_files_that_the_settings_name_are_mounted_as_directories(self):
        """Each path is in a volume, its key in the secret, and no subPath keeps the kubelet from swapping it."""
        made = {"jira-broker-tls": {"tls.crt", "tls.key", "ca.crt"}, "jira-broker-redis-tls": {"tls.crt", "tls.key", "ca.crt"}}
        for _, document in manifests():
            if document["kind"] == "VaultStaticSecret":
                into = document["spec"]["destination"]
                change = into["transformation"]
                raw = {name.strip("^$") for name in change.get("includes", [])}
                made[into["name"]] = raw | set(change["templates"])
            if document["kind"] == "Certificate":
                self.assertIn(document["spec"]["secretName"], made)
        config = one("ConfigMap", "jira-broker")["data"]
        redis = one("ConfigMap", "jira-broker-redis")["data"]["valkey.conf"]
        named = {
            "jira-broker": [value for value in config.values() if value.startswith("/")],
            "jira-broker-redis": re.findall(r" (/etc/\S+)", redis),
        }
        for workload in workloads():
            spec = pod(workload)
            (container,) = spec["containers"]
            secrets = {volume["name"]: volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume}
            paths = set()
            for mount in container["volumeMounts"]:
                if mount["name"] in secrets:
                    self.assertNotIn("subPath", mount)
                    self.assertIs(mount["readOnly"], True)
                    paths |= {f"{mount['mountPath']}/{key}" for key in made[secrets[mount["name"]]]}
            wanted = named[workload["metadata"]["name"]]
            self.assertGreater(len(wanted), 3)
            self.assertLessEqual(set(wanted), paths)

    def test_the_pod_has_more_time_to_end_than_the_broker_takes(self):
        flags = {flag["name"]: flag for flag in schema("broker", "serve")["flags"]}
        spec = pod(one("Deployment", "jira-broker"))
        (container,) = spec["containers"]
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = seconds(flags["grace"]["default"])
        self.assertGreater(spec["terminationGracePeriodSeconds"], pause + grace)
        (route,) = one("HTTPRoute", "jira-broker")["spec"]["rules"]
        self.assertGreater(seconds(route["timeouts"]["request"]), seconds(flags["write-timeout"]["default"]))
        (compose,) = documents(DEPLOY / "compose/compose.yaml")
        self.assertGreater(seconds(compose["services"]["broker-1"]["stop_grace_period"]), grace)

    def test_one_replica_at_a_time_and_never_none(self):
        deployment = one("Deployment", "jira-broker")["spec"]
        self.assertGreaterEqual(deployment["replicas"], 2)
        self.assertEqual(deployment["strategy"]["rollingUpdate"]["maxUnavailable"], 0)
        self.assertLess(one("PodDisruptionBudget", "jira-broker")["spec"]["minAvailable"], deployment["replicas"])


class Compose(unittest.TestCase):
    def setUp(self):
        (self.tree,) = documents(DEPLOY / "compose/compose.yaml")

    def check(self, path):
        return run([TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path])

    def test_it_is_what_the_specification_says(self):
        done = self.check(DEPLOY / "compose/compose.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_containers_have_no_rights_and_one_alone_has_ports_on_loopback(self):
        for name, service in self.tree["services"].items():
            self.assertIs(service["read_only"], True, name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            ports = service.get("ports", [])
            self.assertEqual(bool(ports), name == "front", name)
            for port in ports:
                self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_loopback_is_one_place_for_the_sandbox_the_brokers_and_the_proxy(self):
        joined = [name for name, service in self.tree["services"].items() if service.get("network_mode") == "service:front"]
        self.assertEqual(joined, ["jira", "broker-1", "broker-2"])
        config = (DEPLOY / "compose/haproxy.cfg").read_text()
        for name in ("broker-1", "broker-2"):
            environment = self.tree["services"][name]["environment"]
            admin = environment["JIRA_BROKER_ADMIN_LISTEN"].removeprefix("127.0.0.1:")
            self.assertIn(f"server {name} {environment['JIRA_BROKER_LISTEN']} check port {admin} ", config)
        inside = {port.rsplit(":", 1)[1] for port in self.tree["services"]["front"]["ports"]}
        self.assertEqual(set(re.findall(r"bind :(\d+)", config)), inside)

    def test_the_settings_are_variables_that_the_program_reads(self):
        for name in ("broker-1", "broker-2"):
            self.assertEqual(set(self.tree["services"][name]["environment"]) - variables(), set())

    def test_secrets_are_files_that_the_page_and_the_file_say_how_to_make(self):
        text = (DEPLOY / "compose/compose.yaml").read_text()
        for name, secret in self.tree["secrets"].items():
            self.assertEqual(secret, {"file": f"secrets/{name}"})
            self.assertIn(f">secrets/{name}\n", text)
        for name, service in self.tree["services"].items():
            self.assertLessEqual(set(service.get("secrets", [])), set(self.tree["secrets"]), name)
        self.assertIn("/deploy/compose/secrets/", (ROOT / ".gitignore").read_text().splitlines())


def selectors(expression):
    """Every selector of a PromQL expression: the metric, its matchers, and the labels that are named around it."""
    found, named = [], set()

    def walk(node):
        kind = type(node).__name__
        if kind in ("VectorSelector",):
            found.append((node.name, {each.name: each.value for each in node.matchers.matchers}))
        elif kind == "MatrixSelector":
            walk(node.vector_selector)
        elif kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
            walk(node.expr)
        elif kind == "AggregateExpr":
            if node.modifier:
                named.update(node.modifier.labels)
            walk(node.expr)
        elif kind == "BinaryExpr":
            walk(node.lhs)
            walk(node.rhs)
        elif kind == "Call":
            for each in node.args:
                walk(each)
        elif kind not in ("NumberLiteral", "StringLiteral"):
            raise AssertionError(f"{kind} in {expression}")

    walk(promql_parser.parse(expression.replace("$__rate_interval", "5m")))
    return found, named


def metrics():
    """The metrics of docs/broker.md: name to the labels, each with its values where the page has them."""
    found = {}
    for name, kind, with_labels, _ in table("| metric | type | labels | what |"):
        (name,) = code(name)
        known = {}
        for each in code(with_labels):
            label, _, values = each.partition("=")
            known[label] = set(values.split(",")) if values else None
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            found[name + suffix] = known
    return found


class Watching(unittest.TestCase):
    """The dashboard and the rules. Whether the table of docs/broker.md is what a broker answers: test_broker.py."""

    def setUp(self):
        self.dashboard = json.loads((DEPLOY / "grafana/broker.json").read_text())
        (self.rules,) = documents(DEPLOY / "prometheus/alerts.yaml")

    def alerts(self):
        return [rule for group in self.rules["groups"] for rule in group["rules"]]

    def expressions(self):
        for panel in self.dashboard["panels"]:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"]
        for rule in self.alerts():
            yield rule["alert"], rule["expr"]

    def test_every_expression_asks_for_metrics_and_labels_that_there_are(self):
        known, seen = metrics(), set()
        of_prometheus = {"job", "instance", "le"}
        for where, expression in self.expressions():
            found, named = selectors(expression)
            self.assertTrue(found, where)
            allowed = set(of_prometheus)
            for name, matchers in found:
                self.assertIn(name, known, where)
                seen.add(re.sub("_(bucket|sum|count)$", "", name))
                allowed |= set(known[name])
                for label, value in matchers.items():
                    if label in of_prometheus:
                        continue
                    self.assertIn(label, known[name], where)
                    values = known[name][label]
                    if values:
                        self.assertLessEqual(set(value.split("|")), values, where)
            self.assertLessEqual(named, allowed, where)
        counted = {re.sub("_(bucket|sum|count)$", "", name) for name in known if name.startswith("jira_broker_")}
        self.assertEqual(seen & counted, counted, "a metric that nobody looks at")

    def test_a_wrong_expression_is_noticed(self):
        self.assertEqual(selectors('sum by (x) (rate(a{b="c"}[5m]))'), ([("a", {"b": "c"})], {"x"}))
        with self.assertRaises(ValueError):
            selectors("sum by (x (a)")

    def test_the_dashboard_can_be_imported(self):
        board = self.dashboard
        self.assertEqual(board["uid"], "jira-broker")
        self.assertGreaterEqual(board["schemaVersion"], 36)
        names = [each["name"] for each in board["templating"]["list"]]
        self.assertEqual(names, ["datasource", "job", "instance"])
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, panel["title"])
            self.assertLessEqual(place["x"] + place["w"], 24)
            taken |= cells
            if panel["type"] != "row":
                self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"})
                self.assertTrue(panel["description"])
                self.assertTrue(panel["targets"])

    def test_the_rules_are_rules_and_the_page_has_each_of_them(self):
        page = (ROOT / PAGE).read_text()
        self.assertEqual(set(self.rules), {"groups"})
        names = [rule["alert"] for rule in self.alerts()]
        self.assertEqual(len(names), len(set(names)))
        for rule in self.alerts():
            self.assertLessEqual(set(rule), {"alert", "expr", "for", "labels", "annotations"})
            self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
            self.assertEqual(set(rule["annotations"]), {"summary", "description"})
            self.assertIn(f"`{rule['alert']}`", page)

    def test_the_rules_fire_when_they_should_and_not_otherwise(self):
        promtool = shutil.which("promtool") or TOOLS / "promtool"
        done = run([promtool, "test", "rules", "alerts_test.yaml"], cwd=DEPLOY / "prometheus")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (tested,) = documents(DEPLOY / "prometheus/alerts_test.yaml")
        quiet = {each["alertname"] for each in tested["tests"][0]["alert_rule_test"]}
        self.assertEqual(quiet, {rule["alert"] for rule in self.alerts()})


MERMAID = re.compile(
    r"""
    (participant|actor)\ \w+(\ as\ \S.*)?
    | \w+(->>|-->>|-x|--x|-\)|--\))[+-]?\w+:\ \S.*
    | Note\ (over\ \w+(,\w+)?|(left|right)\ of\ \w+):\ \S.*
    | (alt|opt|loop|par|critical|break|rect)\ \S.*
    | (else|and|option)(\ \S.*)?
    | autonumber | end
    """,
    re.X,
)


class Page(unittest.TestCase):
    def test_its_flags_and_variables_are_those_of_the_program(self):
        documented = {}
        for flag, variable, default, _ in table("| flag | variable | default | what |"):
            (name,) = code(flag) or [None]
            documented[(name or "").split(" ")[0].removeprefix("--") or None, *code(variable)] = code(default)
        flags = {key[0]: (key[1:], default) for key, default in documented.items() if key[0]}
        there = {flag["name"]: flag for flag in schema("broker", "serve")["flags"] if flag["name"] != "help"}
        self.assertEqual(set(flags) - {"base-url", "client-id", "ca-bundle", "insecure"}, set(there))
        for name, flag in there.items():
            (variable, default) = flags[name]
            self.assertEqual(list(variable), flag.get("variables", []), name)
            self.assertEqual(default, [str(flag["default"])] if "default" in flag else [], name)
        named = {name.removesuffix("…") for key in documented for name in key[1:]}
        self.assertLessEqual(named, variables())
        ours = {name for name in variables() if name.startswith("JIRA_BROKER_") or name.startswith("JIRA_OAUTH_CLIENT_SECRET")}
        self.assertLessEqual({name for name in ours if not name.endswith("_FILE")}, named)

    def test_its_error_codes_are_those_on_the_wire(self):
        rows = {}
        for word, status, wait, *_ in table("| code | status | `Retry-After` | the CLI says | what it means, and what to do |"):
            (word,) = code(word)
            rows[word] = (int(status), int(wait) if wait != "–" else None)
        self.assertEqual(rows, wire_codes())

    def test_what_it_says_of_the_cli_are_codes_of_the_cli(self):
        there = {each["code"]: each["exit_code"] for each in schema()["error_codes"]}
        for _, _, _, said, _ in table("| code | status | `Retry-After` | the CLI says | what it means, and what to do |"):
            for each in code(said):
                number, word = each.split(" ")
                self.assertEqual(there[word], int(number), each)

    def test_its_diagrams_are_sequence_diagrams_that_end_what_they_begin(self):
        self.assertGreaterEqual(len(diagrams()), 4)
        for text in diagrams():
            first, *lines = [line.strip() for line in text.splitlines() if line.strip()]
            self.assertEqual(first, "sequenceDiagram")
            depth, known = 0, set()
            for line in lines:
                self.assertTrue(MERMAID.fullmatch(line), line)
                self.assertNotIn(";", line, "Mermaid takes it as the end of the line")
                self.assertNotIn("#", line, "Mermaid takes it as the begin of a character's number")
                word = line.split(" ")[0]
                if word in ("participant", "actor"):
                    known.add(line.split(" ")[1])
                elif word in ("alt", "opt", "loop", "par", "critical", "break", "rect"):
                    depth += 1
                elif word == "end":
                    depth -= 1
                    self.assertGreaterEqual(depth, 0, text)
                else:
                    message = re.match(r"(\w+)(?:->>|-->>|-x|--x|-\)|--\))[+-]?(\w+):", line)
                    if message:
                        self.assertLessEqual(set(message.groups()), known, line)
            self.assertEqual(depth, 0, text)

    def test_its_links_lead_somewhere(self):
        text = (ROOT / PAGE).read_text()
        headings = {
            re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        links = re.findall(r"\]\(([^)\s]+)\)", text)
        self.assertGreater(len(links), 10)
        for link in links:
            if link.startswith("#"):
                self.assertIn(link[1:], headings)
            elif "://" not in link:
                self.assertTrue((ROOT / "docs" / link.split("#")[0]).exists(), link)


if __name__ == "__main__":
    unittest.main()
