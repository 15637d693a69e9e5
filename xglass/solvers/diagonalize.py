"""Levels and states of quantum particles in frozen charges, or in a random potential."""

from __future__ import annotations

import xarray as xr

from xglass.messages import public
from xglass.solvers.one_body import as_given, states_of
from xglass.units.parameters import Parameter
from xglass.variables import energy_unit, stamp

__all__ = ["diagonalize"]


def __dir__() -> list[str]:
    return __all__


@public
def diagonalize(run_or_model: xr.Dataset, *, T: Parameter | None = None) -> xr.Dataset:
    """Diagonalize the one-body Hamiltonian of every configuration, or of a model without interaction.

    H = K + diag(phi), with phi_i = sum_j U_ij n_j + eps_i the potential that the charges of a configuration
    make (Fratini et al., SciPost Phys. 14, 124 (2023), section 2). Without interaction, as for Anderson's
    model, it is K + diag(eps), whatever the charges do.

    Parameters
    ----------
    run_or_model : Dataset
        Run with ``occupation(..., site)`` and the coords of the model, which may be chunked along all but
        site; or a model of :func:`charge_glass` with ``interaction=None``.
    T : number, sequence, DataArray or Quantity, optional
        Temperature of the chemical potential instead of that of the run, in Vc, for runs without dimension
        ``T``; may be swept. A model needs none unless a chemical potential is wanted.

    Returns
    -------
    Dataset
        ``eigenvalue(..., state)`` in Vc, rising; ``eigenvector(..., site, state)``, real, normalised over
        site, of either sign; and, where there is a temperature, ``chemical_potential(...)`` in Vc, at which
        the states hold N filling particles in the mean. With the coords of the run or model. Lazy if that is:
        in its blocks, and in finer ones where the states of a block would take more than 64 MB.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        For a model with an interaction, which has no potential before there are occupations; where a part of
        the model was dropped; if ``T`` would change a dimension of the run.

    Notes
    -----
    N^3 operations and 8 N^2 bytes for each configuration (about 1 ms and 170 kB at N = 144). Observables take
    the result instead of the run: several that are computed together then solve once. What needs levels only,
    such as :func:`density_of_states`, is cheaper from the run itself.

    Within a degenerate level any basis may come; so may any mu within a gap at low temperature, where nothing
    depends on it.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=2, sweep=3, seed=7)
    >>> states = xg.diagonalize(run)
    >>> dict(states["eigenvector"].sizes)
    {'walker': 2, 'sweep': 4, 'site': 16, 'state': 16}

    Nearest neighbours on a ring, without interaction, have -2 t cos k:

    >>> ring = xg.charge_glass(xg.lattice.chain(4), hopping={"x": -1.0}, interaction=None)
    >>> print(xg.diagonalize(ring)["eigenvalue"].round(6).values + 0.0)
    [-2.  0.  0.  2.]
    """
    states = states_of(run_or_model, T, "diagonalize", thermal=False)
    states.attrs = {"solver": "diagonalize"}
    return as_given(stamp(states, energy=energy_unit(run_or_model)), run_or_model)
