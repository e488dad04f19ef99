"""Tuned numbers of the training, with units and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass

# --- geometry, shared with edge_service.extraction ---
DPI = 500.0
STRIDE_PX = 4  # one output cell; a ridge period is about 9 px, so two minutiae seldom share a cell

# --- teacher ---
TEACHER_VIEWS = ("id", "mirror", "r180")  # averaging views removes what one view only imagined
TEACHER_HEAT_FLOOR = 0.15  # a local maximum of the averaged heat below this is taken as background
TEACHER_NMS_RADIUS_PX = 3

# --- agreement of a finger's impressions (`agreement.py`) ---
MATE_HEAT = 0.30  # minutiae below this are not compared: as the extractor's threshold
MATE_SCORE = 15.0  # strangers reach it once in 100 million (search/calibration.json); 20 on model 3.0's scale
MATE_PAIRS = 8  # fewer do not tell how the skin was stretched
MATE_BEND_PX = 40.0  # spread of the Gaussian that carries the pairs' displacement to the points around
MATE_REACH_PX = 60.0  # further from the nearest pair, the mapping is not trusted
MATE_NEAR_PX, MATE_TURN_RAD = 10.0, 0.5  # the same minutia: about a ridge period, 30 degrees
MATE_PRIOR = 3.0  # this many mates count as much as the image itself
MATE_GAIN = 1.25  # a true minutia is found in about four of five impressions
MATE_LEAST, MATE_LEAST_SHARE = 3, 0.5  # mates that must show a minutia that this image lacks
MATE_ADDED = 0.5  # how sure we are of it here

# --- crops ---
CROP_PX = 192  # 48 x 48 cells: larger wastes background, smaller wastes context at the border
BATCH = 24
SCALE_LOG2_RANGE = 0.22  # 0.86 to 1.16: children's and large adults' ridge periods, and wrong dpi
ELASTIC_PX = 6.0  # largest displacement of the smooth distortion
NEGATIVE_SHARE = 0.05  # crops that hold no print at all
SYNTHETIC_SHARE = 0.15  # crops of synthetic prints, whose truth is exact

# --- synthetic prints ---
SYNTHETIC_FINGERS, SYNTHETIC_TOUCHES = 400, 3
SYNTHETIC_SEED = 1_000_000  # far from the seeds that the demo and the tests use
SYNTHETIC_LEAST = 0.2  # certainty of a minutia that is there but can hardly be seen

# --- targets ---
HEAT_SIGMA_CELLS = 0.9
SUPPORT_CELLS = 1.6  # offset, direction and type are taught within this radius of a minutia

# --- optimisation ---
LEARNING_RATE = 2.0e-3
GROWN_LEARNING_RATE = 1.0e-3  # of a run that starts from taught weights: 2e-3 would undo them first
WEIGHT_DECAY = 1.0e-2
WARMUP_STEPS = 300
DECAY_SHARE = 0.35  # of the run, at the end, down to zero
EMA_DECAY = 0.9985
GRADIENT_CLIP = 2.0

# --- quantisation ---
CALIBRATION_PRINTS = 40  # 30 to 80 give the same ranges to within a few per cent

# --- network ---
CHANNELS = (16, 32, 80, 128)  # strides 2, 4, 8, 16
# Blocks that were added when the network was grown; the study leaves them out to tell what they are worth.
MORE_BLOCKS = ("more4", "end8", "end4")


@dataclass(frozen=True)
class Recipe:
    """What the study varies; the defaults are what `make model` does.

    Attributes:
        channels: of the network at strides 2, 4, 8 and 16.
        blocks: which of `MORE_BLOCKS` the network has.
        deep: whether the network goes down to stride 16, or stays at 8.
        views: of the teacher that are averaged.
        agreement: whether a finger's impressions correct each other's minutiae.
        synthetic: share of crops from synthetic prints.
        skin: whether crops are pressed, wetted, dried, creased and smeared.
        sensor: whether contrast, noise and the window's edge vary.
        levels: share of crops in 16 grey levels.
    """

    channels: tuple[int, int, int, int] = CHANNELS
    blocks: tuple[str, ...] = MORE_BLOCKS
    deep: bool = True
    views: tuple[str, ...] = TEACHER_VIEWS
    agreement: bool = True
    synthetic: float = SYNTHETIC_SHARE
    skin: bool = True
    sensor: bool = True
    levels: float = 0.5
