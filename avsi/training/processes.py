"""Several processes of one training run: which were started, and by whom."""

import os

from lightning.pytorch.plugins.environments import SLURMEnvironment, TorchElasticEnvironment
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from ..errors import ConfigError


def started() -> tuple[int, int] | None:
    """(processes on each host, hosts) where torchrun or Slurm's srun started this process; else None.

    Raises:
        ConfigError: a job of Slurm has several tasks, and srun started none of them: this one would wait for others.
    """
    if TorchElasticEnvironment.detect():
        on_host, total = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        return on_host, total // on_host
    if SLURMEnvironment.detect():
        total, hosts = int(os.environ["SLURM_NTASKS"]), int(os.environ.get("SLURM_NNODES", 1))
        if total > 1 and "SLURM_STEP_ID" not in os.environ:
            raise ConfigError(
                f"this job of Slurm has {total} tasks, and this process is none of them: start it by `srun avsi train "
                "...`, or ask for one task"
            )
        return total // hosts, hosts
    return None


def is_first() -> bool:
    """Whether this is the process that writes files, and tells how training goes."""
    return getattr(rank_zero_only, "rank", 0) == 0
