"""How much of the Internet may be proxies: whoever is one may claim any address."""

import pytest

from authbridge.machine.trusted_networks import trusts_strangers


@pytest.mark.parametrize(
    "networks",
    [
        [],
        ["127.0.0.1", "::1"],
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"],
        ["203.0.113.7", "2001:db8::7/64", "198.51.100.9/24"],
        # A large network of proxies, as it names its addresses itself.
        [
            "104.16.0.0/13",
            "104.24.0.0/14",
            "172.64.0.0/13",
            "131.0.72.0/22",
            "2400:cb00::/32",
            "2a06:98c0::/29",
        ],
        ["::ffff:203.0.113.0/120"],
        ["203.0.113.7/32", "203.0.113.8/64", "2001:db8::7/128"],  # Prosody: from 32 on, that address alone
    ],
)
def test_proxies_of_ones_own_are_fine(networks: list[str]) -> None:
    """Private networks as a whole, and of the others as much as large networks of proxies have."""
    assert not trusts_strangers(networks)


@pytest.mark.parametrize(
    "networks",
    [
        ["0.0.0.0/0"],
        ["::/0"],
        ["0.0.0.0/1", "128.0.0.0/1"],
        ["::/1", "8000::/1"],
        ["127.0.0.1", "80.0.0.0/8"],
        [f"{first}.0.0.0/8" for first in range(256)],
        [f"80.{second}.0.0/16" for second in range(256)],
        ["2a00::/12"],
        ["::ffff:0:0/96"],  # all of IPv4, for Prosody
        ["::/64"],
        ["::ffff:0:0/97", "::ffff:128.0.0.0/97"],
        ["203.0.113.7/-1"],  # what follows is all of it for Prosody, which reads the number as Lua does
        ["203.0.113.7/0.5"],
        ["203.0.113.7/0x0"],
        ["203.0.113.7/1e0"],
        ["203.0.113.7/ 0"],
    ],
    ids=lambda networks: " ".join(networks[:2]),
)
def test_strangers_are_found(networks: list[str]) -> None:
    """However the networks are cut."""
    assert trusts_strangers(networks)


def test_what_is_no_network_is_nobodys() -> None:
    """A name, a socket, and what Prosody and nginx skip."""
    assert not trusts_strangers(["proxy.example.org", "unix:", "", "/", "10.0.0.300/8", "127.0.0.1/"])
