"""The enclosure: one OpenSCAD file, and what renders it."""
