"""Several processes of one training run: which were started, and by whom."""

import os

from lightning.pytorch.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from ..errors import ConfigError


def started() -> tuple[int, int] | None:
    """(processes on each host, hosts) where torchrun or Slurm's srun started this process; else None.

    Raises:
        ConfigError: Slurm was asked for tasks, and not for how many on each host.
    """
    if TorchElasticEnvironment.detect():
        on_host, total = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        return on_host, total // on_host
    if SLURMEnvironment.detect() and not _srun_is_missing():
        total, hosts = int(os.environ["SLURM_NTASKS"]), int(os.environ.get("SLURM_NNODES", 1))
        if total > 1 and "SLURM_NTASKS_PER_NODE" not in os.environ:  # which Lightning insists on
            raise ConfigError(f"ask Slurm for --ntasks-per-node={total // hosts}, not for --ntasks={total}")
        return total // hosts, hosts
    return None


def starts_others(devices: int | str) -> list[LightningEnvironment]:
    """A plugin by which Lightning itself starts the other processes of a run in a job of Slurm, where it else waits for
    those of srun; none elsewhere.

    Raises:
        ConfigError: the job has several tasks, srun started none of them, and ``devices`` does not say how many
            processes there are to be.
    """
    if not (SLURMEnvironment.detect() and _srun_is_missing()):
        return []
    total = int(os.environ["SLURM_NTASKS"])
    if devices == "auto" and total > 1:
        raise ConfigError(
            f"this job of Slurm has {total} tasks, and this process is none of them: start it by `srun avsi train "
            "...`, or say by training.devices how many processes it starts"
        )
    return [LightningEnvironment()]


def _srun_is_missing() -> bool:
    """Whether the script of a job runs this process, as no task of srun."""
    return "SLURM_STEP_ID" not in os.environ


def is_first() -> bool:
    """Whether this is the process that writes files, and tells how training goes."""
    return getattr(rank_zero_only, "rank", 0) == 0
