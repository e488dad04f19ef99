"""The network's file and card, its training, and synthetic prints."""
