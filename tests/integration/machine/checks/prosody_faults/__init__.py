"""Each check of Prosody finds its fault, mends it, and finds nothing where all is well."""
