"""What the comparison stands: skin that stretches, few minutiae, little in common, any turn. From a seed, nobody's."""
