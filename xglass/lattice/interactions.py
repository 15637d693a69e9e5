"""Pair interactions between all sites of a torus."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from xglass.checks import eager, require
from xglass.engine.core import ewald
from xglass.lattice.cells import cell_index, cell_number
from xglass.lattice.whole import lattice_mark, require_whole
from xglass.messages import public
from xglass.units.parameters import Parameter, parameter
from xglass.variables import attributes

__all__ = ["coulomb", "power_law", "yukawa"]


def __dir__() -> list[str]:
    return __all__


def _interaction(
    lattice: xr.Dataset,
    function: Callable[..., np.ndarray],
    self_image: object,
    *,
    caller: str,
    swept: xr.DataArray | None = None,
) -> xr.DataArray:
    """The lattice sum ``function(displacement, periods[, value of swept])`` between all sites, with the
    chosen diagonal.

    Summed once per displacement from the first cell and spread by translation, so that translations and the
    exchange of both sites are symmetries of the bits, not only of the formula.
    """
    require(lattice, "position", "torus", "cells", caller=caller)
    cells = [int(n) for n in eager(lattice, "cells")]
    index = cell_index(cells)
    sites, basis = lattice.sizes["site"], lattice.sizes["site"] // len(index)
    if basis * len(index) != sites:
        raise ValueError(
            f"{caller}: the lattice holds {sites} sites for {len(index)} cells; pass the whole lattice"
        )
    require_whole(lattice, "cells", caller=caller)
    position, periods = eager(lattice, "position"), eager(lattice, "torus")
    displacement = (position[None, :, :] - position[:basis, None, :]).reshape(-1, len(cells))
    offset = cell_number(index[None, :, :] - index[:, None, :], cells)

    def matrix(*value: float) -> np.ndarray:
        first = function(displacement, periods, *value).reshape(basis, len(index), basis)
        spread = first[:, offset, :].transpose(1, 0, 2, 3).reshape(sites, sites)
        return 0.5 * (spread + spread.T)

    if swept is None:
        result = xr.DataArray(matrix(), dims=("site", "site2"))
    else:
        values = np.stack([matrix(value) for value in swept.values.ravel()]).reshape(
            *swept.shape, sites, sites
        )
        result = xr.DataArray(values, dims=(*swept.dims, "site", "site2"), coords=swept.coords).assign_coords(
            {str(swept.name): swept}
        )
    diagonal = np.einsum("...ii->...i", result.values)  # a view
    if self_image == "exclude":
        diagonal[...] = 0.0
    elif (
        isinstance(self_image, (int, float, np.number))
        and not isinstance(self_image, bool)
        and np.isfinite(self_image)
    ):
        diagonal[...] = float(self_image)
    elif self_image != "include":
        raise ValueError(f"self_image must be 'exclude', 'include' or a finite number, got {self_image!r}")
    return result.rename("interaction").assign_attrs(attributes("interaction"), lattice=lattice_mark(lattice))


@public
def coulomb(
    lattice: xr.Dataset,
    *,
    self_image: str | float = "exclude",
    gate_distance: Parameter | None = None,
    gates: int = 2,
) -> xr.DataArray:
    r"""Coulomb interaction 1/r of point charges on the torus, with a neutral background.

    In the plane it is the Ewald sum of the three-dimensional 1/r with zero average over the cell (A the area,
    G reciprocal vectors):

    .. math::

        V(r) = \sum_R \frac{\mathrm{erfc}(\alpha |r + R|)}{|r + R|}
        + \frac{2\pi}{A} \sum_{G \neq 0} \frac{\mathrm{erfc}(G / 2\alpha)}{G} \cos(G r)
        - \frac{2\sqrt\pi}{\alpha A}

    On the three-dimensional torus the last two terms have :math:`4\pi e^{-G^2/4\alpha^2} / (\Omega G^2)` and
    :math:`-\pi / (\alpha^2 \Omega)` instead; the average is zero again. On a ring the background is a line of
    charge from which the stretch :math:`|x| < a` around the particle is cut out (psi the digamma function):

    .. math::

        V(x) = \lim_{X \to \infty} \Big[\sum_{|x + R| < X} \frac{1}{|x + R|} - \frac{2}{L} \ln X\Big]
        = -\frac{\psi(x/L) + \psi(1 - x/L)}{L} - \frac{2}{L} \ln L

    With ``gate_distance`` d, in the plane only, metallic plates screen it, and hold the opposite charge:
    there is no background. Two plates at d and -d give the first sum, over all whole k, one plate at d the
    second:

    .. math::

        \sum_k (-1)^k \sum_R \frac{1}{\sqrt{|r + R|^2 + (2 d k)^2}}, \qquad
        \sum_R \Big[\frac{1}{|r + R|} - \frac{1}{\sqrt{|r + R|^2 + (2 d)^2}}\Big]

    With "include" their average over the cell, 2 pi d/A or 4 pi d/A, is taken off all entries, the diagonal
    too: that shifts all sites alike, and distant plates give the interaction without any. With "exclude" or a
    number nothing is taken off, because an occupied site would not feel it: the gap of the perfect stripe
    between two plates at d = 1 is 0.717 for all L, and would be 0.717 - 2 pi d/A.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    self_image : {"exclude", "include"} or float
        The diagonal, which enters the potential of an occupied site but no energy: 0; the potential V_s of a
        particle's own images, those in the gates among them; or this number.
    gate_distance : number, sequence or DataArray, optional
        Distance of the gates in a, positive; may be swept. Default: no gates.
    gates : {2, 1}
        Number of plates.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc. Costs O(N) lattice sums (milliseconds at N = 144) and 8 N^2
        bytes.

    Raises
    ------
    ValueError
        Gates outside the plane, gate distances <= 0, another number of gates, an unknown ``self_image``.

    Examples
    --------
    >>> import xglass as xg
    >>> V = xg.lattice.coulomb(xg.lattice.triangular(12))
    >>> print(f"{float(V[0, 1]):.10f}")
    0.6504817397
    """
    if isinstance(gates, bool) or gates not in (1, 2):
        raise ValueError(f"gates must be 1 or 2, got {gates!r}")
    require(lattice, "position", "torus", "cells", caller="coulomb")
    plane = lattice.sizes.get("axis") == 2
    if gate_distance is None:
        return _interaction(
            lattice,
            ewald.layer if plane else lambda r, A: ewald.power_law(r, A, 1.0),
            self_image,
            caller="coulomb",
        )
    if not plane:
        raise ValueError(
            f"gate_distance needs a two-dimensional lattice, got {lattice.sizes.get('axis')} "
            "dimensions; leave it out"
        )
    distance = parameter("gate_distance", gate_distance, above=0.0)
    alike = isinstance(self_image, str) and self_image == "include"

    def gated(displacement: np.ndarray, periods: np.ndarray, d: float) -> np.ndarray:
        neutral = ewald.gated_layer(displacement, periods, d, gates)
        return neutral if alike else neutral + ewald.gated_average(periods, d, gates)

    return _interaction(lattice, gated, self_image, caller="coulomb", swept=distance)


@public
def yukawa(lattice: xr.Dataset, *, length: Parameter, self_image: str | float = "exclude") -> xr.DataArray:
    """Screened interaction exp(-r/length)/r, summed over all images.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    length : number, sequence or DataArray
        Screening length in a, positive; may be swept.
    self_image : {"exclude", "include"} or float
        The diagonal, as for :func:`coulomb`.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc. Costs N times the images within 38 lengths.

    Raises
    ------
    ValueError
        A length that is not positive, or so long that more than ten million image terms would be summed.

    Examples
    --------
    >>> import xglass as xg
    >>> U = xg.lattice.yukawa(xg.lattice.square(8), length=0.5)
    >>> print(f"{float(U[0, 1]):.4f}")
    0.1353
    """
    lengths = parameter("length", length, above=0.0)
    require(lattice, "position", "torus", "cells", caller="yukawa")
    d, longest = lattice.sizes["axis"], float(lengths.max())
    images = (
        lattice.sizes["site"]
        * (2 * ewald.CUTOFF**2 * longest) ** d
        / abs(np.linalg.det(eager(lattice, "torus")))
    )
    if images > 1e7:
        raise ValueError(
            f"length = {longest:g} needs {images:.0e} image terms; use coulomb (its limit) or lengths "
            f"below {longest * (1e7 / images) ** (1 / d):.3g}"
        )
    return _interaction(lattice, ewald.yukawa, self_image, caller="yukawa", swept=lengths)


@public
def power_law(
    lattice: xr.Dataset, *, exponent: Parameter, self_image: str | float = "exclude"
) -> xr.DataArray:
    """Interaction 1/r^exponent on the torus, by Ewald's method in any dimension.

    For exponents above the dimension d the sum over images; below it with a neutralising background (zero
    average over the cell); at exponent = d the background is cut out within one lattice spacing of the
    particle. Exponent 1 is :func:`coulomb`.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    exponent : number, sequence or DataArray
        Positive; may be swept.
    self_image : {"exclude", "include"} or float
        The diagonal, as for :func:`coulomb`.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc.

    Raises
    ------
    ValueError
        An exponent that is not positive, or so high that 1/r^exponent of sites closer than a is beyond the
        range of numbers.

    Examples
    --------
    >>> import xglass as xg
    >>> dipoles = xg.lattice.power_law(xg.lattice.triangular(12), exponent=3)
    >>> print(f"{float(dipoles[0, 1]):.4f}")
    1.0064
    """
    exponents = parameter("exponent", exponent, above=0.0)
    result = _interaction(lattice, ewald.power_law, self_image, caller="power_law", swept=exponents)
    if not np.isfinite(result.values).all():
        raise ValueError(
            f"power_law: exponent = {float(exponents.max()):g} takes 1/r^exponent of the closest sites "
            "beyond the range of numbers; write a lower exponent, or longer cell vectors"
        )
    return result
