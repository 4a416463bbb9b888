"""Which network an address belongs to, as the login policy counts networks; pure."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from authbridge.policy import Network

_UNKNOWN = Network(None)
_NEIGHBOURHOOD = 64  # bits of an IPv6 address that one subscriber holds; he may take any address below

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


@lru_cache(maxsize=4096)
def _parsed(cidr: str) -> _IPNetwork:
    return ipaddress.ip_network(cidr)
