"""The minutiae network: a small fully convolutional net with output stride 4.

Input: float32 (n, 1, H, W), 0 = white (no ridge) to 1 = black, H and W multiples of 16.
Output: float32 (n, 7, H/4, W/4):

======= ==========================================================================
channel meaning
======= ==========================================================================
0       heat, logit: is there a minutia in this cell
1, 2    offset of the minutia from the cell's centre, in cells, x right and y down
3, 4    cos and sin of its direction (`interchange.minutiae.Minutiae`: counter-clockwise)
5       type, logit: positive is an ending, negative a bifurcation
6       print, logit: the cell lies on a print that a minutia could be read from
======= ==========================================================================

Dense 3 x 3 convolutions with ReLU rather than depthwise ones: XNNPACK runs them near the machine's peak, and
they keep their accuracy in int8. Most of the arithmetic is at stride 8, where a 3 x 3 sees 24 pixels; stride 16
adds the flow of the ridges around; the end is at stride 4 for the position.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.parameters import Recipe

HEADS = 7
DEFAULT = Recipe()


def conv(inputs: int, outputs: int, *, size: int = 3, stride: int = 1, relu: bool = True) -> nn.Sequential:
    """Convolution, batch normalisation and, if asked, ReLU."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut (He et al., CVPR 2016, section 3.3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = conv(channels, channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape in and out."""
        return functional.relu(x + self.second(self.first(x)))


def grown(channels: int, *, there: bool) -> nn.Module:
    """A residual block that begins as an identity, or none at all."""
    if not there:
        return nn.Identity()
    block = Residual(channels)
    nn.init.zeros_(block.second[1].weight)  # pyright: ignore[reportArgumentType]
    return block


class MinutiaeNet(nn.Module):
    """Encoder to stride 16, decoder back to stride 4, one 1 x 1 head.

    The blocks `more4`, `end8` and `end4` begin as identities (the last normalisation's weight is zero: Goyal et
    al., arXiv:1706.02677, section 5.1), so a network that was taught without them can be grown by them.
    """

    def __init__(self, recipe: Recipe = DEFAULT) -> None:
        super().__init__()
        channels, blocks = recipe.channels, recipe.blocks
        c2, c4, c8, c16 = channels
        self.stem = nn.Sequential(conv(1, c2, stride=2), conv(c2, c4, stride=2))
        self.at4 = conv(c4, c4)
        self.more4 = grown(c4, there="more4" in blocks)
        self.down8 = conv(c4, c8, stride=2)
        self.at8 = nn.Sequential(Residual(c8), Residual(c8))
        self.deep = recipe.deep
        self.down16 = conv(c8, c16, stride=2)
        self.at16 = Residual(c16)
        self.up8 = conv(c16, c8, size=1, relu=False)
        self.up4 = conv(c8, c4, size=1, relu=False)
        self.end8 = grown(c8, there="end8" in blocks)
        self.join4 = conv(c4, c4)
        self.end4 = grown(c4, there="end4" in blocks)
        self.head = nn.Conv2d(c4, HEADS, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[0] = -4.0  # minutiae are rare: start there, as in Lin et al., ICCV 2017, 3.3

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, H, W) -> (n, 7, H/4, W/4)."""
        f4 = self.more4(self.at4(self.stem(x)))
        f8 = self.at8(self.down8(f4))
        if self.deep:
            f16 = self.at16(self.down16(f8))
            f8 = functional.relu(f8 + functional.interpolate(self.up8(f16), scale_factor=2.0, mode="nearest"))
        f8 = self.end8(f8)
        f4 = functional.relu(f4 + functional.interpolate(self.up4(f8), scale_factor=2.0, mode="nearest"))
        return self.head(self.end4(self.join4(f4)))


def multiply_accumulates(net: nn.Module, height: int, width: int) -> int:
    """Multiply-accumulates of one image, counted on the convolutions."""
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            total += output[0].numel() * module.in_channels * module.kernel_size[0] * module.kernel_size[1]

    hooks = [m.register_forward_hook(count) for m in net.modules()]
    with torch.no_grad():
        net.eval()(torch.zeros(1, 1, height, width))
    for hook in hooks:
        hook.remove()
    return total
