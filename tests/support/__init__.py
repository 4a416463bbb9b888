"""Everything that several tests share: sample records, stand-ins, and the programs around a real Prosody."""
