"""The main job, shown: a print goes in at the sensor, a reply comes back at the kiosk. `make demo`."""
