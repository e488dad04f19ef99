"""The centre's HTTP interface: compare two templates, explain them, explain a candidate of a recorded search."""
