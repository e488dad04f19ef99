"""The kiosk's service: sensor, extraction, spool, uplink."""
