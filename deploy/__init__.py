"""What brings the programs onto machines."""
