"""Pictures and tables of the hardware folder, made from its data files."""
