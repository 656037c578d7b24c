"""Which addresses may be reached, and that no others are.

A name is looked up and each of its addresses judged before it is connected to; a hook that cannot be taken out again
judges every connection once more by the very address it goes to, so that neither a redirect nor a name that changes
its address in between gets anywhere else.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from alphintra_kernel.user_source import JobError

_NAT64 = IPv6Network("64:ff9b::/96")
# Not for everybody, whatever this Python's tables say of them: protocol assignments with Oracle's metadata, Azure's
# host, NAT64 of one's own, site-local, and IPv4 written as IPv6 in ways of old.
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24", "64:ff9b:1::/48", "fec0::/10", "::/96", "::ffff:0:0:0/96",
    )
)  # fmt: skip
_NOBODYS = {4: ip_address("203.0.113.1"), 6: ip_address("2001:db8::1")}
"""Addresses of documentation, which no machine has."""
_installed: list[Allowed] = []


class AddressRefusedError(OSError):
    """Nothing may be fetched from there."""


class Allowed:
    """The addresses that may be reached: the public internet but this machine, and what an administrator names.

    Args:
        networks: Networks that may be reached though they are not public, such as ``10.1.0.0/16``.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]

    def __contains__(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if any(found.version == network.version and found in network for network in self._networks):
            return True
        return all(_is_public(one) and not _is_ours(one) for one in _meant(found))


def resolve(host: str, port: int, allowed: Allowed) -> str:
    """Look a name up.

    Returns:
        The first of its addresses.

    Raises:
        JobError: ``SOURCE_ADDRESS`` where one of its addresses may not be reached, ``SOURCE_UNREACHABLE`` where it has
            none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise JobError(f"the name {host} cannot be looked up", "SOURCE_UNREACHABLE") from None
    addresses = [str(entry[4][0]) for entry in found]
    if any(address not in allowed for address in addresses):
        raise refused(host)
    return addresses[0]


def refused(host: str) -> JobError:
    """Say that a host may not be reached."""
    return JobError(
        f"{host} lies in a network that is not public; an administrator can allow it (connector_networks)",
        "SOURCE_ADDRESS",
    )


def keep_to(allowed: Allowed) -> None:
    """Have this process connect to no other address, for as long as it lives."""
    if not _installed:
        sys.addaudithook(_judge)
    _installed[:] = [allowed]


def _judge(event: str, details: tuple[Any, ...]) -> None:
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return
    address = details[1]
    if not isinstance(address, tuple) or not isinstance(address[0], str) or address[0] not in _installed[0]:
        raise AddressRefusedError("this address may not be reached")


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return an address, and those of version 4 that it stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    found: list[IPv4Address | IPv6Address] = [address]
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    return found


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if any(address.version == network.version and address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not (address.is_multicast or address.is_unspecified or address.is_reserved)


def _is_ours(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is this machine's: a firewall in front of it does not judge what comes from within."""
    return _binds(address) and not _binds(_NOBODYS[address.version])


def _binds(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether a socket can have an address: only one's own, but on machines that are set to take others' over."""
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
