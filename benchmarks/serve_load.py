"""200,000 good and hostile requests to the embedded server, then 50 version swaps under load.

    python benchmarks/serve_load.py [--requests 200000] [--swaps 50] [--threads 8]

The server is `ganimation serve` in a process of its own on the tests' stand-in model, whose answers
are known by arithmetic; `tests/helpers/load_run.py` says what is sent and checks every answer.
Exits with 1 if an answer was wrong or the memory grew by more than 5 % from a tenth of the run on.
"""

import argparse
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests" / "helpers"))

import load_run

GROWTH = 1.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=8)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        models = pathlib.Path(temporary)
        load_run.serving_model.save(models, 1)
        with load_run.server_process(models, "--poll-seconds", "0.2") as (process, address, rest):
            started = time.monotonic()
            run = load_run.storm(process, address, rest, args.requests, args.threads)
            seconds = time.monotonic() - started
            print(f"{sum(run.counts.values())} requests in {seconds:.0f} s, by kind:", run.counts)
            print("resident MiB over the run:", *(f"{mib:.0f}" for _, mib in _tenths(run.memory)))
            print(f"most after a tenth / at a tenth: {run.growth():.3f} (goal <= {GROWTH})")
            wrong = run.wrong
            print(f"wrong answers: {len(wrong)}", *wrong[:10], sep="\n  ", flush=True)
            before = load_run.resident_mib(process.pid)
            sizes = []
            swapped = load_run.swap(
                models,
                address,
                rest,
                args.swaps,
                lambda number: sizes.append(load_run.resident_mib(process.pid)),
            )
            print(f"{args.swaps} swaps under {swapped.counts.total()} requests")
            print(f"failed: {len(swapped.wrong)}", *swapped.wrong[:10], sep="\n  ")
            print(f"resident MiB: {before:.0f} before,", *(f"{s:.0f}" for s in sizes[4::5]))
        print(f"exit code of the server after SIGTERM: {process.returncode}")
    failed = run.wrong or swapped.wrong or run.growth() > GROWTH or process.returncode
    return 1 if failed else 0


def _tenths(memory: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """The first sample of each tenth, and the last."""
    total = memory[-1][0]
    marks = [total * tenth / 10 for tenth in range(10)]
    return [next(sample for sample in memory if sample[0] >= mark) for mark in marks] + memory[-1:]


if __name__ == "__main__":
    sys.exit(main())
