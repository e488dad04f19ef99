"""Tuned numbers of the training, with units and where each comes from."""

from __future__ import annotations

# --- geometry, shared with edge_service.extraction ---
DPI = 500.0
STRIDE_PX = 4  # one output cell; a ridge period is about 9 px, so two minutiae seldom share a cell

# --- teacher ---
TEACHER_VIEWS = ("id", "mirror", "r180")  # averaging views removes what one view only imagined
TEACHER_HEAT_FLOOR = 0.15  # a local maximum of the averaged heat below this is taken as background
TEACHER_NMS_RADIUS_PX = 3

# --- crops ---
CROP_PX = 192  # 48 x 48 cells: larger wastes background, smaller wastes context at the border
BATCH = 24
SCALE_LOG2_RANGE = 0.22  # 0.86 to 1.16: children's and large adults' ridge periods, and wrong dpi
ELASTIC_PX = 6.0  # largest displacement of the smooth distortion
NEGATIVE_SHARE = 0.04  # crops that hold no print at all

# --- targets ---
HEAT_SIGMA_CELLS = 0.9
SUPPORT_CELLS = 1.6  # offset, direction and type are taught within this radius of a minutia

# --- optimisation ---
LEARNING_RATE = 2.0e-3
WEIGHT_DECAY = 1.0e-2
WARMUP_STEPS = 300
DECAY_SHARE = 0.35  # of the run, at the end, down to zero
EMA_DECAY = 0.9985
GRADIENT_CLIP = 2.0

# --- network ---
CHANNELS = (16, 32, 80, 128)  # strides 2, 4, 8, 16
