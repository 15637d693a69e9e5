"""Layout of what random vectors measure, and averages of it against sums written out."""

import numpy as np
import pytest

from xglass.engine.tls.averages import Columns, annealed_averages, averages, ratios


@pytest.mark.parametrize(("broadenings", "frequencies"), [(1, 1), (1, 5), (3, 4)])
def test_columns_are_all_there_and_once(broadenings, frequencies):
    columns = Columns(broadenings, frequencies)
    places = np.arange(columns.size)
    named = [columns.Z, columns.KINETIC, columns.TOTAL]
    named += [*places[columns.static], *places[columns.second], *places[columns.sigma]]
    assert named == places.tolist()
    assert places[columns.sigma].size == broadenings * frequencies
    assert Columns.among(columns.size, broadenings) == columns
    places = np.arange(columns.averages)
    named = [columns.Z, columns.KINETIC, columns.TOTAL]
    assert named + [*places[columns.static], *places[columns.averaged_sigma]] == places.tolist()


def test_ratios():
    columns = Columns(2, 2)
    sums = np.array([[2.0, 4.0, 6.0, 1.0, 2.0, 0.5, 0.5, 8.0, 10.0, 12.0, 14.0]])
    wanted = [np.log(2.0), 2.0, 3.0, 0.5, 0.75, 4.0, 5.0, 6.0, 7.0]
    assert ratios(sums, columns)[0].tolist() == wanted


def test_averages_with_their_errors():
    """Two sectors of three vectors: sums with weights, and leaving one vector out at a time."""
    generator = np.random.default_rng(5)
    T, weights, states = np.array([[0.5, 2.0]]), np.array([1.0, 3.0]), 8.0
    energies = generator.normal(size=(1, 2, 3))
    sums = generator.uniform(1.0, 2.0, size=(1, 2, 3, 2, Columns(1, 2).size))
    results = averages(sums, energies, T, weights, states=states, broadenings=1, quenched=False)
    assert [result.shape for result in results] == 6 * [(2,)] + 2 * [(2, 1)] + 2 * [(2, 1, 2)]

    # numerators of all sectors, with every vector and without one
    boltzmann = np.exp(-energies[0, :, :, None] / T[0])
    factors = states * weights[:, None, None] / weights.sum() * boltzmann
    terms = factors[..., None] * sums[0]

    def kinetic(kept):
        total = sum(terms[sector, rows].mean(axis=0) for sector, rows in enumerate(kept))
        return total[:, 1] / total[:, 0]

    every = [0, 1, 2]
    np.testing.assert_allclose(results[2], kinetic([every, every]), rtol=1e-13)
    z = sum(terms[sector].mean(axis=0) for sector in range(2))[:, 0]
    np.testing.assert_allclose(results[0], np.log(z), rtol=1e-13)
    variance = 0.0
    for sector in range(2):
        left_out = []
        for vector in every:
            kept = [every, every]
            kept[sector] = [n for n in every if n != vector]
            left_out.append(kinetic(kept))
        variance = variance + 2.0 * np.var(left_out, axis=0)  # (R - 1) / R times the sum of squares
    np.testing.assert_allclose(results[3], np.sqrt(variance), rtol=1e-10)


def test_annealed_errors_leave_out_one_realization():
    generator = np.random.default_rng(7)
    T, weights = np.array([[0.5, 2.0]] * 4), np.array([1.0, 3.0])
    energies = generator.normal(size=(4, 2, 3))
    sums = generator.uniform(1.0, 2.0, size=(4, 2, 3, 2, Columns(1, 2).size))
    options = {"states": 8.0, "broadenings": 1}
    results = annealed_averages(sums, energies, T, weights, **options)
    without = [
        annealed_averages(*(np.delete(array, r, axis=0) for array in (sums, energies, T)), weights, **options)
        for r in range(4)
    ]
    for k in range(0, 10, 2):
        left_out = np.array([single[k] for single in without])
        np.testing.assert_allclose(results[k + 1], np.sqrt(3.0 * np.var(left_out, axis=0)), rtol=1e-9)


def test_quenched_averages_are_means_over_realizations():
    generator = np.random.default_rng(6)
    T, energies = np.array([[0.5], [0.5], [0.5]]), generator.normal(size=(3, 1, 2))
    sums = generator.uniform(1.0, 2.0, size=(3, 1, 2, 1, Columns(1, 1).size))
    options = {"states": 1.0, "broadenings": 1}
    results = averages(sums, energies, T, np.ones(1), **options, quenched=True)
    each = [
        averages(sums[r : r + 1], energies[r : r + 1], T[:1], np.ones(1), **options, quenched=True)
        for r in range(3)
    ]
    for k in range(0, 10, 2):
        values = np.array([single[k] for single in each])
        np.testing.assert_allclose(results[k], values.mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(results[k + 1], values.std(axis=0, ddof=1) / np.sqrt(3.0), rtol=1e-10)
