"""The machine around us: its files, what is found in them, and how it is mended and taken back."""
