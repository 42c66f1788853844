# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Two hosts that a case has for itself: network namespaces with a cable between them, and a folder.

`agent` has the daemon and its upstreams, `engine` the engine, visitors, proxies and name servers. The network of this
host is not touched. All names hold the number of the case's process, so that its runner can remove what is left.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .waiting import Broken, until

PREFIX = "rstreamd-faults-"
CLONE_NEWNET = 0x40000000
TUNLINK = Path(__file__).resolve().parents[2] / "Network" / "tunlink"
CGROUPS = Path("/sys/fs/cgroup")
libc = ctypes.CDLL(None, use_errno=True)


def command(*words: object, text: str | None = None) -> str:
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True)
    if done.returncode:
        raise Broken(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.returncode}")
    return done.stdout


class Namespace:
    """One host. Its interface to the other one is `device`."""

    def __init__(self, name: str, address: str, device: str):
        self.name, self.address, self.device = name, address, device
        command("ip", "netns", "add", name)
        self.ip("link set lo up")
        # An address that comes by itself, after a second or two, would be a change of the network.
        with self.entered():
            Path("/proc/sys/net/ipv6/conf/default/addr_gen_mode").write_text("1")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is there meanwhile; a socket that it makes stays there."""
        with open("/proc/thread-self/ns/net") as here, open(f"/run/netns/{self.name}") as there:
            enter(there.fileno())
            try:
                yield
            finally:
                enter(here.fileno())

    @property
    def enter(self) -> list[str]:
        """What stands before a command so that it runs here."""
        # `ip netns exec` alone has the namespace's own files of /etc, but hides control groups.
        if (Path("/etc/netns") / self.name).exists():
            return ["ip", "netns", "exec", self.name]
        return ["nsenter", f"--net=/run/netns/{self.name}"]

    def ip(self, words: str) -> str:
        return command("ip", "-n", self.name, *words.split())

    def nft(self, rules: str) -> None:
        command(*self.enter, "nft", "-f", "-", text=rules)

    def drop(self, hook: str, rule: str) -> None:
        """Loses packets without a word, by a rule of the firewall at `input` or `output`, until `heal`."""
        self.filter(hook, f"{rule} drop")

    def refuse(self, hook: str, rule: str) -> None:
        """Refuses new connections, as a port without a listener, until `heal`. Those that are open go on."""
        self.filter(hook, f"{rule} tcp flags & (syn | ack) == syn reject with tcp reset")

    def filter(self, hook: str, rule: str) -> None:
        self.nft(
            f"add table inet fault; add chain inet fault {hook} {{ type filter hook {hook} priority 0; }}; "
            f"add rule inet fault {hook} {rule}"
        )

    def heal(self) -> None:
        self.nft("add table inet fault; delete table inet fault")

    def connections(self, port: int) -> set[int]:
        """The local ports of connections to this port elsewhere."""
        return {int(row.split()[1].rpartition(":")[2], 16) for row in self.rows(port)}

    def rows(self, port: int) -> list[str]:
        """The kernel's lines about them."""
        with self.entered():
            rows = Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]
        established = [row for row in rows if row.split()[3] == "01"]
        return [row for row in established if int(row.split()[2].rpartition(":")[2], 16) == port]

    def unacknowledged(self, port: int) -> int:
        """Bytes that connections to this port elsewhere have sent, and not heard of."""
        return sum(int(row.split()[4].partition(":")[0], 16) for row in self.rows(port))

    def forget(self, port: int) -> int:
        """What a middlebox does that has lost its table: no packet passes of connections that are open now. Returns how
        many these are; new ones are not concerned."""
        ports = self.connections(port)
        if ports:
            known = ", ".join(map(str, sorted(ports)))
            self.drop("output", f"tcp dport {port} tcp sport {{ {known} }}")
            self.drop("input", f"tcp sport {port} tcp dport {{ {known} }}")
        return len(ports)

    def resolve_at(self, server: str) -> None:
        """Programs that start here from now on ask this name server."""
        folder = Path("/etc/netns") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "resolv.conf").write_text(f"nameserver {server}\noptions timeout:1 attempts:2\n")


def enter(descriptor: int) -> None:
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class World(contextlib.ExitStack):
    """Both hosts and a folder. With `shaped`, tunlink is the cable, whose settings `shape` changes."""

    count = 0

    def __init__(self, shaped: bool = False):
        super().__init__()
        World.count += 1
        name = f"{PREFIX}{os.getpid()}-{World.count}"
        # The last that is called.
        self.callback(remove, name)
        self.folder = Path(tempfile.gettempdir()) / name
        self.folder.mkdir(mode=0o700)
        device = "tl0" if shaped else "cable"
        self.agent = Namespace(f"{name}-agent", "10.98.0.1", device)
        self.engine = Namespace(f"{name}-engine", "10.98.0.2", device)
        self.name, self.link = name, None
        if shaped:
            self.link = subprocess.Popen(
                [sys.executable, TUNLINK, self.agent.name, f"{self.agent.address}/24", self.engine.name,
                 f"{self.engine.address}/24"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            self.callback(self.link.wait)
            self.callback(self.link.kill)
            if self.link.stdout.readline().strip() != "ready":
                raise Broken("tunlink did not start")
        else:
            self.lay_cable()

    def lay_cable(self) -> None:
        ends = (self.agent, self.engine)
        command("ip", "link", "add", "cable", "netns", ends[0].name, "type", "veth", "peer", "name", "cable",
                "netns", ends[1].name)  # fmt: skip
        for end in ends:
            end.ip(f"addr add {end.address}/24 dev cable")
            end.ip(f"addr add {six(end.address)}/64 dev cable nodad")
            end.ip("link set cable up")

    def shape(self, settings: str) -> None:
        self.link.stdin.write(f"{settings}\n")
        self.link.stdin.flush()

    def small_disk(self, name: str, size: str) -> Path:
        """A file system of its own in the folder."""
        place = self.folder / name
        place.mkdir()
        command("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", self.name, place)
        return place

    def group(self, controller: str, **limits: int) -> Path:
        """A control group of version 1 with these limits."""
        place = CGROUPS / controller / self.name
        if not (CGROUPS / controller / "cgroup.procs").exists():
            raise Impossible(f"there is no controller {controller} of control groups, version 1")
        try:
            place.mkdir(exist_ok=True)
            for name, value in limits.items():
                (place / f"{controller}.{name}").write_text(str(value))
        except OSError as error:
            raise Impossible(f"control groups cannot be made here: {error}") from error
        return place


class Impossible(Exception):
    """This host does not let a case be tried."""


def six(address: str) -> str:
    return f"fd98::{address.rpartition('.')[2]}"


def remove_leftovers(number: int) -> None:
    """Everything that a case's process of this number made outside of itself, however that has ended."""
    places = [*Path(tempfile.gettempdir()).iterdir(), *Path("/run/netns").glob("*"), *CGROUPS.glob("*/*")]
    pattern = re.compile(rf"{PREFIX}{number}-\d+")
    for name in {found[0] for place in places if (found := pattern.match(place.name))}:
        remove(name)


def remove(name: str) -> None:
    """A world of this name."""
    for part in ("agent", "engine"):
        for pid in pids(f"{name}-{part}"):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", f"{name}-{part}"], capture_output=True)
        shutil.rmtree(f"/etc/netns/{name}-{part}", ignore_errors=True)
    for group in CGROUPS.glob(f"*/{name}"):
        with contextlib.suppress(OSError, Broken):
            until("an empty control group", lambda: not (group / "cgroup.procs").read_text().strip(), 5)
            group.rmdir()
    folder = Path(tempfile.gettempdir()) / name
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (place := line.split()[1]).startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", place], capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def pids(namespace: str) -> list[int]:
    done = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]
