"""How often a person is missed with 1, 2, 4 and 10 fingers."""
