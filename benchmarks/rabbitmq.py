"""A RabbitMQ of our own with its Web-STOMP plug-in: own node name, ports, data and logs, gone afterwards."""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.opening import Target
from benchmarks.processes import SERVER_CPU, free_port, process, wait_until_open

__all__ = ["prepare", "rabbitmq", "script"]

# Past the wrapper in /usr/sbin, which becomes another user and takes the system's folders.
SCRIPT = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
PLUGIN = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/rabbitmq_web_stomp-*"
POLICY = Path("/usr/sbin/policy-rc.d")


def script() -> str:
    """Return the newest server's script that is installed, or nothing."""
    return max(glob.glob(SCRIPT), default="")


def prepare() -> str:
    """Install it where that can be done; returns why it cannot be measured, or nothing."""
    if not script():
        if not shutil.which("apt-get"):
            return "rabbitmq-server is not installed, and this is no Debian"
        if os.geteuid() != 0:
            return "rabbitmq-server is not installed: run `apt-get install rabbitmq-server` as root"
        if reason := _install():
            return reason
    return "" if glob.glob(PLUGIN) else "this RabbitMQ has no rabbitmq_web_stomp plug-in"


def _install() -> str:
    print("installing rabbitmq-server with apt-get ...", flush=True)
    with _no_services():
        for command in (["update"], ["install", "-y", "--no-install-recommends", "rabbitmq-server"]):
            done = subprocess.run(
                ["apt-get", "-qq", *command],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                return f"apt-get {command[0]} failed: {done.stdout.strip()[-300:]}"
    return ""


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian from starting what it installs (invoke-rc.d asks this program)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


@contextlib.contextmanager
def rabbitmq() -> Iterator[Target]:
    """Run it on the server's processor."""
    names, port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "rabbitmq.conf").write_text(
            "listeners.tcp = none\n"
            "stomp.listeners.tcp = none\n"
            "web_stomp.tcp.ip = 127.0.0.1\n"
            f"web_stomp.tcp.port = {port}\n"
        )
        (home / "plugins").write_text("[rabbitmq_web_stomp].\n")
        environment = {
            "HOME": folder,  # of the cookie
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "locshare-bench@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }
        # started by ourselves, as the one that Erlang starts by itself outlives what it was started for
        with process("epmd", "-port", str(names), "-address", "127.0.0.1", cpu=SERVER_CPU) as daemon:
            wait_until_open(names, daemon)
            with process(script(), cpu=SERVER_CPU, folder=folder, **environment) as child:
                wait_until_open(port, child)
                yield Target(
                    child.pid,
                    f"ws://127.0.0.1:{port}/ws",
                    destination="/topic/bench",
                    login="guest",
                    passcode="guest",
                )
