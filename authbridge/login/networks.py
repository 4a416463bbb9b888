"""Which network an address belongs to, as the login policy counts networks; pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from authbridge.login.policy import Network

_UNKNOWN = Network(None)
_NEIGHBOURHOOD = 64  # bits of an IPv6 address that one subscriber holds; he may take any address below

_PANEL = "panel "  # an address keeps apart what failed there at the panel and at Prosody
_DEVICE = "device "

_IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def network_of(ip: str | None, own_networks: Iterable[str] = ()) -> Network:
    """The school's own network that holds the address, else the IPv4 address or the IPv6 /64.

    ``own_networks`` are CIDR strings.  Unknown where the address is None or loopback: then it is the
    proxy's, and everybody's.
    """
    address = None if ip is None else ipaddress.ip_address(ip)
    if address is None or address.is_loopback:
        return _UNKNOWN
    own = [network for network in map(_parsed, own_networks) if address in network]
    if own:
        return Network(str(max(own, key=lambda network: network.prefixlen)), trusted=True)
    if address.version == 4:  # noqa: PLR2004 - of IP
        return Network(str(address))
    return Network(str(ipaddress.ip_network((address, _NEIGHBOURHOOD), strict=False)))


def panel_network_of(ip: str | None) -> Network:
    """The network of somebody at the panel, which counts apart from the same network at Prosody.

    A whole school behind one address would lock the clerk out who visits it, and she the school.  None is
    trusted: nothing speaks for a network at the panel but an earlier success.
    """
    key = network_of(ip).key
    return _UNKNOWN if key is None else Network(at_panel(key))


def device_network(device: str) -> Network:
    """The network of a browser with which somebody has come into the panel: it stands there all alone."""
    return Network(f"{_DEVICE}{device}", is_device=True)


def at_panel(key: str) -> str:
    """The key under which the panel counts the same network."""
    return f"{_PANEL}{key}"


def split_panel(key: str | None) -> tuple[str | None, bool]:
    """A network's key as people write it, and whether it is one at the panel; a device has no address."""
    if key is not None and key.startswith(_DEVICE):
        return None, True
    if key is None or not key.startswith(_PANEL):
        return key, False
    return key.removeprefix(_PANEL), True


@lru_cache(maxsize=4096)
def _parsed(cidr: str) -> _IPNetwork:
    return ipaddress.ip_network(cidr)
