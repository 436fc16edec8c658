"""The regular voxel grid on which factors live and by which cells are sorted."""

from dataclasses import dataclass
from typing import final

from stemniche.core.errors import InputError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A box of equal cubic voxels.

    Args:
        shape: Voxels along z, y, x. A 2-D slice has 1 along z.
        spacing: Edge of a voxel, um.
        joined: Whether the two faces along z meet, so that the slab goes on and on.

    Raises:
        InputError: A side has no voxel, or the spacing is not positive.

    Source:
        Cell-centred: value ``[k, j, i]`` belongs to ``((i, j, k) + 1/2) * spacing``.

    Example:
        >>> Grid(shape=(1, 50, 40), spacing=20.0).size
        (800.0, 1000.0, 20.0)
    """

    shape: tuple[int, int, int]
    spacing: float
    joined: bool = False

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or not self.spacing > 0:
            what = f"A grid of shape {self.shape} with spacing {self.spacing} um has no volume."
            raise InputError(what, "domain", "Give a size of at least one voxel per side.")

    @property
    def size(self) -> tuple[float, float, float]:
        """Edge lengths along x, y, z, um."""
        nz, ny, nx = self.shape
        return nx * self.spacing, ny * self.spacing, nz * self.spacing

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel, um^3."""
        return self.spacing**3

    @property
    def volume(self) -> float:
        """Volume of the box, um^3."""
        return self.voxels * self.voxel_volume

    @property
    def flat(self) -> bool:
        """Whether the box is a 2-D slice."""
        return self.shape[0] == 1
