"""Where the tests of TFX run."""

import pytest

import tfx_place

TOOLS = ("debootstrap", "unshare", "chroot")


@pytest.mark.parametrize(
    ("version", "programs", "user", "lacking"),
    [
        ((2, 39), ("python3.13",), 1000, None),
        ((2, 41), ("python3.13", *TOOLS), 0, None),
        ((2, 36), ("python3.13", *TOOLS), 0, []),
        ((2, 39), TOOLS, 0, []),
        ((2, 36), ("python3.13", "unshare", "chroot"), 0, ["debootstrap"]),
        ((0,), TOOLS, 1000, ["the rights of root"]),
    ],
)
def test_here_or_in_a_root_or_nowhere(version, programs, user, lacking):
    assert tfx_place.missing(version, programs, user) == lacking


def test_nowhere_is_one_sentence_and_a_failure(monkeypatch, capsys):
    monkeypatch.setattr(tfx_place, "glibc", lambda: (2, 36))
    monkeypatch.setattr(tfx_place, "_found", lambda: ["unshare", "chroot"])
    monkeypatch.setattr(tfx_place.os, "getuid", lambda: 0)
    assert tfx_place.main([]) == 2
    assert capsys.readouterr().err == (
        "test-tfx: the tests of TFX need glibc 2.39 and python3.13 (here is glibc 2.36) or a "
        "Debian 13 root, for which this machine lacks: debootstrap\n"
    )
