"""`ganimation validate`."""

import argparse
import pathlib

HELP = "check a data set, or what a server was sent, against a schema of `ganimation schema`"
EXAMPLE = "ganimation validate dataset --schema schema.json"

FOUND_ANOMALIES = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "source",
        metavar="DATASET",
        help="its directory; or http://HOST:PORT of a server that runs with --measure-inputs",
    )
    parser.add_argument(
        "--schema", type=pathlib.Path, required=True, metavar="JSON", help="what it must be like"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=pathlib.Path,
        metavar="JSON",
        help="where to write the anomalies and how far each histogram has drifted",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the anomalies; 1 if there are any, else 0."""
    from ganimation_tf import files
    from ganimation_tf.data.schema import bounds

    schema = bounds.load(args.schema)
    if args.source.startswith(("http://", "https://")):
        anomalies_seen, drifts = _of_server(args.source, schema)
    else:
        anomalies_seen, drifts = _of_dataset(pathlib.Path(args.source), schema)
    for anomaly in anomalies_seen:
        print(f"anomaly    {anomaly.code}: {anomaly.message}")
    if args.output:
        facts = {
            "anomalies": len(anomalies_seen),
            "largest_drift": round(max(drifts.values()), 6) if drifts else None,
            "drifts": [{"of": name, "drift": round(drifts[name], 6)} for name in drifts],
            "messages": [anomaly.message for anomaly in anomalies_seen],
        }
        files.write_json(args.output, facts, indent=1)
    largest = max(drifts, key=lambda name: drifts[name], default=None)
    about = f"; the largest drift is {drifts[largest]:.3f}, of {largest}" if largest else ""
    what = "1 anomaly" if len(anomalies_seen) == 1 else f"{len(anomalies_seen) or 'no'} anomalies"
    print(f"result     {what}{about}")
    return FOUND_ANOMALIES if anomalies_seen else 0


def _of_dataset(directory: pathlib.Path, schema):
    from ganimation_tf.data.schema import anomalies
    from ganimation_tf.data.schema.numbers import numbers_of

    numbers = numbers_of(directory)
    anomalies_seen = anomalies.anomalies(numbers, schema)
    same_kind = numbers.action_units == tuple(schema["action_units"])
    return anomalies_seen, anomalies.drifts(numbers, schema) if same_kind else {}


def _of_server(url: str, schema):
    from ganimation_tf.data.schema import served

    histograms = served.read(url)
    return served.anomalies(histograms, schema), served.drifts(histograms, schema)
