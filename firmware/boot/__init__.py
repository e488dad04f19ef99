"""What chooses the slot that starts, and the state that it chooses by."""
