"""Which network an address belongs to."""

from collections.abc import Sequence

import pytest

from authbridge.login.failure_history import Network
from authbridge.login.networks import network_of, parse_address


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", id="an IPv4 address is alone"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="an IPv6 address has 2^64 neighbours"),
        pytest.param("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", id="last of the /64"),
        pytest.param("2001:db8:1:3::", "2001:db8:1:3::/64", id="first of the next /64"),
        pytest.param("10.0.0.7", "10.0.0.7", id="private addresses are real"),
        pytest.param("192.168.178.20", "192.168.178.20", id="also those of homes"),
        pytest.param("fd00::1", "fd00::/64", id="also those of IPv6"),
        pytest.param(None, None, id="not vouched for"),
        pytest.param("127.0.0.1", None, id="loopback is a proxy's"),
        pytest.param("127.8.9.10", None, id="all of loopback"),
        pytest.param("::1", None, id="loopback of IPv6"),
    ],
)
def test_an_address_that_is_no_schools(ip: str | None, key: str | None) -> None:
    """The IPv4 address or the IPv6 /64, trusted by nobody; unknown where it is not the client's."""
    assert network_of(parse_address(ip)) == Network(key, trusted=False)


@pytest.mark.parametrize(
    ("ip", "own", "key"),
    [
        pytest.param("198.51.100.7", ["198.51.100.7"], "198.51.100.7/32", id="one address"),
        pytest.param("198.51.100.0", ["198.51.100.0/24"], "198.51.100.0/24", id="first of the network"),
        pytest.param("198.51.100.255", ["198.51.100.0/24"], "198.51.100.0/24", id="last of the network"),
        pytest.param("10.1.2.3", ["10.0.0.0/8"], "10.0.0.0/8", id="a private network"),
        pytest.param("2001:db8:12:9::1", ["2001:db8:12::/48"], "2001:db8:12::/48", id="an IPv6 /48"),
        pytest.param("198.51.100.7", ["192.0.2.0/24", "198.51.100.0/24"], "198.51.100.0/24", id="the second"),
        pytest.param("10.1.2.3", ["10.0.0.0/8", "10.1.0.0/16"], "10.1.0.0/16", id="the narrowest of two"),
        pytest.param("10.1.2.3", ["10.1.0.0/16", "10.0.0.0/8"], "10.1.0.0/16", id="in whatever order"),
        pytest.param("::5", ["0.0.0.0/0", "::/0"], "::/0", id="of the same version only"),
    ],
)
def test_an_address_of_the_schools_own(ip: str, own: Sequence[str], key: str) -> None:
    """The school's network that holds it, the narrowest if there are more, is one trusted network."""
    assert network_of(parse_address(ip), own) == Network(key, trusted=True)


@pytest.mark.parametrize(
    ("ip", "own"),
    [
        pytest.param("198.51.101.0", ["198.51.100.0/24"], id="next to the network"),
        pytest.param("2001:db8:13::1", ["2001:db8:12::/48"], id="next to the /48"),
        pytest.param("198.51.100.7", ["2001:db8:12::/48"], id="an IPv4 address of a school with IPv6"),
        pytest.param("2001:db8:12::1", ["198.51.100.0/24"], id="an IPv6 address of a school with IPv4"),
        pytest.param("198.51.100.7", [], id="a school without networks"),
        pytest.param("127.0.0.1", ["0.0.0.0/0"], id="loopback is nobody's own"),
        pytest.param("::1", ["::/0"], id="nor is that of IPv6"),
        pytest.param(None, ["0.0.0.0/0", "::/0"], id="nor what is not vouched for"),
    ],
)
def test_an_address_outside_the_schools_own(ip: str | None, own: Sequence[str]) -> None:
    """What no entry holds counts as if there were none."""
    assert network_of(parse_address(ip), own) == network_of(parse_address(ip))
