"""Where everything is wired: the GPIO numbers of a Pico or a Pico 2, whose pins are the same.

Only numbers. `hardware/wiring.toml` holds the same ones with wires, voltages and currents, and a test holds the two
together: change both, then `python -m hardware.drawings`.

Not measured on hardware by us: levels and colours are those of the modules' manuals (hardware/wiring.md, "Sources").
"""

# The sensor's UART, 3.3 V at the pins, 1 kOhm in series with each line.
SENSOR_UART = 0
SENSOR_UART_TX = 0  # to the sensor's RXD; low, never high, while the sensor is off: high feeds it (below)
SENSOR_UART_RX = 1  # from the sensor's TXD. No pull-up: it would feed the sensor as well.

# The high-side switch of the sensor's supply (TPS22918, or a P-channel transistor behind an NPN: both on at high).
# A resistor of 4.7 kOhm holds it off while the board resets.
SENSOR_POWER = 2
SENSOR_POWER_ON_LEVEL = 1
# Order: on = power, then the UART; off = TX to a low output and RX to an input without pulls, then power. A sensor
# lives on from a TX line that idles high, through its input's protection diode, and silence is not cured by that.

# The finger-detect line: TOUCH of the R307, WAKEUP of the R503. Its own supply stays on: it works with the sensor off.
FINGER = 3
FINGER_LEVEL = (
    0  # what means "finger": low in both manuals, but factories sell the other way round too: measure
)
FINGER_PULL_UP = 1  # an unplugged sensor then reads "no finger"

# The three colours of the light, each with PWM, lit at high. Full duty is 65535 x LED_BALANCE / 255: a first
# guess at what makes the three look equally bright, to be put right by eye at assembly.
LED_RED = 6
LED_GREEN = 7
LED_BLUE = 8
LED_ON_LEVEL = 1
LED_BALANCE = (255, 140, 200)
LED_PWM_HZ = 1000

# The lid's switch closes to ground while the lid is on: open lid, cut wire and lost plug all read the same, open.
TAMPER = 10
TAMPER_OPEN_LEVEL = 1
TAMPER_PULL_UP = 1

# The technician's button, to ground, behind the lid.
BUTTON = 11
BUTTON_PRESSED_LEVEL = 0
BUTTON_PULL_UP = 1
# Inputs use pull-ups only: RP2350 up to stepping A2 cannot pull its pins down (erratum E9).
