"""A Slurm of two nodes with a core each on this machine, for tests; it needs root, Debian's slurm-wlm and munge."""

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MaxArraySize=3
SchedulerParameters=sched_interval=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
SlurmctldPort={ports[0]}
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=60 State=UP
"""


@contextmanager
def slurm_of_two_nodes(folder: Path):
    """Start the daemons, and end them with all jobs; another such Slurm may run on this machine at the same time.

    folder: an empty folder for configuration, state and logs.
    """
    (folder / "state").mkdir()
    host = socket.gethostname().split(".")[0]
    (folder / "slurm.conf").write_text(CONFIGURATION.format(host=host, folder=folder, ports=_free_ports(3)))
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    daemons = []
    try:
        daemons.append(_munge(folder))
        for command in (["slurmctld", "-D"], ["slurmd", "-D", "-N", "n1"], ["slurmd", "-D", "-N", "n2"]):
            daemons.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 60
        while "idle" not in subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True).stdout:
            assert time.monotonic() < deadline, (folder / "slurmctld.log").read_text()[-2000:]
            time.sleep(0.5)
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], capture_output=True)
        deadline = time.monotonic() + 30
        while _queue() and time.monotonic() < deadline:  # a job that ends needs all daemons
            time.sleep(0.2)
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)
        del os.environ["SLURM_CONF"]


def _queue() -> str:
    return subprocess.run(["squeue", "-h"], capture_output=True, text=True).stdout.strip()


def _free_ports(n: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _munge(folder: Path) -> subprocess.Popen:
    """A daemon that Slurm authenticates by, with a key and a socket of its own."""
    paths = {name: folder / f"munge.{name}" for name in ("key", "socket", "pid", "log", "seed")}
    paths["key"].write_bytes(os.urandom(128))
    paths["key"].chmod(0o600)
    options = [f"--{name}{'' if name == 'socket' else '-file'}={path}" for name, path in paths.items()]
    daemon = subprocess.Popen(["munged", "--foreground", "--force", *options], stderr=subprocess.DEVNULL)
    while subprocess.run(["munge", "-n", "-S", paths["socket"]], capture_output=True).returncode:
        assert daemon.poll() is None, paths["log"].read_text()
        time.sleep(0.2)
    return daemon
