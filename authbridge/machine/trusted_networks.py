"""Tells whether a list of trusted proxies lets strangers in: a trusted proxy may claim any address."""

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address

_OWN = [*map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"))]
_OWN += [IPv4Network("100.64.0.0/10")]  # behind a provider's translation of addresses (RFC 6598)
_OWN_6 = [*map(IPv6Network, ("::1/128", "fc00::/7", "fe80::/10"))]
_MOST = 2.0**-11  # of all addresses of IPv4: the largest network of proxies has half of that
_MOST_6 = 2.0**-24  # of IPv6, likewise
_EVERYTHING = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_MAPPED = IPv6Network("::ffff:0:0/96")  # IPv4, as Prosody compares it with IPv6
_NUMBER = re.compile(r"\s*[-+]?(0[xX][0-9a-fA-F.]+|\d+\.?\d*|\.\d+)([eEpP][-+]?\d+)?\s*")


def trusts_strangers(networks: Iterable[str]) -> bool:
    """Tells whether more is trusted than private networks and, of the others, what proxies can need.

    ``networks`` are addresses and networks as Prosody's ``trusted_proxies`` and nginx' ``set_real_ip_from``
    have them; what is neither (a name, a socket) does not count.
    """
    found = [parsed for network in networks for parsed in _parse(network)]
    of_4 = [each for each in found if isinstance(each, IPv4Network)]
    of_6 = [each for each in found if isinstance(each, IPv6Network)]
    foreign_4 = [each for each in of_4 if not any(map(each.subnet_of, _OWN))]
    foreign_6 = [each for each in of_6 if not any(map(each.subnet_of, _OWN_6))]
    share_4 = sum(2.0**-each.prefixlen for each in collapse_addresses(foreign_4))
    share_6 = sum(2.0**-each.prefixlen for each in collapse_addresses(foreign_6))
    return share_4 > _MOST or share_6 > _MOST_6


def _parse(network: str) -> Iterator[IPv4Network | IPv6Network]:
    text, _, number = network.partition("/")
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return
    bits = _bits(number, address.max_prefixlen)
    if bits < 1:  # then Prosody compares nothing, not even IPv4 with IPv6
        yield from _EVERYTHING
    elif not isinstance(address, IPv6Address):
        yield IPv4Network((address, bits), strict=False)
    else:
        wide = IPv6Network((address, bits), strict=False)
        if not wide.subnet_of(_MAPPED):
            yield wide
        if wide.overlaps(_MAPPED):
            first = int(wide.network_address) & 0xFFFFFFFF
            yield IPv4Network((first, max(0, bits - _MAPPED.prefixlen)))


def _bits(number: str, most: int) -> int:
    # As Prosody, which reads the number as Lua does; without one, it is that address alone.
    if _NUMBER.fullmatch(number) is None:
        return most
    return int(min(most, float.fromhex(number) if "x" in number.lower() else float(number)))
