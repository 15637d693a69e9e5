"""Replica exchange: kernels of chains at several temperatures that trade their configurations."""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.charge.metropolis_kernels import (
    CLASSICAL,
    FREE_ENERGY,
    KINETIC,
    classical_sweep,
    gain,
    potential_of,
    proved_sweep,
)
from xglass.engine.charge.rejection_kernels import NOTHING
from xglass.engine.core.jit import inline, kernel
from xglass.engine.core.philox import fill


@inline
def exchanged(energies, gains, crossed, temperatures, u):
    """Whether configurations 1 and 2 change places, each weight at its own temperature.

    u < exp{-b1 [W(c2; T1) - W(c1; T1)] - b2 [W(c1; T2) - W(c2; T2)]}, of ``energies`` (E1, E2), quantum parts
    ``gains`` where the configurations are, (c1 at T1, c2 at T2), and ``crossed`` where they would go, (c1 at
    T2, c2 at T1).
    """
    step = energies[1] - energies[0]
    exponent = (
        -(step + crossed[1] - gains[0]) / temperatures[0] + (step + gains[1] - crossed[0]) / temperatures[1]
    )
    return exponent >= 0.0 or u < math.exp(exponent)


@kernel
def swap(n, phi, twice, lower, upper):
    """Let two temperatures trade configurations, with their potentials and energies."""
    for m in range(n.shape[1]):
        n[lower, m], n[upper, m] = n[upper, m], n[lower, m]
        phi[lower, m], phi[upper, m] = phi[upper, m], phi[lower, m]
    twice[lower], twice[upper] = twice[upper], twice[lower]


@kernel
def gain_at(n, phi, t, weight, particles, fields):
    """The quantum part of the weight of a configuration at a temperature; 0 of the classical one."""
    hopping, unit, diagonal, potential, work = fields
    if weight == CLASSICAL:
        return 0.0
    return gain(weight, hopping, phi, unit, diagonal, n, t, particles, potential, work)


@kernel
def exchange(first, n, phi, twice, extra, temperatures, weight, particles, fields, u, exchanges):
    """Let pairs of neighbours in temperature trade configurations, from ``first`` on; counts what was
    accepted, and tried.
    """
    unit, crossed = fields[1], np.zeros(2)
    for k in range(first, temperatures.size - 1, 2):
        for one in range(2):
            there, t = k + one, temperatures[k + 1 - one]
            crossed[one] = gain_at(n[there], phi[there], t, weight, particles, fields)
        energies = (0.5 * unit * twice[k], 0.5 * unit * twice[k + 1])
        gains, pair_of = (extra[k], extra[k + 1]), (temperatures[k], temperatures[k + 1])
        exchanges[k, 1] += 1
        if exchanged(energies, gains, crossed, pair_of, u[k]):
            swap(n, phi, twice, k, k + 1)
            extra[k], extra[k + 1] = crossed[1], crossed[0]
            exchanges[k, 0] += 1


@kernel
def run_ladders(
    seed,
    streams,
    exchange_streams,
    first_sweep,
    continued,
    every,
    exchange_every,
    sweeps,
    temperatures,
    coupling,
    base,
    diagonal,
    unit,
    hopping,
    neighbours,
    degree,
    weight,
    moves,
    tools,
    memories,
    room,
    state,
    occupation,
    energy,
    kinetic,
    accepted,
    exchanges,
):
    """Run every walker of one parameter point, a walker being a ladder of temperatures.

    Parameters
    ----------
    seed : uint64
        Key of the random draws.
    streams, exchange_streams : (walker, T) and (walker,) uint64
        Stream numbers of the sweeps at every temperature, and of the exchanges.
    first_sweep, continued, every
        As for :func:`xglass.engine.charge.metropolis_kernels.trajectories`.
    exchange_every : int
        Exchanges are tried after every sweep whose number it divides, of the pairs that begin with an even
        and with an odd temperature in turn.
    sweeps : int
        How many follow.
    temperatures : (T,) float64
        Rising.
    coupling, base, diagonal, unit, hopping, neighbours, degree, weight, moves, tools
        As for ``trajectories``.
    memories : tuple
        What is known of configurations, for every temperature.
    room : tuple
        As for ``trajectories``.
    state : (walker, T, site) int8
        The start; left as the last state.
    occupation, energy, kinetic, accepted : (walker, T, frame, site) and three times (walker, T, frame)
        Outputs; accepted moves since the last frame.
    exchanges : (walker, T, 2) int64
        Output: exchanges with the next temperature that were accepted, and tried.
    """
    walkers, steps, sites = state.shape
    a, b, u = np.empty(sites, np.uint64), np.empty(sites, np.uint64), np.empty(sites, np.float64)
    trial = np.empty(steps, np.uint64), np.empty(steps, np.uint64), np.empty(steps, np.float64)
    phi, moved = np.empty((steps, sites), np.int64), np.empty(sites, np.int64)
    potential, work = np.empty(sites), np.empty((sites, sites))
    twice, extra, guess = np.empty(steps, np.int64), np.zeros(steps), np.zeros((steps, 2))
    key, counts, done = (
        np.empty(memories[0].shape[2], np.uint64),
        np.zeros(8, np.int64),
        np.zeros(steps, np.int64),
    )
    table, draws, space = (neighbours, degree, moves), (a, b, u), (moved, potential, work)
    fields = (hopping, unit, diagonal, potential, work)
    exchanges[:] = 0
    for w in range(walkers):
        n, particles, frame = state[w], 0, 0
        memories[2][:] = NOTHING
        guess[:] = 0.0
        done[:] = 0
        for k in range(steps):
            particles, twice[k] = potential_of(n[k], coupling, base, phi[k])
            extra[k] = gain_at(n[k], phi[k], temperatures[k], weight, particles, fields)
        quantum = (weight, hopping, diagonal, particles)
        for s in range(sweeps + 1):
            number = first_sweep + s
            for k in range(steps if s > 0 else 0):
                # a sweep at every temperature, by itself
                fill(seed, streams[w, k], np.uint64(number - 1) * np.uint64(sites), a, b, u)
                chain = (n[k], phi[k], coupling, unit, temperatures[k])
                if weight == CLASSICAL:
                    some, _, change = classical_sweep(*chain, *table, *draws)
                else:
                    memory = (memories[0][k], memories[1][k], memories[2][k])
                    means = (tools, memory, key, guess[k], (0.0, 0.0, 0.0), room)
                    some, _, change, extra[k] = proved_sweep(
                        *chain, *table, *draws, *quantum, extra[k], *space, *means, counts
                    )
                done[k] += some
                twice[k] += change
            if s > 0 and number % exchange_every == 0:
                fill(seed, exchange_streams[w], np.uint64(number) * np.uint64(steps), *trial)
                first = (number // exchange_every) % 2
                exchange(
                    first,
                    n,
                    phi,
                    twice,
                    extra,
                    temperatures,
                    weight,
                    particles,
                    fields,
                    trial[2],
                    exchanges[w],
                )
            if s % every == 0 and (s > 0 or not continued):
                for k in range(steps):
                    occupation[w, k, frame] = n[k]
                    energy[w, k, frame] = twice[k] * unit * 0.5
                    kinetic[w, k, frame] = extra[k]
                    if weight == FREE_ENERGY:
                        kinetic[w, k, frame] = gain_at(
                            n[k], phi[k], temperatures[k], KINETIC, particles, fields
                        )
                    accepted[w, k, frame] = done[k]
                done[:] = 0
                frame += 1
