"""The deployment files, as far as they can be checked without a container engine."""

import http.server
import pathlib
import re
import shutil
import subprocess
import threading

import kubernetes_validate
import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

import serving
from ganimation_tf.export import signature

DEPLOY = pathlib.Path(serving.__file__).parent / "deploy"
CONFIGS = ("models.config", "batching.config", "monitoring.config")

KUBERNETES = "1.31"
"""The oldest release that is still common; fields that it does not know are refused."""

# Flags of tensorflow_model_server, from tensorflow_serving/model_servers/main.cc.
FLAGS = {
    "model_config_file": str,
    "model_config_file_poll_wait_seconds": int,
    "enable_batching": bool,
    "batching_parameters_file": str,
    "monitoring_config_file": str,
}

# Messages that tensorflow-serving-api leaves out: (name, number, type) of their fields, from
# servables/tensorflow/session_bundle_config.proto, config/monitoring_config.proto and
# config/ssl_config.proto.
INT64, STRING, BOOL = ".google.protobuf.Int64Value", "string", "bool"
MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, INT64),
        ("batch_timeout_micros", 2, INT64),
        ("max_enqueued_batches", 3, INT64),
        ("num_batch_threads", 4, INT64),
        ("allowed_batch_sizes", 6, "repeated"),
        ("pad_variable_length_inputs", 7, BOOL),
    ],
    "PrometheusConfig": [("enable", 1, BOOL), ("path", 2, STRING)],
    "MonitoringConfig": [("prometheus_config", 1, ".tensorflow.serving.PrometheusConfig")],
    "SSLConfig": [
        ("server_key", 1, STRING),
        ("server_cert", 2, STRING),
        ("custom_ca", 3, STRING),
        ("client_verify", 4, BOOL),
    ],
}


def message(name: str):
    """A new message of `MESSAGES`."""
    field = descriptor_pb2.FieldDescriptorProto
    types = {STRING: field.TYPE_STRING, BOOL: field.TYPE_BOOL, "repeated": field.TYPE_INT64}
    file = descriptor_pb2.FileDescriptorProto(
        name="deploy.proto", package="tensorflow.serving", syntax="proto3"
    )
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for message_name, fields in MESSAGES.items():
        declared = file.message_type.add(name=message_name)
        for field_name, number, kind in fields:
            label = field.LABEL_REPEATED if kind == "repeated" else field.LABEL_OPTIONAL
            added = declared.field.add(name=field_name, number=number, label=label)
            if kind in types:
                added.type = types[kind]
            else:
                added.type, added.type_name = field.TYPE_MESSAGE, kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"tensorflow.serving.{name}")
    )()


def parse(file: str, into):
    return text_format.Parse((DEPLOY / file).read_text(), into)


def documents(file: str) -> dict[str, dict]:
    """Kind -> document."""
    actual = yaml.safe_load_all((DEPLOY / file).read_text())
    return {document["kind"]: document for document in actual}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def pod():
    return documents("kubernetes.yaml")["Deployment"]["spec"]["template"]


def mounts(service) -> dict[str, str]:
    """Path in the container -> path outside."""
    triples = [re.fullmatch(r"(.+):(/[^:]+):ro", volume) for volume in service["volumes"]]
    return {one[2]: one[1] for one in triples}  # each is mounted read-only


def flags(arguments) -> dict[str, str]:
    """The flags of a server, each of them known and of its type."""
    match = dict(re.fullmatch(r"--(\w+)=(.+)", argument).groups() for argument in arguments)
    for name, value in match.items():
        pattern = {str: r"/\S+", int: r"\d+", bool: "true|false"}[FLAGS[name]]
        assert re.fullmatch(pattern, value), name
    return match


def test_model_config_is_what_tensorflow_serving_reads(compose, pod):
    from tensorflow_serving.config import model_server_config_pb2

    config = parse("models.config", model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert (model.name, model.model_platform) == (signature.MODEL_NAME, "tensorflow")
    for service in compose.values():
        assert mounts(service)[model.base_path].startswith("${MODEL_DIR")
    (container,) = pod["spec"]["containers"]
    places = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert places[model.base_path]["readOnly"] is True


def test_batching_parameters_keep_tensorflow_servings_rules():
    config = parse("batching.config", message("BatchingParameters"))
    sizes = list(config.allowed_batch_sizes)
    assert sizes == sorted(set(sizes)) and sizes[-1] == config.max_batch_size.value
    assert config.num_batch_threads.value >= 1
    assert 0 <= config.batch_timeout_micros.value <= 100_000
    assert config.max_enqueued_batches.value >= 1


def test_monitoring_is_where_the_cluster_looks_for_it(pod):
    config = parse("monitoring.config", message("MonitoringConfig")).prometheus_config
    assert config.enable
    notes = pod["metadata"]["annotations"]
    assert notes["prometheus.io/path"] == config.path == "/monitoring/prometheus/metrics"
    assert notes["prometheus.io/port"] == "8501"


def test_ssl_example_has_the_fields_of_tensorflow_serving():
    config = parse("ssl.config.example", message("SSLConfig"))
    assert config.server_key.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert config.server_cert.startswith("-----BEGIN CERTIFICATE-----\n")
    assert config.client_verify and config.custom_ca


def test_the_readme_makes_an_ssl_config_from_pem_files(tmp_path):
    texts = {"server.key": 'key "1"\n', "server.pem": "cert\n", "authority.pem": "ca\\\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    readme = (DEPLOY / "README.md").read_text()
    (script,) = re.findall(r"( +python3 - server.key.*?\n +END\n)", readme, re.DOTALL)
    script = re.sub("^    ", "", script, flags=re.MULTILINE)
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True)
    config = text_format.Parse((tmp_path / "ssl.config").read_text(), message("SSLConfig"))
    assert [config.server_key, config.server_cert, config.custom_ca] == list(texts.values())
    assert config.client_verify


def test_a_wrong_field_would_be_noticed():
    with pytest.raises(text_format.ParseError, match="max_batch"):
        text_format.Parse("max_batch { value: 1 }", message("BatchingParameters"))


def test_compose_mounts_every_config_where_the_flags_look(compose):
    for service in compose.values():
        inside = mounts(service)
        named = flags(service["command"])
        files = {named[flag] for flag in named if flag.endswith("_file")}
        assert {(DEPLOY / inside[file]).name for file in files} == set(CONFIGS)
        assert all((DEPLOY / inside[file]).is_file() for file in files)


def test_compose_has_one_service_for_each_kind_of_machine(compose):
    assert {tuple(service["profiles"]) for service in compose.values()} == {("cpu",), ("gpu",)}
    for service in compose.values():
        suffix = "-gpu" if service["profiles"] == ["gpu"] else ""
        assert re.fullmatch(rf"tensorflow/serving:\d+\.\d+\.\d+{suffix}", service["image"])
        assert service["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]
        assert service["read_only"] is True


@pytest.mark.parametrize(("state", "code"), [("AVAILABLE", 0), ("LOADING", 1)])
def test_health_check_reads_the_state_of_the_model(compose, state, code):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = f'{{"model_version_status": [{{"version": "1", "state": "{state}"}}]}}'
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Says nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        first, *command = compose["tensorflow-serving"]["healthcheck"]["test"]
        assert first == "CMD" and "/8501 " in command[-1]
        command[-1] = command[-1].replace("/8501 ", f"/{server.server_port} ")
        assert subprocess.run(command, timeout=20).returncode == code
    finally:
        server.shutdown()
        server.server_close()
    assert asked == [f"/v1/models/{signature.MODEL_NAME}"]


def test_kustomize_brings_the_configs_that_the_flags_name(pod):
    kustomization = documents("kustomization.yaml")["Kustomization"]
    assert kustomization["resources"] == ["kubernetes.yaml"]
    (config,) = kustomization["configMapGenerator"]
    assert config["files"] == list(CONFIGS)
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == config["name"]
    (container,) = pod["spec"]["containers"]
    folder = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}["config"]
    named = flags(container["args"])
    files = {named[flag] for flag in named if flag.endswith("_file")}
    assert files == {f"{folder}/{name}" for name in CONFIGS}


@pytest.mark.parametrize("kind", ["Deployment", "Service", "NetworkPolicy"])
def test_kubernetes_knows_every_field(kind):
    document = documents("kubernetes.yaml")[kind]
    kubernetes_validate.validate(document, KUBERNETES, strict=True)
    document["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_kubernetes_ports_probes_and_labels_fit_together(pod):
    document = documents("kubernetes.yaml")
    (container,) = pod["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {
            "path": f"/v1/models/{signature.MODEL_NAME}",
            "port": "rest",
        }
    assert container["livenessProbe"]["tcpSocket"]["port"] in ports
    service = document["Service"]["spec"]
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == ports
    labels = pod["metadata"]["labels"]
    assert service["selector"] == labels
    assert document["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    policy = document["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    clients, monitoring = policy["ingress"]
    assert [port["port"] for port in clients["ports"]] == [8500, 8501]
    scraped = int(pod["metadata"]["annotations"]["prometheus.io/port"])
    assert [port["port"] for port in monitoring["ports"]] == [scraped]
    assert all(source.keys() >= {"namespaceSelector"} for source in monitoring["from"])
    names = {mount["name"] for mount in container["volumeMounts"]}
    assert names == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_cluster_runs_nothing_as_root_and_writes_nothing(pod):
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_every_image_is_the_same_pinned_release(compose, pod):
    (container,) = pod["spec"]["containers"]
    images = [container["image"], *(service["image"] for service in compose.values())]
    versions = {re.fullmatch(r"tensorflow/serving:(\d+\.\d+\.\d+)(-gpu)?", i)[1] for i in images}
    kserve = documents("kserve.yaml")["InferenceService"]
    versions.add(kserve["spec"]["predictor"]["model"]["runtimeVersion"])
    assert len(versions) == 1


def test_kserve_serves_grpc_under_the_models_name(pod):
    document = documents("kserve.yaml")["InferenceService"]
    # Its runtime starts the server with --model_name={{.Name}} --port=9000.
    assert document["apiVersion"] == "serving.kserve.io/v1beta1"
    assert document["metadata"]["name"] == signature.MODEL_NAME
    model = document["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow", "version": "2"}
    assert model["protocolVersion"] == "grpc-v1"
    assert model["ports"] == [{"name": "h2c", "containerPort": 9000, "protocol": "TCP"}]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert model["storageUri"] == f"pvc://{claim}"
