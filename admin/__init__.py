"""The staff panel; its first pages are the next capability (see CHANGELOG.md)."""
