"""Tells which tests one process of pytest runs one after the other."""

import pytest

from tests.support.scheduling import scope_of

E2E = "tests/end_to_end/"


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        ("tests/unit/test_policy.py::test_one[13-a]", "tests/unit/test_policy.py"),
        (
            f"{E2E}login/test_faults.py::test_one[0.12]",
            f"{E2E}login/test_faults.py 0.12",
        ),
        (f"{E2E}login/test_login.py::test_one[tcp-13]", f"{E2E}login/test_login.py 13"),
        (f"{E2E}login/test_login.py::test_one[13-backports-tcp]", f"{E2E}login/test_login.py 13-backports"),
        (f"{E2E}login/test_login.py::test_one[x130-y]", f"{E2E}login/test_login.py"),
        (f"{E2E}panel/test_pages.py::test_one[de]", f"{E2E}panel/test_pages.py de"),
        (f"{E2E}meetings/test_rooms.py::test_one[13]", "the shared Jitsi 13"),
        (
            f"{E2E}meetings/test_unheard.py::test_one[13]",
            f"{E2E}meetings/test_unheard.py 13",
        ),
    ],
)
def test_what_shares_a_prosody_stays_together(test: str, scope: str) -> None:
    """A file, in end-to-end tests one version of it, or the Jitsi that several files share."""
    assert scope_of(test) == scope
