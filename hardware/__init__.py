"""The appliance's hardware, and the bench on which it is tried without it."""
