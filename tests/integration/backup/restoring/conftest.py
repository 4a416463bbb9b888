"""The settings that a restore is given."""

from pathlib import Path

import pytest

from authbridge.config import Config
from tests.support.backups import make_config


@pytest.fixture(name="config")
def make_settings(database_url: str, tmp_path: Path) -> Config:
    """The usual settings."""
    return make_config(database_url, tmp_path)
