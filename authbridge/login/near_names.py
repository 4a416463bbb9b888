"""Lists the names that one slip of the finger makes of another: values in, values out."""

# What a name consists of, a blank, and "?" for what is not ASCII: keyboards turn a hyphen into a dash.
_TYPED = "abcdefghijklmnopqrstuvwxyz0123456789-._ ?"
_LONGEST = 64  # characters of a username


def names_one_slip_away(name: str) -> set[str]:
    """Returns the names that differ by one character: another, one more, one less, or two exchanged."""
    if not 0 < len(name) <= _LONGEST:
        return set()
    places = range(len(name))
    less = {name[:at] + name[at + 1 :] for at in places}
    other = {name[:at] + typed + name[at + 1 :] for at in places for typed in _TYPED}
    more = {name[:at] + typed + name[at:] for at in (*places, len(name)) for typed in _TYPED}
    exchanged = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in places[:-1]}
    return (less | other | more | exchanged) - {name}
