"""`ganimation studio`: which model it opens, and how the page names it."""

import shlex

import pytest

from ganimation_tf import cli
from ganimation_tf.cli import studio


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        ([], ""),
        (["--model", "runs/a"], "--model runs/a"),
        (["--model", "my runs/it's"], """--model 'my runs/it'"'"'s'"""),
        (["--server", "host:8500"], "--server host:8500"),
        (
            ["--server=host:8500", "--model-name=my face", "--tls", "--timeout=9.5"],
            "--server host:8500 --model-name 'my face' --timeout 9.5 --tls",
        ),
        (
            ["--server=host:1", "--tls-root=a.pem", "--tls-certificate=b.pem", "--tls-key=c d.pem"],
            "--server host:1 --tls-root a.pem --tls-certificate b.pem --tls-key 'c d.pem'",
        ),
    ],
)
def test_the_page_shows_the_flags_that_open_the_same_model(flags, shown):
    args = cli.build_parser().parse_args(["studio", *flags])
    assert shlex.join(studio._model_flags(args)) == shown


@pytest.mark.parametrize(
    "flags",
    [["--model-name=x"], ["--timeout=9"], ["--tls"], ["--tls-root=a.pem"], ["--tls", "--model=x"]],
)
@pytest.mark.parametrize("command", [["studio"], ["animate", __file__, "-o", "x.gif", "--neutral"]])
def test_flags_about_a_server_go_with_one(command, flags, capsys):
    assert cli.main([*command, *flags]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    flag = flags[0].partition("=")[0]
    assert line.endswith(f"{flag} is about a server; it goes with --server HOST:PORT")
