"""Workers for the anontui server on SLURM: submitted while there is work, ended when there is none.

Edit the figures, then run it on the login node and leave it running.
"""

from threading import Event

from dask_jobqueue import SLURMCluster

cluster = SLURMCluster(
    queue="normal",  # the partition
    walltime="04:00:00",
    cores=8,
    processes=8,  # one thread each
    memory="16GB",
    interface="eth0",  # by which compute nodes reach this machine
    scheduler_options={"port": 8786, "dashboard": False},
    # workers leave before their time is over, and new ones come
    worker_extra_args=["--lifetime", "230m", "--lifetime-stagger", "8m"],
)
cluster.adapt(minimum_jobs=0, maximum_jobs=10)
print(f"The scheduler is {cluster.scheduler_address}")  # noqa: T201
Event().wait()
