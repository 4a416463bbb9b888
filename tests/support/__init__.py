"""What several tests share: fakes, factories, and the parts of a tier's tests that are no tests."""
