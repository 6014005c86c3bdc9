"""How the last step changed a parameter."""

from __future__ import annotations

from typing import Any

from playground.experiment import Experiment


def update(experiment: Experiment, index: int, is_weight: bool) -> dict[str, Any] | None:
    """How the last step changed a parameter; None if it was changed by hand since, or before the first step."""
    if experiment.before is None:
        return None
    steps, optimizer, clip = experiment.run.history.steps, experiment.configuration.optimizer, experiment.configuration.clip
    old, new, gradient = float(experiment.before[index]), experiment.parameters[index].data, float(experiment.gradient[index])
    rate, norm = steps.learning_rate[-1], steps.gradient_norm[-1]
    factor = min(1.0, clip / norm) if clip is not None and norm else 1.0
    penalty = experiment.programs.penalty_slope(old) if is_weight else 0.0
    direction = (old - new) / rate if rate else None
    return {
        "step": experiment.step, "examples": steps.examples[-1],
        "batch": gradient / factor - penalty, "penalty": penalty, "clipped": factor, "gradient": gradient,
        "optimizer": optimizer["name"], "momentum": optimizer.get("momentum", 0.0), "nesterov": optimizer.get("nesterov", False),
        "direction": direction, "rate": rate, "old": old, "new": new, "change": new - old,
    }  # fmt: skip
