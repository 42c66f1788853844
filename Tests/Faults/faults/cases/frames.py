# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""An engine that writes what no engine should: damaged frames, floods, ids without end."""

import itertools
import random
import socket

from .. import wire
from ..case import Report, case
from ..scripted import Channel, Ended
from ..services import Server, serve
from ..stage import BACK
from ..trials import Harmful, Trials
from ..waiting import Broken
from ..world import World

THEME = "Hostile engines"
LONG = "x" * 60 * 1024
FLOOD = 50_000
counter = itertools.count(1)


def sends(name: str, *frames: bytes) -> Harmful:
    def act(channel: Channel) -> None:
        for each in frames:
            channel.send(each)

    return Harmful(name, act)


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = wire.chunk(2, data)
        if len(data) > wire.MOST - 16:
            break
    return data


def damaged(seed: int) -> bytes:
    """A frame of some kind in which some bytes are others."""
    chance = random.Random(seed)
    valid = [
        wire.channel_open(5000), wire.tunnel_open("r", "t"), wire.offer("t", "s", source=b"\x0d\x0a\x02\x00\xc0"),
        wire.frame(wire.HEARTBEAT, wire.number(2, 1)), wire.frame(wire.TUNNEL_CLOSED, wire.chunk(1, "t")),
        wire.frame(wire.SERVER_MESSAGE, wire.chunk(1, "hello")),
    ]  # fmt: skip
    data = bytearray(chance.choice(valid)[4:])
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.3:
        del data[chance.randrange(len(data)) :]
    return wire.raw_frame(bytes(data))


def dripped(channel: Channel) -> None:
    for byte in wire.frame(wire.SERVER_MESSAGE, wire.chunk(1, "drop by drop")):
        channel.send(bytes([byte]))


def halved(channel: Channel) -> None:
    channel.send(wire.offer("t", "s")[:7])
    raise Ended("by the engine")


DAMAGED = [
    sends("a frame of 65,536 bytes", (65536).to_bytes(4, "big") + bytes(65536)),
    sends("a frame of 4 GiB", b"\xff\xff\xff\xff"),
    sends("ten thousand empty frames", bytes(4) * 10_000),
    sends("a varint without end", wire.raw_frame(b"\x78" + b"\xff" * 40)),
    sends("a field longer than its message", wire.raw_frame(b"\x4a\xff\xff\xff\xff\x0f")),
    sends("a field number 0", wire.raw_frame(b"\x00\x01")),
    sends("a wire type that there is not", wire.raw_frame(b"\x0f\x01\x02")),
    sends("a group that does not end", wire.raw_frame(b"\x0b" * 1000)),
    sends("messages within messages, to the limit", wire.frame(wire.TUNNEL_OPEN, nested(20000))),
    sends("groups within groups, to the limit", wire.raw_frame(b"\xa3\x06" * 32000)),
    sends("text that is no UTF-8", wire.offer(b"\xff\xfe\xfd", b"\xc3\x28")),
    sends("text of NUL bytes", wire.offer(bytes(100), bytes(100))),
    sends("two kinds in one message", wire.raw_frame(wire.chunk(15, b"") + wire.chunk(8, wire.chunk(1, "t")))),
    sends("another answer to the open", wire.channel_open(5000)),
    sends("a request that only clients make", wire.frame(wire.OPEN_TUNNEL, wire.chunk(1, "r"))),
    sends("a heartbeat from the future", wire.frame(wire.HEARTBEAT, wire.number(2, 2**63))),
    sends("a heartbeat with the largest number", wire.frame(wire.HEARTBEAT, wire.number(2, 2**64 - 1))),
    sends("an offer without ids", wire.frame(wire.OFFER)),
    Harmful("half a frame, then the end", halved),
    Harmful("a frame byte by byte", dripped),
    *(sends(f"damaged frame {seed}", damaged(seed)) for seed in range(40)),
    *(
        sends(f"{seed} random bytes", wire.raw_frame(random.Random(seed).randbytes(seed)))
        for seed in (1, 10, 100, 60000)
    ),
]


@case(THEME, "damaged frames end a session at most, and the next one serves", quick=True, patience=180)
def damaged_frames(world: World, report: Report) -> None:
    trials = Trials(world, DAMAGED)
    trials.judge(report, BACK)
    ended = sum(harm.ended for harm in DAMAGED)
    report.did = f"{len(DAMAGED)} damaged frames, one after the other; {ended} of them ended the session"


def flood(name: str, make, count: int = FLOOD, reads: bool = True) -> Harmful:
    def act(channel: Channel) -> None:
        batch = b""
        for number in range(count):
            batch += make(number)
            if len(batch) > 60_000 or number == count - 1:
                channel.send(batch)
                batch = b""
                if reads:
                    channel.drain()

    return Harmful(name, act)


@case(THEME, "floods of answers, offers and words neither exhaust nor occupy the daemon", quick=True, patience=240)
def floods(world: World, report: Report) -> None:
    harms = [
        flood("answers to tunnels never asked for", lambda n: wire.tunnel_open(f"request-{n}", f"made-up-{n}")),
        flood("ends of unknown tunnels", lambda n: wire.frame(wire.TUNNEL_CLOSED, wire.chunk(1, f"gone-{n}"))),
        flood("words for the operator", lambda n: wire.frame(wire.SERVER_MESSAGE, wire.chunk(1, f"message {n}"))),
        flood("messages of unknown kinds", lambda n: wire.frame(900 + n, b"x")),
        flood("offers for unknown tunnels, answers read", lambda n: wire.offer(f"unknown-{n}", f"stream-{n}")),
        flood("offers for unknown tunnels, answers unread", lambda n: wire.offer(f"none-{n}", f"s-{n}"), reads=False),
        flood("offers of one stream", lambda n: wire.offer("unknown", "same-id")),
        flood("ends of datagram channels", lambda n: wire.frame(wire.DATAGRAMS_CLOSED, wire.chunk(1, f"s-{n}"))),
    ]  # fmt: skip
    trials = Trials(world, harms)
    trials.judge(report, BACK + 5, patience=120)
    ended = ", ".join(harm.name for harm in harms if harm.ended) or "none"
    report.did = f"{FLOOD:,} each of: {'; '.join(harm.name for harm in harms)}. The session was ended by: {ended}"


@case(THEME, "more streams than may open at once are refused one by one, and the session stays", quick=True)
def offers_at_full_speed(world: World, report: Report) -> None:
    def act(channel: Channel) -> None:
        tunnel = channel.wait_for_tunnel()
        count = 600
        for first in range(0, count, 100):
            channel.send(b"".join(wire.offer(tunnel, f"fast-{number}") for number in range(first, first + 100)))
            channel.drain()
        if not channel.pump(lambda: sum(name.startswith("fast-") for name in channel.answers) == count, 60):
            raise Broken(f"{len(channel.answers)} of {count} offers were answered")
        refused = sum(wire.field(body, 2) is not None for body in channel.answers.values())
        answered.append((count - refused, refused))
        for name in [name for name in channel.engine.streams if name.startswith("fast-")]:
            channel.engine.streams.pop(name).close()

    answered: list[tuple[int, int]] = []
    trials = Trials(world, [Harmful("600 offers of the tunnel at once", act)])
    trials.judge(report, BACK, patience=120)
    taken = answered[0] if answered else "none"
    report.did = f"600 streams of one tunnel were offered at full speed (taken, refused: {taken})"
    report.holds("every offer was answered once", answered)
    report.holds("the session stayed", not trials.daemon.count("session down, retrying"))


@case(THEME, "ids and texts of 60 KiB are refused, and never shown whole", quick=True)
def long_ids(world: World, report: Report) -> None:
    def tunnel_with(**changes: str):
        def act(channel: Channel) -> None:
            channel.send(wire.tunnel_open(changes.get("request", "r"), changes.get("identity", "t")))

        return act

    def known(**changes: str):
        def act(channel: Channel) -> None:
            tunnel = channel.wait_for_tunnel()
            channel.send(wire.offer(tunnel, changes.get("stream", f"s-{next(counter)}"), changes.get("secret", "k")))

        return act

    error = wire.number(1, 9000) + wire.wrapped(2, LONG)
    harms = [
        Harmful("the id of a tunnel in an answer", tunnel_with(identity=LONG)),
        Harmful("the id of a request", tunnel_with(request=LONG)),
        sends("the id of a tunnel in an offer", wire.offer(LONG, "s")),
        Harmful("the id of a stream", known(stream=LONG)),
        Harmful("the secret of a stream", known(secret=LONG)),
        sends("the id of a tunnel that ends", wire.frame(wire.TUNNEL_CLOSED, wire.chunk(1, LONG))),
        sends("words for the operator", wire.frame(wire.SERVER_MESSAGE, wire.chunk(1, LONG))),
        sends("an error", wire.frame(wire.TUNNEL_OPEN, wire.chunk(1, "r") + wire.chunk(3, error))),
        sends("a name of combining marks", wire.frame(wire.SERVER_MESSAGE, wire.chunk(1, "e" + "\u0301" * 30000))),
    ]
    trials = Trials(world, harms)
    trials.judge(report, 2 * BACK)
    longest = max(map(len, trials.daemon.said.splitlines()))
    report.did = f"60 KiB each: {', '.join(harm.name for harm in harms)}"
    report.holds("no line of the log was longer than 8 KiB", longest <= 8192, longest)


@case(THEME, "ids that are given twice harm their own stream or tunnel only", quick=True)
def duplicate_ids(world: World, report: Report) -> None:
    def stream(channel: Channel) -> None:
        tunnel = channel.wait_for_tunnel()
        channel.send(wire.offer(tunnel, "twin") * 100)
        channel.pump(lambda: "twin" in channel.answers, 10)
        if (connection := channel.engine.streams.pop("twin", None)) is not None:
            connection.close()
        # And once it is over.
        channel.send(wire.offer(tunnel, "twin"))

    def tunnel(channel: Channel) -> None:
        # An answer that was given already, with the id of a tunnel that is open.
        channel.send(wire.tunnel_open("made-up", channel.wait_for_tunnel()) * 100)

    def ended(channel: Channel) -> None:
        identity = channel.tunnels.pop("raw")
        channel.send(wire.frame(wire.TUNNEL_CLOSED, wire.chunk(1, identity)) * 100)
        channel.wait_for_tunnel()

    harms = [Harmful("a stream", stream), Harmful("a tunnel", tunnel), Harmful("the end of a tunnel", ended)]
    trials = Trials(world, harms)
    trials.judge(report, BACK)
    report.did = "a hundred offers of one stream, a hundred answers for one tunnel, a hundred ends of one tunnel"


@case(THEME, "whatever an engine says of a visitor's address, a service gets a well-formed PROXY header", quick=True)
def proxy_header_values(world: World, report: Report) -> None:
    sources = {
        "IPv4": wire.varint(0x0D) + bytes([2, 0, 0, 192]),
        "IPv6": wire.chunk(2, bytes(15) + b"\x01"),
        "IPv6 of 3 bytes": wire.chunk(2, b"abc"),
        "IPv6 of 17 bytes": wire.chunk(2, bytes(17)),
        "IPv6 of 60 KiB": wire.chunk(2, bytes(60 * 1024)),
        "text": wire.chunk(2, "PROXY TCP4 1.1.1.1\r\n"),
        "nothing": b"",
        "both": wire.varint(0x0D) + bytes(4) + wire.chunk(2, bytes(16)),
        "IPv4 as a varint": wire.number(1, 2**64 - 1),
    }
    headers: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n") and len(head) < 200:
            if not (byte := connection.recv(1)):
                return
            head += byte
        headers.append(head)
        serve(connection)

    def visit(source: bytes):
        def act(channel: Channel) -> None:
            try:
                channel.visit(source=source)
            except Broken:
                # Refused, with an answer; that is one way.
                pass

        return act

    harms = [Harmful(name, visit(source)) for name, source in sources.items()]
    trials = Trials(world, harms, service=Server(world.agent, answer), upstream="proxyProtocol: v1")
    report.did = f"the engine gave as a visitor's address: {', '.join(sources)}; proxyProtocol is v1"
    trials.judge(report, BACK, patience=90)
    report.holds("every header was well-formed", headers and all(map(is_header, headers)), headers)


def is_header(head: bytes) -> bool:
    words = head.decode(errors="replace").removesuffix("\r\n").split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return True
    if len(words) != 6 or words[0] != "PROXY" or words[1] not in ("TCP4", "TCP6"):
        return False
    family = socket.AF_INET if words[1] == "TCP4" else socket.AF_INET6
    try:
        for address in words[2:4]:
            socket.inet_pton(family, address)
        return all(0 < int(port) < 65536 for port in words[4:6])
    except (OSError, ValueError):
        return False
