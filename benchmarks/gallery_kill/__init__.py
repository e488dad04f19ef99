"""Kills a gallery at random points, and looks whether anything acknowledged is lost or anything deleted is back."""
