"""The hardware folder agrees with itself, with the firmware's pins, with the commands, and with what udev reads.

One long file on purpose: whatever holds one of that folder's pages against another stands here.
"""

import ast
import fnmatch
import json
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from firmware.core import codes
from hardware.drawings import __main__ as drawings
from hardware.drawings import bill, faults, pages, power, sensor_board, wiring
from hardware.drawings.data import HARDWARE
from hardware.enclosure import __main__ as enclosure
from hardware.enclosure.openscad import bodies, export_part, find_openscad

REPOSITORY = HARDWARE.parent
PINS = REPOSITORY / "firmware" / "board" / "pins.py"
RULES = HARDWARE / "udev" / "99-whorl.rules"
PAGES = sorted(path for path in HARDWARE.rglob("*.md") if "bench" not in path.parts)


def toml(name):
    return tomllib.loads((HARDWARE / name).read_text("utf-8"))


# --- generated files ---------------------------------------------------------------------------------------------


def test_generated_tables_and_pictures_are_up_to_date():
    assert [path.name for path in drawings.out_of_date()] == [], "run: python -m hardware.drawings"


def test_every_block_that_is_made_is_shown_on_some_page():
    asked = {
        name for page in drawings.PAGES for name in pages.block_names((HARDWARE / page).read_text("utf-8"))
    }
    assert asked == set(drawings.blocks())


def test_a_page_that_asks_for_an_unknown_block_is_refused():
    with pytest.raises(pages.PageError, match="no block is called 'wirring'"):
        pages.filled("<!-- made: wirring -->\n<!-- end -->\n", {"wiring": "x"})


def test_a_filled_page_can_be_filled_again():
    once = pages.filled("a\n<!-- made: x -->\nold\n<!-- end -->\nb\n", {"x": "new | \\1"})
    assert once == "a\n<!-- made: x -->\nnew | \\1\n<!-- end -->\nb\n"
    assert pages.filled(once, {"x": "new | \\1"}) == once


def test_check_says_what_is_out_of_date_and_fails():
    done = subprocess.run(
        [sys.executable, "-m", "hardware.drawings", "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=REPOSITORY,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", sorted(drawings.pictures()))
def test_pictures_are_valid_and_nothing_begins_outside_the_paper(name):
    root = ET.fromstring((HARDWARE / name).read_text("utf-8"))
    width, height = float(root.get("width")), float(root.get("height"))
    texts = root.findall("{http://www.w3.org/2000/svg}text")
    assert len(texts) > 5
    for text in texts:
        long = 0.6 * float(text.get("font-size")) * len(text.text or "")
        x = float(text.get("x"))
        left = x - {"start": 0, "middle": long / 2, "end": long}[text.get("text-anchor")]
        assert left >= -1, text.text
        assert left + long <= width + 1, text.text
        assert 0 <= float(text.get("y")) <= height, text.text


# --- pages -------------------------------------------------------------------------------------------------------


def anchors(page):
    for title in re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HARDWARE)))
def test_links_and_pictures_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]*)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if target and not target.startswith("http"):
            assert (page.parent / target).exists(), target
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", page.read_text("utf-8")):
        assert anchor in anchors(page.parent / target if target else page), anchor


def commands():
    import typer

    from edge_service import board_command, cli, firmware_command

    def names(app):
        return set(typer.main.get_command(app).commands)

    return {
        "": names(cli.app) | {"firmware", "board"},
        "board": names(board_command.app),
        "firmware": names(firmware_command.app),
    }


def test_every_command_that_is_told_to_the_technician_exists():
    known = commands()
    told = "\n".join(path.read_text("utf-8") for path in [*PAGES, HARDWARE / "fault-tree.toml"])
    found = re.findall(r"edge-service[ \n]([a-z]+)(?:[ \n]([a-z]+))?", told)
    assert len(found) > 10
    for first, second in found:
        if first in {"board", "firmware"}:
            assert second in known[first], f"edge-service {first} {second}"
        else:
            assert first in known[""] | {"run"}, f"edge-service {first}"


def test_settings_of_the_package_are_accepted_by_the_service():
    from edge_service.settings import EdgeSettings
    from interchange.settings import load_settings

    given = HARDWARE.parent / "deploy" / "debian" / "whorl-kiosk" / "edge.toml"
    settings = load_settings(EdgeSettings, given, ["device=kiosk-1"])
    assert settings.sensor.port == "/dev/whorl-board"


# --- pins --------------------------------------------------------------------------------------------------------

# RP2040 datasheet, table 2 (GPIO functions); the RP2350 has these too.
UART_TX = {0: {0, 12, 16, 28}, 1: {4, 8, 20, 24}}
UART_RX = {0: {1, 13, 17, 29}, 1: {5, 9, 21, 25}}


def test_firmware_and_wiring_agree_on_every_pin():
    pins = runpy.run_path(str(PINS))
    gpios = wiring.read_wiring().gpio_constants()
    assert {name: pins[name] for name in gpios} == gpios
    settings = ("_LEVEL", "_PULL_UP", "_BALANCE", "_HZ")
    numbers = {name for name in pins if name.isupper() and not name.endswith(settings)} - {"SENSOR_UART"}
    assert numbers == set(gpios)
    assert len(set(gpios.values())) == len(gpios)


def test_the_uart_can_be_on_those_pins():
    pins = runpy.run_path(str(PINS))
    assert pins["SENSOR_UART_TX"] in UART_TX[pins["SENSOR_UART"]]
    assert pins["SENSOR_UART_RX"] in UART_RX[pins["SENSOR_UART"]]


def test_the_firmware_s_pins_are_nothing_but_numbers():
    tree = ast.parse(PINS.read_text("utf-8"))
    assert ast.get_docstring(tree)
    for statement in tree.body[1:]:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)


def test_the_header_is_that_of_a_pico():
    header = wiring.read_wiring().board.header
    assert [pin for pin, name in enumerate(header, start=1) if name == "GND"] == [3, 8, 13, 18, 23, 28, 38]
    assert (header[0], header[19], header[20], header[35], header[39]) == (
        "GP0",
        "GP15",
        "GP16",
        "3V3(OUT)",
        "VBUS",
    )
    assert sorted(int(name[2:]) for name in header if name.startswith("GP")) == [*range(23), 26, 27, 28]


def test_no_wire_brings_more_than_3_3_volts_to_the_board():
    for line in [*wiring.read_wiring().wire, *wiring.read_wiring().control]:
        if line.direction == "to board":
            assert line.volts == 3.3, line.name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "finger"\nat = 5\nto = 5', 'name = "finger"\nat = 5\nto = 4', "pin 4 is both"),
        ('name = "finger"\nat = 5\nto = 5', 'name = "finger"\nat = 5\nto = 8', "returns go to GND"),
        ('name = "finger"\nat = 5', 'name = "finger"\natt = 5', "att"),
        ("supply_pin = 36", "supply_pin = 35", "cannot be fed"),
    ],
)
def test_wrong_wiring_is_refused_by_name(monkeypatch, tmp_path, old, new, said):
    text = (HARDWARE / "wiring.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "wiring.toml").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(wiring, "load", lambda kind, name: wiring_load(kind, name, folder=tmp_path))
    with pytest.raises(pages.PageError, match=said):
        wiring.read_wiring()


wiring_load = wiring.load


def test_parts_on_the_sensor_board_have_room_and_are_where_the_enclosure_expects_them():
    places = wiring.read_wiring().place
    wide, deep = sensor_board.BOARD_MM
    screws = [
        (x * sensor_board.SCREWS_MM[0] / 2, y * sensor_board.SCREWS_MM[1] / 2)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    for place in places:
        (x, y), (across, along) = place.at, place.size
        assert abs(x) + across / 2 <= wide / 2, place.name
        assert abs(y) + along / 2 <= deep / 2, place.name
        for screw in screws:  # 3.5 mm: the cover's posts
            gap = max(abs(screw[0] - x) - across / 2, abs(screw[1] - y) - along / 2)
            assert gap >= 3.5, f"{place.name} is under a post of the cover"
        for other in places:
            if other is not place:
                apart_x = abs(x - other.at[0]) - (across + other.size[0]) / 2
                apart_y = abs(y - other.at[1]) - (along + other.size[1]) / 2
                assert max(apart_x, apart_y) >= 0.5, f"{place.name} runs into {other.name}"
    scad = (HARDWARE / "enclosure" / "kiosk.scad").read_text("utf-8")
    for name, variable in (("Pico in its sockets", "pico_at"), ("button", "button_at")):
        at = next(place.at for place in places if place.name == name)
        assert f"{variable} = [{at[0]:g}, {at[1]:g}];" in scad
    assert f"carrier = [{wide:g}, {deep:g}];" in scad


# --- power -------------------------------------------------------------------------------------------------------


def test_every_rail_keeps_its_margin_at_the_peak():
    budget, wires = power.read_budget(), wiring.read_wiring()
    for configuration in budget.configuration:
        for used in power.rails_of(configuration, budget, wires):
            assert used.margin >= budget.least_margin, (configuration.id, used.rail.id)


def test_sums_of_the_power_budget_are_right():
    """Added up by hand from the raw file: the reference kiosk, and the one whose sensor hangs on the Pico's 3.3 V."""
    raw = toml("power-budget.toml")
    peak = {load["id"]: load["peak_ma"] for load in raw["load"]}
    sensor = {one["name"]: one["peak_ma"] for one in toml("wiring.toml")["sensor"]}
    pins = peak["light"] + peak["pin-rest"]
    to_usb = 3.3 / 5.0 / 0.85
    usb = sensor["R307"] + (peak["pico"] + pins) * to_usb
    usb_round = (peak["pico2"] + sensor["R503"] + pins) * to_usb
    budget, wires = power.read_budget(), wiring.read_wiring()
    by_id = {
        one.id: {used.rail.id: used for used in power.rails_of(one, budget, wires)}
        for one in budget.configuration
    }
    assert by_id["reference"]["usb"].peak_ma == pytest.approx(usb)
    assert by_id["reference"]["supply-pi4"].peak_ma == pytest.approx(peak["pi4"] + peak["screen"] + usb)
    assert by_id["round"]["usb"].peak_ma == pytest.approx(usb_round)
    assert by_id["round"]["supply-pi4"].peak_ma == pytest.approx(peak["pi4"] + peak["screen"] + usb_round)
    assert "fuse" not in by_id["round"]


def test_every_load_of_a_table_is_in_its_rail_s_sum():
    """Read back from the page: what stands in a rail's cell adds up to its column, where nothing else feeds from it."""
    page = (HARDWARE / "power-budget.md").read_text("utf-8")
    rows = [
        line.split(" | ") for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == 6
    ]
    seen = 0
    for row in rows:
        parts = re.findall(r"(\d+) / (\d+)(?:;|$)", row[2])
        if parts and "*" not in row[2]:
            assert sum(int(typical) for typical, _ in parts) == int(row[3])
            assert sum(int(peak) for _, peak in parts) == int(row[4])
            seen += 1
    assert seen >= 7


def test_an_unknown_load_is_refused():
    budget = power.read_budget()
    wrong = power.Configuration.model_validate(
        {"id": "x", "name": "x", "supply": "supply-pi4", "usb": ["toaster"]}
    )
    with pytest.raises(pages.PageError, match="toaster"):
        power.rails_of(wrong, budget, wiring.read_wiring())


def test_light_draws_no_more_than_its_resistors_let_through():
    budget = power.read_budget()
    light = next(load for load in budget.load if load.id == "light")
    colours = [line for line in wiring.read_wiring().control if line.constant in wiring.LED_PARTS]
    assert light.peak_ma == sum(line.typical_ma for line in colours)


# --- bill of materials -------------------------------------------------------------------------------------------


def test_totals_of_the_bill_are_right():
    raw = toml("bill-of-materials.toml")
    read = bill.read_bill()
    for build in read.build:
        total = 0.0
        for line in raw["line"]:
            for option in line["option"]:
                if build.id in option["builds"]:
                    total += option["usd"] * line["quantity"]
        assert bill.total_usd(read, build) == pytest.approx(total)
        assert f"**{total:.0f}**" in (HARDWARE / "bill-of-materials.md").read_text("utf-8")


def test_the_reference_build_has_every_line():
    read = bill.read_bill()
    reference = read.build[0]
    assert [line.id for line in read.line if line.option_for(reference) is None] == []


def test_sensor_of_a_build_gets_its_fuse():
    """An R307 hangs on 5 V behind a fuse, an R503 does not."""
    read = bill.read_bill()
    lines = {line.id: line for line in read.line}
    for build in read.build:
        option = lines["sensor"].option_for(build)
        assert option is not None
        sensor = wiring.read_wiring().sensor_named(option.part[:4])
        assert (lines["fuse"].option_for(build) is not None) == sensor.fuse, build.id


# --- fault tree --------------------------------------------------------------------------------------------------


def test_every_fault_of_the_board_has_one_number_of_blinks():
    grouped = [code for group in faults.read_tree().group for code in group.codes]
    assert len(set(grouped)) == len(grouped)
    assert all(hasattr(codes, f"ERROR_{code}") for code in grouped)
    lasting = {
        name.removeprefix("ERROR_")
        for name, value in vars(codes).items()
        if name.startswith(("ERROR_SENSOR_", "ERROR_UPDATE_")) and isinstance(value, int)
    }
    assert lasting <= set(grouped)
    assert [group.blinks for group in faults.read_tree().group] == [1, 2, 3, 4, 5]


def test_every_pattern_of_the_light_is_explained():
    known = {name for name in vars(codes) if name.startswith("LED_")}
    assert {light.code for light in faults.read_tree().light} == known


def test_every_way_ends_in_one_action():
    raw = toml("fault-tree.toml")
    questions = {question["id"]: question for question in raw["question"]}
    actions = {action["id"] for action in raw["action"]}

    def depth(name):
        if name in actions:
            return 0
        return 1 + max(depth(answer["to"]) for answer in questions[name]["answers"])

    assert max(depth(light["first"]) for light in raw["light"]) <= 2, (
        "the officer is not to be asked for ever"
    )


def test_questions_that_lead_in_a_circle_are_refused(monkeypatch):
    raw = toml("fault-tree.toml")
    next(one for one in raw["question"] if one["id"] == "off-outlet")["answers"][0]["to"] = "off-screen"
    monkeypatch.setattr(faults, "load", lambda kind, _: kind.model_validate(raw))
    with pytest.raises(pages.PageError, match="circle"):
        faults.read_tree()


def test_an_action_that_nothing_leads_to_is_refused(monkeypatch):
    raw = toml("fault-tree.toml")
    raw["action"].append({"id": "pray", "who": "officer", "do": "Hope."})
    monkeypatch.setattr(faults, "load", lambda kind, _: kind.model_validate(raw))
    with pytest.raises(pages.PageError, match="pray"):
        faults.read_tree()


# --- udev --------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*([A-Z_]+)(?:\{([^}]+)\})?(==|!=|\+=|:=|=)"([^"]*)"\s*(,|$)')
_MATCHES = {"ACTION", "SUBSYSTEM", "KERNEL", "ATTR", "ATTRS", "ENV", "TEST"}
_SETS = {"SYMLINK", "GROUP", "MODE", "ENV", "TAG", "ATTR"}


def rules():
    for line in RULES.read_text("ascii").splitlines():
        if line.strip() and not line.startswith("#"):
            at, tokens = 0, []
            while at < len(line):
                found = _TOKEN.match(line, at)
                assert found, f"not a udev token: {line[at:]}"
                key, name, operator, value, _ = found.groups()
                assert key in (_MATCHES if operator in {"==", "!="} else _SETS), f"{key} {operator}"
                tokens.append((key, name, operator, value))
                at = found.end()
            yield tokens


def applied(device):
    """What the rules set for a device: its own keys and attributes, and one parent's attributes for ATTRS."""
    result = {"SYMLINK": [], "ENV": {}, "TAG": []}
    for tokens in rules():
        matches = [token for token in tokens if token[2] in {"==", "!="}]
        if all(matched(device, token) for token in matches):
            for key, name, operator, value in tokens[len(matches) :]:
                if operator == "+=":
                    result[key].append(value)
                elif name is not None:
                    result.setdefault(key, {})[name] = value
                else:
                    result[key] = value
    return result


def matched(device, token):
    key, name, operator, value = token
    if key == "TEST":
        return True
    have = device.get(key, {}).get(name) if name else device.get(key)
    return (have is not None and fnmatch.fnmatchcase(have, value)) == (operator == "==")


BOARD = {"idVendor": "2e8a", "idProduct": "0005", "product": "Board in FS mode"}


def test_the_board_gets_its_name_its_group_and_no_modem_manager():
    got = applied({"ACTION": "add", "SUBSYSTEM": "tty", "KERNEL": "ttyACM0", "ATTRS": BOARD})
    assert (got["SYMLINK"], got["GROUP"], got["MODE"]) == (["whorl-board"], "dialout", "0660")
    assert got["ENV"]["ID_MM_DEVICE_IGNORE"] == "1"
    usb = applied({"ACTION": "add", "SUBSYSTEM": "usb", "ENV": {"DEVTYPE": "usb_device"}, "ATTR": BOARD})
    assert usb["ENV"]["ID_MM_DEVICE_IGNORE"] == "1"


@pytest.mark.parametrize("vendor", ["10c4:ea60", "1a86:7523", "0403:6001", "067b:2303"])
def test_a_bare_adapter_is_the_sensor(vendor):
    ids = dict(zip(("idVendor", "idProduct"), vendor.split(":"), strict=True))
    got = applied({"ACTION": "add", "SUBSYSTEM": "tty", "KERNEL": "ttyUSB1", "ATTRS": ids})
    assert (got["SYMLINK"], got["GROUP"], got["MODE"]) == (["whorl-sensor"], "dialout", "0660")
    usb = applied({"ACTION": "add", "SUBSYSTEM": "usb", "ENV": {"DEVTYPE": "usb_device"}, "ATTR": ids})
    assert usb["ENV"]["ID_MM_DEVICE_IGNORE"] == "1"


@pytest.mark.parametrize(
    "device",
    [
        {"ACTION": "add", "SUBSYSTEM": "tty", "KERNEL": "ttyACM0", "ATTRS": {**BOARD, "idVendor": "2341"}},
        {"ACTION": "add", "SUBSYSTEM": "tty", "KERNEL": "ttyACM0", "ATTRS": {**BOARD, "product": "Pico"}},
        {"ACTION": "remove", "SUBSYSTEM": "tty", "KERNEL": "ttyACM0", "ATTRS": BOARD},
        {"ACTION": "add", "SUBSYSTEM": "tty", "KERNEL": "ttyS0", "ATTRS": {}},
    ],
)
def test_nothing_else_gets_a_name(device):
    assert applied(device)["SYMLINK"] == []


def test_udev_itself_accepts_the_rules():
    udevadm = shutil.which("udevadm")
    if udevadm is None:
        pytest.skip("udevadm is not installed")
    version = subprocess.run(
        [udevadm, "--version"], check=False, capture_output=True, text=True, timeout=10
    ).stdout
    if not version.strip().isdigit() or int(version) < 254:
        pytest.skip(f"udevadm {version.strip()} has no verify")
    done = subprocess.run(
        [udevadm, "verify", str(RULES)], check=False, capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- enclosure ---------------------------------------------------------------------------------------------------


def test_pictures_of_the_enclosure_are_of_this_model():
    made = json.loads(enclosure.MADE_FROM.read_text("ascii"))
    assert made["kiosk.scad sha256"] == enclosure.scad_sha256(), "run: python -m hardware.enclosure"
    assert set(made["pictures"]) == {path.name for path in enclosure.PICTURES.glob("*.png")}
    assert made["pictures"] == [f"{view.name}.png" for view in enclosure.VIEWS]
    for name in made["pictures"]:
        assert 5_000 < (enclosure.PICTURES / name).stat().st_size < 150_000, name


def test_every_view_and_part_is_one_of_the_model():
    scad = (HARDWARE / "enclosure" / "kiosk.scad").read_text("utf-8")
    for view in enclosure.VIEWS:
        assert f'view == "{view.view}"' in scad
    for part in (*enclosure.PARTS, *enclosure.CLASHES):
        assert f'part == "{part}"' in scad


def test_bodies_are_counted(tmp_path):
    def triangle(x):
        return "".join(f"vertex {a} {b} 0\n" for a, b in ((x, 0), (x + 1, 0), (x, 1)))

    one, two = tmp_path / "one.stl", tmp_path / "two.stl"
    one.write_text(triangle(0) + triangle(0))
    two.write_text(triangle(0) + triangle(5))
    assert (bodies(one), bodies(two)) == (1, 2)


@pytest.mark.skipif(find_openscad() is None, reason="openscad is not installed")
@pytest.mark.parametrize("part", ["strap", "clamp"])
def test_small_parts_are_one_closed_body(tmp_path, part):
    """The large ones take half a minute: `python -m hardware.enclosure --check`."""
    out = tmp_path / f"{part}.stl"
    assert export_part(part, out)
    assert bodies(out) == 1


@pytest.mark.skipif(find_openscad() is None, reason="openscad is not installed")
def test_an_angle_that_leaves_no_room_is_refused(tmp_path):
    from hardware.enclosure.openscad import EnclosureError

    with pytest.raises(EnclosureError, match="25 to 40 degrees"):
        export_part("clamp", tmp_path / "clamp.stl", tilt=60)


def test_pages_name_nothing_of_this_machine():
    for path in [*PAGES, *HARDWARE.glob("*.toml"), HARDWARE / "enclosure" / "kiosk.scad", RULES]:
        assert not re.search(r"/(root|work|tmp)/", path.read_text("utf-8")), Path(path).name
