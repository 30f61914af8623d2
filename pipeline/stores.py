"""Addresses of other machines: whether anything at all can be had of them, before work begins."""

from collections.abc import Mapping

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, S3Options

from ganimation_tf.errors import UserError

_LIBRARIES = {"s3": "aws", "gs": "gcp", "hdfs": "hadoop"}
"""Beam's extra with the library for each kind of address."""


def require_reachable(places: Mapping[str, str | None], beam_options: PipelineOptions) -> None:
    """Refuses what Beam would fail at, for S3 only after minutes of retries.

    Args:
        places: by flag; None where none was given.
        beam_options: may hold the credentials.

    Raises:
        UserError: naming the flag, if Beam has no file system for its address or there are no
            credentials for it.
    """
    for flag, where in places.items():
        scheme = FileSystems.get_scheme(where) if where else None
        if scheme is None:
            continue
        try:
            FileSystems.get_filesystem(f"{scheme}://")
            known = scheme != "s3" or _has_credentials(beam_options.view_as(S3Options))
        except (ValueError, ImportError):
            raise UserError(f"{flag} {where}: {_missing(scheme)}") from None
        if not known:
            raise UserError(
                f"{flag} {where}: there are no credentials for S3, neither AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY nor a profile nor any of this machine"
            )


def _missing(scheme: str) -> str:
    if scheme in _LIBRARIES:
        extra = _LIBRARIES[scheme]
        return f"{scheme}:// addresses need `pip install 'apache-beam[{extra}]'`"
    known = ", ".join(f"{name}://" for name in _LIBRARIES)
    return f"{scheme}:// is no file system; files are read from folders and from {known}"


def _has_credentials(given: S3Options) -> bool:
    import boto3  # Beam's file system for S3 comes without

    return bool(given.s3_access_key_id) or boto3.Session().get_credentials() is not None
