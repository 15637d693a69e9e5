"""What random vectors measure, and averages over vectors, momenta and realizations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points


@dataclass(frozen=True)
class Columns:
    """Places of the numerators that one random vector gives at one temperature.

    They are Z; Z <H_hop>; Z times the total weight; for every broadening Z sigma(0), and the same sum with (x
    / broadening)^2 inside, whose ratio gives the derivative in the broadening; Z sigma(broadening,
    frequency). Averages stand in the same order, ln Z and the exponent of the filter first, and without the
    second sums.
    """

    broadenings: int
    frequencies: int

    Z, KINETIC, TOTAL = 0, 1, 2

    @classmethod
    def among(cls, size: int, broadenings: int) -> Columns:
        """Return the layout of ``size`` columns for so many broadenings."""
        return cls(broadenings, (size - 3) // broadenings - 2)

    @property
    def static(self) -> slice:
        """Z sigma(0) for every broadening; the exponent of the filter among averages."""
        return slice(3, 3 + self.broadenings)

    @property
    def second(self) -> slice:
        """The same sums with (x / broadening)^2 inside."""
        return slice(3 + self.broadenings, 3 + 2 * self.broadenings)

    @property
    def sigma(self) -> slice:
        """Z sigma, flattened (broadening, frequency)."""
        return slice(3 + 2 * self.broadenings, self.size)

    @property
    def size(self) -> int:
        """Number of columns."""
        return 3 + 2 * self.broadenings + self.broadenings * self.frequencies

    @property
    def averages(self) -> int:
        """Number of averages."""
        return self.size - self.broadenings

    @property
    def averaged_sigma(self) -> slice:
        """Sigma among averages, flattened (broadening, frequency)."""
        return slice(3 + self.broadenings, self.averages)


def ratios(sums: np.ndarray, columns: Columns) -> np.ndarray:
    """Divide sums (T, column) by Z: ln Z, <H_hop>, total weight, filter exponents and sigma; (T, average)."""
    z = sums[:, columns.Z]
    result = np.empty((len(sums), columns.averages))
    # noise may make Z or sigma(0) of a few vectors vanish
    with np.errstate(invalid="ignore", divide="ignore"):
        result[:, columns.Z] = np.log(z)
        for moment in (columns.KINETIC, columns.TOTAL):
            result[:, moment] = sums[:, moment] / z
        result[:, columns.static] = 1.0 - sums[:, columns.second] / sums[:, columns.static]
        result[:, columns.averaged_sigma] = sums[:, columns.sigma] / z[:, None]
    return result


def stratified(
    sums: np.ndarray, energies: np.ndarray, T: np.ndarray, weights: np.ndarray, columns: Columns
) -> tuple[np.ndarray, np.ndarray]:
    """Return ratios of sums (stratum, vector, T, column), and their errors by a jackknife that is stratified.

    The error leaves out one vector of one stratum at a time; it is NaN with one vector in each. ``energies``
    (stratum, vector) are those that the sums are relative to, T is (stratum, T), ``weights`` is (stratum).
    """
    strata, vectors = energies.shape
    ground = energies.min()
    factors = weights[:, None, None] * np.exp(-(energies[:, :, None] - ground) / T[:, None, :])
    total = np.zeros(sums.shape[2:])
    for h in range(strata):
        for i in range(vectors):
            total += factors[h, i, :, None] * sums[h, i] / vectors
    value = ratios(total, columns)

    variance = np.full(value.shape, np.nan if vectors == 1 else 0.0)
    for h in range(strata if vectors > 1 else 0):
        mean = sum(factors[h, i, :, None] * sums[h, i] for i in range(vectors)) / vectors
        first, second = np.zeros(value.shape), np.zeros(value.shape)
        for i in range(vectors):
            without = total + (mean - factors[h, i, :, None] * sums[h, i]) / (vectors - 1)
            change = ratios(without, columns) - value
            first += change
            second += change**2
        variance += (vectors - 1) / vectors * np.maximum(second - first**2 / vectors, 0.0)
    value[:, columns.Z] -= ground / T[0]
    return value, np.sqrt(variance)


@operation("random_vectors.averages")
def averages(
    sums: np.ndarray,
    energies: np.ndarray,
    T: np.ndarray,
    weights: np.ndarray,
    *,
    states: float,
    broadenings: int,
    quenched: bool,
) -> tuple[np.ndarray, ...]:
    """Thermal averages and their errors from numerators (..., realization, sector, vector, T, column).

    ``energies`` (..., realization, sector, vector) are those that the numerators are relative to, T is (...,
    realization, T). Sums over sectors, with ``weights`` (sector), and over vectors are divided by that of Z;
    ``states`` copies of a sector make the space. Realizations, all at the same T, enter those sums
    (annealed), or their results are averaged (quenched; the error of several is then their scatter).

    Returns ln Z (..., T), <H_hop>, total weight, filter exponent (..., T, broadening) and sigma (..., T,
    broadening, frequency), each followed by its error.
    """
    return _averages(sums, energies, T, weights, states, broadenings, quenched=quenched, scatter=False)


@operation("random_vectors.annealed")
def annealed_averages(
    sums: np.ndarray,
    energies: np.ndarray,
    T: np.ndarray,
    weights: np.ndarray,
    *,
    states: float,
    broadenings: int,
) -> tuple[np.ndarray, ...]:
    """Return averages that are not quenched, with the scatter of realizations as their errors.

    One realization is left out at a time, so that errors hold the scatter of sectors and vectors too.
    """
    return _averages(sums, energies, T, weights, states, broadenings, quenched=False, scatter=True)


def _averages(
    sums: np.ndarray,
    energies: np.ndarray,
    T: np.ndarray,
    weights: np.ndarray,
    states: float,
    broadenings: int,
    *,
    quenched: bool,
    scatter: bool,
) -> tuple[np.ndarray, ...]:
    """:func:`averages`, or with ``scatter`` :func:`annealed_averages`."""
    columns = Columns.among(sums.shape[-1], broadenings)
    realizations, sectors, vectors = energies.shape[-3:]
    weights = weights * states / weights.sum()
    strata = realizations * sectors

    def together(sums: np.ndarray, energies: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One sum for all realizations and sectors."""
        value, error = stratified(
            sums.reshape(strata, vectors, *sums.shape[-2:]),
            energies.reshape(strata, vectors),
            np.repeat(T, sectors, axis=0),
            np.tile(weights, realizations) / realizations,
            columns,
        )
        if not scatter:
            return value, error

        # realizations are the independent samples: what one has summed takes the place of a vector
        ground = energies.min()
        factors = weights[:, None, None] * np.exp(-(energies[..., None] - ground) / T[:, None, None, :])
        samples = (factors[..., None] * sums).mean(axis=2).sum(axis=1)
        grounds = np.full((1, realizations), ground)
        return value, stratified(samples[None], grounds, T[:1], np.ones(1), columns)[1]

    def apart(sums: np.ndarray, energies: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One sum for each realization."""
        each = np.stack(
            [
                stratified(sums[r], energies[r], np.tile(T[r], (sectors, 1)), weights, columns)[0]
                for r in range(realizations)
            ]
        )
        return each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(realizations)

    T = np.broadcast_to(T, (*energies.shape[:-2], T.shape[-1]))
    row = (float, (T.shape[-1], columns.averages))
    values, errors = over_points(
        apart if quenched and realizations > 1 else together, (sums, energies, T), (5, 3, 2), [row, row]
    )
    pairs = zip(_split(values, columns), _split(errors, columns), strict=True)
    return tuple(array for pair in pairs for array in pair)


def _split(values: np.ndarray, columns: Columns) -> list[np.ndarray]:
    """Separate averages (..., T, average)."""
    sigma = values[..., columns.averaged_sigma]
    return [
        *(values[..., number] for number in (columns.Z, columns.KINETIC, columns.TOTAL)),
        values[..., columns.static],
        sigma.reshape(*sigma.shape[:-1], columns.broadenings, columns.frequencies),
    ]
