"""Which hosts are this machine itself: no proxy reaches them, whatever `http_proxy` says."""

import ipaddress


def is_loopback(host: str | None) -> bool:
    """Whether a host's name or address, without brackets, is of the loopback interface."""
    if not host or host.lower() == "localhost":
        return bool(host)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False
