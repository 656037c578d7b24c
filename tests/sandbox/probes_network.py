"""The network: nothing leaves, and what listens on the host is not there.

Packets are aimed at documentation addresses, which no route leads to, and at listeners of the test's own on loopback,
which are the control too. Outside, nothing but loopback is contacted.
"""

from __future__ import annotations

from .probe import Probe

_UDP = """
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.settimeout(3)
    client.connect(("127.0.0.1", given["udp"]))
    client.send(b"ping")
    return client.recv(9).decode()
"""
_TO = "enclosed()\nreturn connect(socket.AF_INET, ({address!r}, {port}))"
_NEW_LINK = """
import struct
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
    netlink.bind((0, 0))
    body = struct.pack("BxHiII", 0, 0, 1, 0, 0)  # of loopback, and no flag of it
    netlink.send(struct.pack("IHHII", 16 + len(body), 16, 5, 1, 0) + body)
    reply = netlink.recv(4096)
    code = struct.unpack("i", reply[16:20])[0]
    if code:
        raise OSError(-code, "refused")
"""


def _family(name: str, number: int, kind: int = 1) -> Probe:
    return Probe(f"socket of {name}", f"return call(41, {number}, {kind}, 0) > 0", "EAFNOSUPPORT")


NETWORK = (
    Probe(
        "the host's localhost",
        "return connect(socket.AF_INET, ('127.0.0.1', given['tcp']))",
        "ECONNREFUSED",
        "connected",
        network=True,
    ),
    Probe(
        "the host's localhost, IPv6",
        "return connect(socket.AF_INET6, ('::1', given['tcp6']))",
        "ECONNREFUSED",
        "connected",
        network=True,
    ),
    Probe("the host's localhost, UDP", _UDP, "ECONNREFUSED", "pong", network=True),
    Probe(
        "the server itself",
        "return connect(socket.AF_INET, ('127.0.0.1', given['http']))",
        "ECONNREFUSED",
        "connected",
        network=True,
    ),
    Probe(
        "an abstract UNIX socket of the host",
        "return connect(socket.AF_UNIX, '\\0' + given['abstract'])",
        "ECONNREFUSED",
        "connected",
        network=True,
    ),
    Probe("a UNIX socket of the host", "return connect(socket.AF_UNIX, given['unix'])", "ENOENT", "connected"),
    Probe(
        "its interfaces",
        "return sorted(name for _, name in socket.if_nameindex())",
        ["lo"],
        network=True,
    ),
    Probe(
        "a route",
        "return len(open('/proc/net/route').read().splitlines()) > 1 or any(\n"
        "    line.split()[-1] != 'lo' for line in open('/proc/net/ipv6_route'))",
        False,
        network=True,
    ),
    *(_family(name, number) for name, number in (("vsock", 40), ("bluetooth", 31), ("TIPC", 30), ("KCM", 41))),
    _family("vsock, upper half of the number set", (1 << 32) | 40),
    _family("packet", 17, 3),
    _family("alg", 38, 5),
    _family("key", 15, 3),
    _family("CAN", 29, 3),
    _family("XDP", 44, 3),
    _family("RDS", 21, 5),
    Probe("netlink: change a link", _NEW_LINK, "EPERM", None, privileged=True),
    Probe("a pair of sockets of vsock", "return call(53, 40, 1, 0, b'\\0' * 8)", "EAFNOSUPPORT"),
    *(
        Probe(name, f"socket.socket({family}, socket.SOCK_RAW, {number}).close()", "EPERM", None, privileged=True)
        for name, family, number in (
            ("raw IP", "socket.AF_INET", 255),
            ("raw ICMP", "socket.AF_INET", 1),
            ("raw ICMP, IPv6", "socket.AF_INET6", 58),
        )
    ),
)

#: Asked only where there is no other interface than loopback: elsewhere they would leave the machine.
SILENT = (
    Probe("TCP out", _TO.format(address="198.51.100.7", port=443), "ENETUNREACH", network=True),
    Probe("a cloud's metadata", _TO.format(address="169.254.169.254", port=80), "ENETUNREACH", network=True),
    Probe("TCP out, other range", _TO.format(address="203.0.113.9", port=80), "ENETUNREACH", network=True),
    Probe(
        "TCP out, IPv6",
        "enclosed()\nreturn connect(socket.AF_INET6, ('2001:db8::7', 443))",
        "ENETUNREACH",
        network=True,
    ),
    Probe(
        "UDP out",
        "enclosed()\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:\n"
        "    return client.sendto(b'x', ('198.51.100.7', 53))",
        "ENETUNREACH",
        network=True,
    ),
    Probe(
        "a name",
        "enclosed()\nreturn socket.getaddrinfo('attack.invalid', 443)",
        "EAI_AGAIN",
        network=True,
    ),
    Probe(
        "broadcast",
        "enclosed()\nwith socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:\n"
        "    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n"
        "    return client.sendto(b'x', ('255.255.255.255', 9))",
        "ENETUNREACH",
        network=True,
    ),
)
