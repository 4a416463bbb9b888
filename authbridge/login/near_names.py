"""Lists the names that one slip of the finger makes of another: values in, values out."""

# What a name consists of, a blank, and "?" for what is not ASCII: keyboards turn a hyphen into a dash.
_TYPED = "abcdefghijklmnopqrstuvwxyz0123456789-._ ?"
_SHORTEST = 5  # characters; a shorter one is near too much that is no name
_LONGEST = 64  # characters of a username


def names_one_slip_away(name: str) -> set[str]:
    """Returns the names that differ by one character: another, one more, one less, or two exchanged.

    None for very short and very long ones.
    """
    if not _SHORTEST <= len(name) <= _LONGEST:
        return set()
    places = range(len(name))
    less = {name[:at] + name[at + 1 :] for at in places}
    other = {name[:at] + typed + name[at + 1 :] for at in places for typed in _TYPED}
    more = {name[:at] + typed + name[at:] for at in (*places, len(name)) for typed in _TYPED}
    exchanged = {name[:at] + name[at + 1] + name[at] + name[at + 2 :] for at in places[:-1]}
    return (less | other | more | exchanged) - {name}
