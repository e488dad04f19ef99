"""Predicted against observed false match rates, on prints that the calibration has not seen."""
