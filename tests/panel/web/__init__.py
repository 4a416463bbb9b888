"""Answers: headers, languages, redirects, errors."""
