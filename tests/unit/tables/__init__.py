"""How tables are read, as offices write them."""
