"""Running the centre day to day: health, metrics, the watchdog."""
