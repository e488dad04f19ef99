"""Running a kiosk day to day: health, metrics, the watchdog, the doctor, the support bundle."""
