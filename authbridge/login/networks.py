"""Parses addresses, and finds the network of one as the login policy counts networks; pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from authbridge.login.failure_history import Network

_UNKNOWN = Network(None)
_NEIGHBOURHOOD = 64  # bits of an IPv6 address that one subscriber holds; they may take any address in it

_PANEL = "panel "  # failures at the panel and at Prosody count apart, even of one address
_DEVICE = "device "

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_address(text: str | None) -> IPAddress | None:
    """Returns the address without its zone, an IPv4-mapped one as IPv4; None for anything else.

    A text that is no address counts as an unknown one, and earns no trust.
    """
    try:
        address = ipaddress.ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(address: IPAddress | None, own_networks: Iterable[str] = ()) -> Network:
    """Returns the school's own network that holds the address, else the IPv4 address or the IPv6 /64.

    ``own_networks`` are CIDR strings.  Unknown where the address is None or loopback: then it is the
    proxy's, and everybody's.
    """
    if address is None or address.is_loopback:
        return _UNKNOWN
    own = [network for network in map(_parsed, own_networks) if address in network]
    if own:
        return Network(str(max(own, key=lambda network: network.prefixlen)), trusted=True)
    if address.version == 4:  # noqa: PLR2004 - of IP
        return Network(str(address))
    return Network(str(ipaddress.ip_network((address, _NEIGHBOURHOOD), strict=False)))


def panel_network_of(address: IPAddress | None) -> Network:
    """Returns the network of a sign-in at the panel, which counts apart from the same network at Prosody.

    Else a school behind one address would lock a visiting clerk out of the panel, and the clerk the school.
    None is trusted: only an earlier success makes a network familiar at the panel.
    """
    key = network_of(address).key
    return _UNKNOWN if key is None else Network(at_panel(key))


def device_network(device: str) -> Network:
    """Returns the network of one known browser, in which there is nobody else."""
    return Network(f"{_DEVICE}{device}", is_device=True)


def at_panel(key: str) -> str:
    """Returns the key under which the panel counts the same network."""
    return f"{_PANEL}{key}"


def split_panel(key: str | None) -> tuple[str | None, bool]:
    """Returns a network's key as people write it (None for a device), and whether it is one at the panel."""
    if key is not None and key.startswith(_DEVICE):
        return None, True
    if key is None or not key.startswith(_PANEL):
        return key, False
    return key.removeprefix(_PANEL), True


@lru_cache(maxsize=4096)
def _parsed(cidr: str) -> _IPNetwork:
    return ipaddress.ip_network(cidr)
