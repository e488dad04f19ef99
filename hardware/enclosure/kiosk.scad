// Whorl kiosk: a wedge on the booking desk, 7" screen above, fingerprint sensor below, everything else inside.
//
//   shell    walls and sloping face; holds sensor, light, screen and the lid's switch
//   lid      the bottom; holds Pi and sensor board; six screws, reachable only from below
//   strap    two bars that hold the screen against the face from behind
//   clamp    holds an R307 against the face (an R503 brings its own nut)
//   cover    over the sensor board; its hole is the only way to the button, and the lid is before it
//
// Open it in OpenSCAD and turn the numbers, or `python -m hardware.enclosure` for all pictures and STL files.
// Lengths in mm. x to the right, y to the back, z up; the middle of the front edge on the table is the origin.
// Sizes of bought parts are those of public drawings and were not measured by us: hold a caliper to yours.

/* [What is built in] */
sensor = "R307"; // [R307, R503]
pi = "pi4";      // [pi4, pi5, zero2w]

/* [Shape] */
// angle of the face to the table, degrees
tilt = 30;       // [25:1:40]
// thickness of all walls
wall = 3;        // [2.4:0.2:5]
// height of the front edge
front = 38;      // [34:60]

/* [What is shown] */
view = "closed"; // [closed, exploded, inside, underside, cut, step1, step2, step3, step4, step5, print]
// one part alone, to print: shell, lid, strap, clamp, cover; empty for a view
part = "";

/* [Hidden] */
$fn = 48;
gap = 0.4;                    // between printed parts that fit into each other
e = 0.01;

// The 7" touch display (the first one): glass, and the metal body behind it. M3 threads on the body's back.
glass = [192.96, 110.76, 1.4];
glass_r = 6.5;
body = [166.2, 100.6, 5.1];   // from the glass' back to the threads
display_holes = [126.2, 65.65];
display_board = [106, 68, 13];

r307 = [55, 21, 21.5];        // its window sits in the middle of one 55 x 21 side here: check yours
r307_window = [20, 17];
r503_thread = 25;             // M25 x 1.5
r503_bezel = 28;
r503_depth = 19;

pi_size = pi == "zero2w" ? [65, 30] : [85, 56];
pi_pattern = pi == "zero2w" ? [58, 23] : [58, 49];
pi_screw = 2.75;
carrier = [70, 50];           // strip board with the Pico and the sensor's switch
carrier_pattern = [64, 44];
pico = [51, 21];
pico_at = [-5, 0];            // on the carrier, from its middle; USB to the left
button_at = [27, 10];

lid_t = 3;
standoff = 6;
insert_d = 4.0;               // for M3 heat-set inserts, 4.6 x 5.7 mm
m3 = 3.4;

// Along the face, measured up its slope from the front edge.
sensor_at = 29;
glass_from = 54;
face = glass_from + glass[1] + 11;
screen_at = glass_from + glass[1] / 2;
light_at = [52, sensor_at];

width = glass[0] + 20;
run = face * cos(tilt);
height = front + face * sin(tilt);
depth = run + 10;

sensor_deep = sensor == "R307" ? r307[2] : r503_depth;
pi_at = [-36, depth - wall - 9 - 42.5];        // middles on the lid; the card side of the Pi looks to the back
carrier_at = [50, depth - wall - 32 - carrier[1] / 2];
tamper_at = [width / 2 - wall - 12, 52];
tamper_z = 15;                // the switch's lever, lid closed
column = 9;
columns = [for (x = [-1, 1], y = [0, 1]) [x * (width / 2 - wall - column / 2 + 0.5), y == 0 ? wall + 4 : depth - wall - 4],
           [0, wall + 4], [0, depth - wall - 4]];
gland_z = 27;
glands = [[-84, 16.2], [50, 20.2]]; // power M16 beside the Pi's USB-C, network M20 (split insert)

assert(tilt >= 25 && tilt <= 40, "tilt: 25 to 40 degrees; flatter has no room for the Pi, steeper none for the sensor board");
assert(pi_at[1] - pi_size[0] / 2 > 45, "the Pi's plugs would reach under the sensor: lower `tilt`");
assert(width <= 220 && face <= 220, "the shell does not fit a bed of 220 x 220 mm");

// --- helpers -------------------------------------------------------------------------------------------------

module on_face() { translate([0, 0, front]) rotate([tilt, 0, 0]) children(); }

module rounded(size, r, h) {
  linear_extrude(h) offset(r) square([size[0] - 2 * r, size[1] - 2 * r], center = true);
}

module at_corners(pattern) {
  for (x = [-1, 1], y = [-1, 1]) translate([x * pattern[0] / 2, y * pattern[1] / 2, 0]) children();
}

module profile(inset = 0) {
  offset(r = 3) offset(delta = -3 - inset)
    polygon([[0, 0], [depth, 0], [depth, height], [run, height], [0, front]]);
}

module across(w) { // a profile in (y, z), drawn out over x
  rotate([90, 0, 90]) translate([0, 0, -w / 2]) linear_extrude(w) children();
}

// --- printed parts -------------------------------------------------------------------------------------------

module shell() {
  difference() {
    union() {
      difference() {
        across(width) profile();
        difference() {
          across(width - 2 * wall) profile(wall);
        }
        // open below, for the lid
        translate([-width / 2 + wall, wall, -1]) cube([width - 2 * wall, depth - 2 * wall, wall + 6]);
      }
      intersection() { // nothing of the inner parts stands out of the outer form
        across(width - 1) profile(0.5);
        union() {
          for (c = columns) translate([c[0], c[1], lid_t + gap]) {
            cylinder(d = column, h = 16);
            // a rib to the nearest wall, so that the column is not alone
            translate([abs(c[0]) < 1 ? -column / 2 : (c[0] > 0 ? 0 : -column), -column / 2, 0]) cube([column, column, 16]);
            if (c[1] < depth / 2) translate([-column / 2, -column, 0]) cube([column, column, 16]);
            else translate([-column / 2, 0, 0]) cube([column, column, 16]);
          }
          tamper_boss();
          on_face() face_inside();
          baffle();
        }
      }
    }
    for (c = columns) translate([c[0], c[1], lid_t - 1]) cylinder(d = insert_d, h = 9);
    on_face() face_holes();
    back_holes();
    tamper_screws();
  }
}

module face_inside() {
  if (sensor == "R307")
    for (x = [-1, 1]) translate([x * (r307[0] / 2 + 6.5), sensor_at, -wall - r307[2] + 2.2])
      cylinder(d = 8, h = r307[2] - 2.2 + e);
}

module face_holes() {
  // the glass lies in a pocket, its body goes through; nothing can be unscrewed from outside
  translate([0, screen_at, -glass[2] - 0.2]) rounded([glass[0] + 0.8, glass[1] + 0.8], glass_r, 10);
  translate([0, screen_at, -20]) rounded([body[0] + 2, body[1] + 1.6], 2, 30);
  // the light
  translate([light_at[0], light_at[1], -20]) cylinder(d = 5.2, h = 40);
  if (sensor == "R307") {
    // thinned from behind, so that the finger reaches the window
    translate([0, sensor_at, -20 - 1.6]) linear_extrude(20) square([r307[0] + 0.6, r307[1] + 0.6], center = true);
    translate([0, sensor_at, -5]) linear_extrude(10) square(r307_window, center = true);
    translate([0, sensor_at, -1.2]) linear_extrude(1.3, scale = [1.3, 1.35]) square(r307_window, center = true);
    for (x = [-1, 1]) translate([x * (r307[0] / 2 + 6.5), sensor_at, -wall - r307[2] - 1]) cylinder(d = 2.5, h = r307[2] - 2);
  } else {
    translate([0, sensor_at, -20]) cylinder(d = r503_thread + 0.4, h = 40);
  }
}

module back_holes() {
  for (x = [-78:12:78]) translate([x, depth - wall - 1, height - 40]) hull()
    for (z = [0, 18]) translate([0, 0, z]) rotate([-90, 0, 0]) cylinder(d = 2.6, h = wall + 2, $fn = 16);
  for (g = glands) translate([g[0], depth - wall - 1, gland_z]) rotate([-90, 0, 0]) cylinder(d = g[1], h = wall + 2);
}

// Behind the slots, so that no straight wire finds its way to the board.
module baffle() {
  translate([-86, depth - wall - 7, height - 46]) cube([172, 2, 30]);
  for (x = [-86, -1, 84]) translate([x, depth - wall - 7, height - 46]) cube([2, 8, 30]);
}

module tamper_boss() {
  translate([width / 2 - wall - 9, tamper_at[1] - 10, tamper_z + 3]) cube([9 + e, 20, 15]);
}
module tamper_screws() { // M2 into plastic, 6.5 mm apart: Omron D2F and its likes
  for (y = [-3.25, 3.25]) translate([width / 2 - wall - 9 - e, tamper_at[1] + y, tamper_z + 8])
    rotate([0, 90, 0]) cylinder(d = 1.7, h = 8, $fn = 16);
}

module lid() {
  w = width - 2 * wall - 2 * gap;
  d = depth - 2 * wall - 2 * gap;
  difference() {
    union() {
      translate([-w / 2, wall + gap, 0]) cube([w, d, lid_t]);
      translate([pi_at[0], pi_at[1], lid_t - e]) rotate(-90) at_pi_holes() cylinder(d = 6.5, h = standoff);
      translate([carrier_at[0], carrier_at[1], lid_t - e]) at_corners(carrier_pattern) cylinder(d = 7, h = standoff);
      // the finger that holds the switch down while the lid is on
      translate([tamper_at[0] - 3, tamper_at[1] - 4, lid_t - e]) cube([6, 8, tamper_z - lid_t]);
    }
    for (c = columns) translate([c[0], c[1], -1]) {
      cylinder(d = m3, h = 10);
      cylinder(d1 = 8.4, d2 = 6.4, h = 2);
    }
    translate([pi_at[0], pi_at[1], lid_t + 1]) rotate(-90) at_pi_holes() cylinder(d = 2.2, h = standoff + 1, $fn = 16);
    translate([carrier_at[0], carrier_at[1], lid_t - 0.8]) at_corners(carrier_pattern) cylinder(d = 2.5, h = standoff + 2, $fn = 16);
    for (x = [-20:8:20]) translate([pi_at[0] + x, pi_at[1] - 4, -1]) hull()
      for (y = [-14, 14]) translate([0, y, 0]) cylinder(d = 2.6, h = 10, $fn = 16);
    for (x = [-1, 1], y = [24, depth - 24]) translate([x * (w / 2 - 22), y, -e]) cylinder(d = 13, h = 0.8);
  }
}

// Pi with its ports to +x: holes 3.5 mm from the two edges away from the ports.
module at_pi_holes() {
  translate([-pi_size[0] / 2 + 3.5 + pi_pattern[0] / 2, (pi == "zero2w" ? 0 : -pi_size[1] / 2 + 3.5 + pi_pattern[1] / 2), 0])
    at_corners(pi_pattern) children();
}

// Lies on the body's back, its feet on the face's inside; two M3 into the display. Drawn feet down.
strap_foot = 14;
strap_gap = glass[2] + 0.2 + body[2] - wall - 0.3;
module strap() {
  long = body[1] + 2 + 2 * strap_foot - 4;
  difference() {
    union() {
      translate([-6, -long / 2, strap_gap - e]) cube([12, long, 4]);
      for (y = [-1, 1]) translate([-6, y * (long / 2 - strap_foot / 2 + 1.2) - strap_foot / 2 + 1.2, 0])
        cube([12, strap_foot - 2.4, strap_gap + 2]);
    }
    for (y = [-1, 1]) translate([0, y * display_holes[1] / 2, -1]) {
      cylinder(d = m3, h = 20);
      translate([0, 0, strap_gap + 1 + 2]) cylinder(d = 6.4, h = 10);
    }
  }
}

module clamp() {
  difference() {
    translate([-r307[0] / 2 - 11, -6, 0]) cube([r307[0] + 22, 12, 4]);
    for (x = [-1, 1]) translate([x * (r307[0] / 2 + 6.5), 0, -1]) cylinder(d = m3, h = 10);
    translate([-12, -7, 2]) cube([24, 14, 10]); // the cable leaves here
  }
}

cover_h = 24;
module cover() { // drawn standing on the sensor board
  difference() {
    rounded(carrier, 4, cover_h);
    translate([0, 0, -1]) rounded([carrier[0] - 4, carrier[1] - 4], 2.5, cover_h - 1);
    // USB to the left, wires to the front
    translate([-carrier[0] / 2 - 5, -8, -1]) cube([15, 16, 15]);
    translate([-18, -carrier[1] / 2 - 5, -1]) cube([44, 15, 8]);
    translate([button_at[0], button_at[1], cover_h - 5]) cylinder(d = 7, h = 10);
    for (x = [-24:6:6]) translate([x, 0, cover_h - 5]) rounded([2, 24], 0.9, 10);
    at_corners(carrier_pattern) translate([0, 0, -1]) cylinder(d = m3, h = 40);
  }
  at_corners(carrier_pattern) difference() {
    cylinder(d = 7, h = cover_h);
    translate([0, 0, -1]) cylinder(d = m3, h = 40);
  }
}

// --- bought parts, simplified ----------------------------------------------------------------------------------

module display() { // glass front at z = 0
  color("#15181c") translate([0, 0, -glass[2]]) rounded(glass, glass_r, glass[2]);
  color("#2f5d7c") translate([0, 0, -glass[2] + 0.05]) linear_extrude(glass[2]) square([154, 86], center = true);
  color("#b8bcc0") translate([0, 0, -glass[2] - body[2]]) linear_extrude(body[2] - e) square([body[0], body[1]], center = true);
  color("#1f6f3a") translate([0, -4, -glass[2] - body[2] - 5]) linear_extrude(1.4) square([display_board[0], display_board[1]], center = true);
  color("#333") translate([10, -10, -glass[2] - body[2] - 10]) linear_extrude(5) square([24, 18], center = true);
}

module sensor_part() { // window at z = 0
  if (sensor == "R307") {
    color("#202020") translate([0, 0, -r307[2]]) linear_extrude(r307[2] - 0.6) square([r307[0], r307[1]], center = true);
    color("#4f7fd9") translate([0, 0, -1]) linear_extrude(1) square([18, 14.6], center = true);
  } else {
    color("#c8ccd0") difference() { cylinder(d = r503_bezel, h = 1.8); translate([0, 0, -1]) cylinder(d = 20, h = 5); }
    color("#1a1a1a") translate([0, 0, -r503_depth]) cylinder(d = 20, h = r503_depth + 1);
    color("#c8ccd0") translate([0, 0, -r503_depth]) cylinder(d = r503_thread, h = r503_depth);
    color("#8a8f94") translate([0, 0, -wall - 3.5]) cylinder(d = 32, h = 3, $fn = 6);
  }
}

module light() {
  color("#35d06a") cylinder(d = 5, h = 1.2);
  color("#d8f5e2") translate([0, 0, -8]) cylinder(d = 5, h = 8);
}

module pi_board() { // ports to +x, underside at z = 0
  color("#1f6f3a") translate([0, 0, 0]) rounded(pi_size, 3, 1.4);
  if (pi == "zero2w") {
    color("#303030") translate([-6, 0, 1.4]) linear_extrude(1.4) square([15, 15], center = true);
    color("#c0c0c0") for (x = [-20, 9, 22]) translate([x, -13, 1.4]) linear_extrude(3) square([8, 5], center = true);
  } else {
    color("#c0c0c0") for (y = pi == "pi5" ? [1.1, 19] : [-19, -1]) translate([36, y, 1.4]) linear_extrude(16) square([17, 13.2], center = true);
    color("#c0c0c0") translate([34, pi == "pi5" ? -17.8 : 17.8, 1.4]) linear_extrude(13.5) square([21, 16], center = true);
    color("#303030") translate([-10, 4, 1.4]) linear_extrude(2) square([15, 15], center = true);
    color("#303030") translate([-10.2, 24.5, 1.4]) linear_extrude(8) square([51, 5], center = true);
    color("#d8d8d8") translate([-31, -25, 1.4]) linear_extrude(3.2) square([9, 7.4], center = true);
    for (x = [-16, -3]) color("#d8d8d8") translate([x, -25, 1.4]) linear_extrude(3) square([7, 7], center = true);
    color("#e8e0c0") translate([-40, 0, 1.4]) linear_extrude(5) square([3, 22], center = true);
  }
}

module carrier_board() {
  color("#b98a4a") difference() {
    rounded(carrier, 2, 1.6);
    at_corners(carrier_pattern) translate([0, 0, -1]) cylinder(d = 3.2, h = 5);
  }
  translate([pico_at[0], pico_at[1], 9]) {
    color("#2d7d46") rounded(pico, 1, 1);
    color("#c0c0c0") translate([-23.5, 0, 1]) linear_extrude(2.8) square([7, 8], center = true);
    color("#222") translate([4, 0, 1]) linear_extrude(1) square([7, 7], center = true);
    color("#222") for (y = [-1, 1]) translate([0, y * 8.9, -7.4]) linear_extrude(7.4) square([50, 2.5], center = true);
  }
  color("#222") translate([button_at[0], button_at[1], 1.6]) linear_extrude(4) square([6, 6], center = true);
  color("#d8b24a") translate([button_at[0], button_at[1], 1.6]) cylinder(d = 3.5, h = 17);
  color("#222") translate([27, -6, 1.6]) linear_extrude(3) square([9, 8], center = true);
  color("#e8e8e0") translate([4, -carrier[1] / 2 + 4, 1.6]) linear_extrude(6) square([32, 5], center = true);
}

module micro_switch() { // at its place in the shell
  x = width / 2 - wall - 9 - 5.8;
  color("#303030") translate([x, tamper_at[1] - 6.4, tamper_z + 3]) cube([5.8, 12.8, 6.5 + 3]);
  color("#d0d0d0") translate([x + 1, tamper_at[1] - 6, tamper_z + 0.2]) rotate([10, 0, 0]) cube([3.8, 13, 0.4]);
}

module gland_parts() {
  for (g = glands) translate([g[0], depth, gland_z]) rotate([-90, 0, 0]) color("#3a3a3a") {
    cylinder(d = g[1] + 6, h = 5, $fn = 6);
    cylinder(d = g[1] + 1, h = 14);
    translate([0, 0, -wall - 5]) cylinder(d = g[1] - 0.6, h = 8);
    translate([0, 0, -wall - 5]) cylinder(d = g[1] + 6, h = 4, $fn = 6);
  }
}

module screws() {
  for (c = columns) translate([c[0], c[1], 0]) { cylinder(d = 5.8, h = 2); cylinder(d = 3, h = 10); }
}

// --- put together --------------------------------------------------------------------------------------------

shell_colour = "#6f7f8f";
lid_colour = "#56636f";
print_colour = "#c9a24b";

module shell_in_colour() { color(shell_colour) shell(); }
module sensor_in_place(out = 0) {
  depth_in = sensor == "R307" ? -1.6 : 0;
  on_face() translate([0, sensor_at, depth_in - out]) sensor_part();
}
module clamp_in_place(out = 0) {
  if (sensor == "R307") on_face() translate([0, sensor_at, -1.6 - r307[2] - out]) rotate([180, 0, 0]) color(print_colour) clamp();
}
module display_in_place(out = 0) { on_face() translate([0, screen_at, -0.2 + out]) display(); }
module straps_in_place(out = 0) {
  for (x = [-1, 1]) on_face() translate([x * display_holes[0] / 2, screen_at, -wall - out]) rotate([180, 0, 0]) color(print_colour) strap();
}
module light_in_place() { on_face() translate([light_at[0], light_at[1], 0]) light(); }
module pi_in_place(up = 0) { translate([pi_at[0], pi_at[1], lid_t + standoff + up]) rotate(-90) pi_board(); }
module carrier_in_place(up = 0) { translate([carrier_at[0], carrier_at[1], lid_t + standoff + up]) carrier_board(); }
module cover_in_place(up = 0) { translate([carrier_at[0], carrier_at[1], lid_t + standoff + 1.6 + up]) color(print_colour) cover(); }

module face_parts() { sensor_in_place(); clamp_in_place(); light_in_place(); display_in_place(); straps_in_place(); micro_switch(); }

// Shell lying on its face on the bench, as the technician sees it while building.
module on_its_face() { rotate([180 - tilt, 0, 0]) translate([0, 0, -front]) children(); }

module shown() {
  if (view == "closed") {
    shell_in_colour(); face_parts(); gland_parts();
  } else if (view == "underside") {
    shell_in_colour(); color("#b4c0cc") lid(); color("#f0c050") screws(); gland_parts();
  } else if (view == "exploded") {
    translate([0, 0, 150]) {
      shell_in_colour();
      micro_switch(); gland_parts(); light_in_place();
      display_in_place(55);
      straps_in_place(28);
      sensor_in_place(96); clamp_in_place(122);
    }
    translate([0, 0, -20]) { color(lid_colour) lid(); pi_in_place(14); carrier_in_place(14); cover_in_place(34); }
    translate([0, 0, -42]) color("#888") screws();
  } else if (view == "inside") {
    color(lid_colour) lid(); pi_in_place(); carrier_in_place();
    sensor_in_place(); clamp_in_place(); micro_switch(); gland_parts(); light_in_place();
    color("#9fb4c8", 0.2) shell();
  } else if (view == "cut") {
    difference() {
      union() { color(shell_colour) shell(); }
      translate([-6 - 500, -50, -50]) cube([500, 500, 500]);
    }
    difference() {
      union() { color(lid_colour) lid(); }
      translate([-6 - 500, -50, -50]) cube([500, 500, 500]);
    }
    sensor_in_place(); clamp_in_place(); carrier_in_place(); micro_switch();
    difference() { display_in_place(); translate([-6 - 500, -50, -50]) cube([500, 500, 500]); }
  } else if (view == "step1") {
    on_its_face() { shell_in_colour(); light_in_place(); sensor_in_place(32); clamp_in_place(48); }
  } else if (view == "step2") {
    on_its_face() { shell_in_colour(); light_in_place(); sensor_in_place(); clamp_in_place(); display_in_place(); straps_in_place(22); }
  } else if (view == "step3") {
    on_its_face() { shell_in_colour(); face_parts(); gland_parts(); }
  } else if (view == "step4") {
    color(lid_colour) lid(); pi_in_place(12); carrier_in_place(12); cover_in_place(38);
  } else if (view == "step5") {
    on_its_face() { shell_in_colour(); face_parts(); gland_parts();
      translate([0, 0, -50]) { color(lid_colour) lid(); pi_in_place(); carrier_in_place(); cover_in_place(); translate([0, 0, -20]) color("#888") screws(); } }
  } else if (view == "print") {
    bed([0, 0]);
    color(shell_colour) translate([0, face / 2, 0]) to_bed_shell();
    bed([236, 0]);
    color(lid_colour) translate([236, -depth / 2, 0]) lid();
    bed([472, 0]);
    translate([472, 0, 0]) color(print_colour) {
      for (x = [-80, -55]) translate([x, 0, 0]) to_bed_strap();
      if (sensor == "R307") translate([20, 50, 0]) clamp();
      translate([20, -10, 0]) to_bed_cover();
    }
  }
}

module bed(at) { color("#e4e6e8") translate([at[0] - 110, at[1] - 110, -1.1]) cube([220, 220, 1]); }
module to_bed_shell() { rotate([180 - tilt, 0, 0]) translate([0, 0, -front]) shell(); }
module to_bed_strap() { translate([0, 0, strap_gap + 4]) rotate([180, 0, 0]) strap(); }
module to_bed_cover() { translate([0, 0, cover_h]) rotate([180, 0, 0]) cover(); }

// What may not touch. `python -m hardware.enclosure --check` renders both and expects nothing.
module clash_above() { // what the face carries, against the shell
  intersection() {
    shell();
    union() { sensor_in_place(sensor == "R307" ? 0.05 : -0.05); display_in_place(0.05); straps_in_place(0.05); clamp_in_place(0.65); translate([-0.05, 0, 0]) micro_switch(); }
  }
}
module clash_below() { // what stands on the lid, against all above
  intersection() {
    translate([0, 0, -0.05]) union() { lid(); pi_in_place(); carrier_in_place(); cover_in_place(); }
    union() { shell(); sensor_in_place(); display_in_place(); straps_in_place(); clamp_in_place(); micro_switch(); gland_parts(); }
  }
}

if (part == "shell") to_bed_shell();
else if (part == "lid") lid();
else if (part == "strap") to_bed_strap();
else if (part == "clamp") clamp();
else if (part == "cover") to_bed_cover();
else if (part == "clash_above") clash_above();
else if (part == "clash_below") clash_below();
else shown();
