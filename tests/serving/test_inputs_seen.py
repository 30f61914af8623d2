"""What a server is sent, counted in a dataset's bins and held against a schema."""

import http.server
import threading

import numpy as np
import pytest

import serving_model
from ganimation_tf import cli
from ganimation_tf.data.schema import bounds, served
from ganimation_tf.data.schema.numbers import Numbers
from ganimation_tf.data.schema.options import SchemaOptions
from ganimation_tf.data.statistics.split import BINS, SIDE_EDGES
from ganimation_tf.errors import ServiceError
from serving.client.sync import GanimationClient

NAMES = serving_model.ACTION_UNITS


def schema(histogram, drift=0.1):
    """Of faces whose every AU has this histogram."""
    edges = {"active_from": 0.2, "intensity_edges": [], "side_edges": []}
    numbers = Numbers(
        action_units=NAMES,
        crop={"size": 16, "margin": 0.15},
        faces=sum(histogram),
        rejected_share=0.0,
        enlarged_share=0.0,
        lowest=dict.fromkeys(NAMES, 0.0),
        highest=dict.fromkeys(NAMES, 1.0),
        active=dict.fromkeys(NAMES, 1),
        histograms=dict.fromkeys(NAMES, histogram),
        sides=[1],
        edges=edges,
    )
    return bounds.infer(numbers, SchemaOptions(drift=drift))


@pytest.fixture(scope="module")
def measured(model_dir):
    """A server that was asked 60 edits of AU06 = 0.32 and AU12 = 1, and 50 estimates of a grey."""
    with serving_model.running(model_dir, measure_inputs=True) as one:
        with GanimationClient(one.address) as client:
            for _ in range(10):
                client.edit([serving_model.face()] * 6, [[0.32, 1.0, 0.0]] * 6)
                client.estimate([serving_model.face()] * 5)
        yield f"http://{one.rest_address}"


def test_counts_are_those_that_were_sent(measured):
    histograms = served.read(measured)
    expected = {"AU06": 6, "AU12": BINS - 1, "AU45": 0}  # 0.32 is in (0.30, 0.35]
    for name, place in expected.items():
        counts = np.zeros(BINS)
        counts[place] = 60
        np.testing.assert_array_equal(histograms[served.REQUESTED, name], counts)
        # The stand-in reads a grey of 100 as 100 / 255 = 0.392 of each AU.
        assert np.flatnonzero(histograms[served.SHOWN, name]).tolist() == [7]
        assert sum(histograms[served.SHOWN, name]) == 50
    sizes = histograms[served.SIZES, ""]
    assert len(sizes) == len(SIDE_EDGES) and sizes[0] == 110  # 16 px, below 32


def test_what_is_like_training_is_no_anomaly_and_what_is_not_is_named(measured, tmp_path, capsys):
    same = np.zeros(BINS, int)
    same[0] = 500
    histograms = {(served.REQUESTED, "AU45"): [100.0] + [0.0] * (BINS - 1)}
    assert served.anomalies(histograms, schema(same.tolist())) == []
    histograms = {(served.REQUESTED, "AU45"): [0.0] * (BINS - 1) + [100.0]}
    (anomaly,) = served.anomalies(histograms, schema(same.tolist()))
    assert "the requested intensities of AU45 are unlike those of training" in anomaly.message
    assert "at most 0.1, it is 1 over 100 rows" in anomaly.message
    bounds.write(schema(same.tolist()), tmp_path / "schema.json")
    command = ["validate", measured, "--schema", str(tmp_path / "schema.json")]
    assert cli.main(command) == 0  # 60 rows are too few to judge
    assert "the largest drift is 1.000" in capsys.readouterr().out


def test_other_action_units_are_named():
    histograms = {(served.SHOWN, "AU99"): [1.0] * BINS}
    (anomaly,) = served.anomalies(histograms, schema([1] * BINS))
    assert "['AU99']" in anomaly.message


def test_it_is_off_unless_asked_for(served_model, tmp_path, capsys):
    bounds.write(schema([1] * BINS), tmp_path / "schema.json")
    url = f"http://{served_model.rest_address}"
    assert cli.main(["validate", url, "--schema", str(tmp_path / "schema.json")]) == 2
    assert "counts no inputs: start the server with --measure-inputs" in capsys.readouterr().err


def test_no_server(tmp_path, capsys):
    bounds.write(schema([1] * BINS), tmp_path / "schema.json")
    command = ["validate", "http://127.0.0.1:9", "--schema", str(tmp_path / "schema.json")]
    assert cli.main(command) == 2
    assert "Connection refused" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_asked_for_what_listens_on_loopback(measured, host, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # where nobody listens
    port = measured.rpartition(":")[2]
    assert served.read(f"http://{host}:{port}")


def test_a_proxy_is_asked_for_other_hosts(measured, monkeypatch):
    monkeypatch.setenv("http_proxy", measured)  # a proxy is sent the whole URL as the path
    with pytest.raises(ServiceError, match="HTTP Error 404: Not Found"):
        served.read("http://ganimation.invalid:8501")


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (b"a" * 201, "metrics must have at most 200 bytes"),
        (b"\xff", "codec can't decode"),
        (b'ganimation_picture_side_bucket{a="1"} 2', ": 'le'"),
        (b'ganimation_picture_side_bucket{le="1"} two', "could not convert string to float"),
    ],
)
def test_a_page_that_holds_no_metrics(page, text, monkeypatch):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    monkeypatch.setattr(served, "MAX_BYTES", 200)
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with pytest.raises(ServiceError, match=f"^{url}/monitoring/.*{text}"):
            served.read(url)
