# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""The network between the daemon and the engine loses, delays and forgets."""

import threading
import time

from ..case import Report, case
from ..exchange import Plan
from ..stage import BACK, LIVENESS, Stage
from ..waiting import until
from ..world import World

THEME = "The network"
# The dev engine keeps the address of a session that is gone for twice the timeout; the tunnel asks every 5 s at least.
KEPT = 2 * LIVENESS + 5 + BACK


def hole(world: World, report: Report, *hooks: str) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(), stage.daemon.mark
    began = time.monotonic()
    for hook in hooks:
        world.agent.drop(hook, f'{"oifname" if hook == "output" else "iifname"} "{world.agent.device}"')
    stage.lost(mark)
    noticed = time.monotonic() - began
    world.agent.heal()
    report.did = (
        f"packets lost {' and '.join(hooks)} at the daemon's host until it had noticed, which took {noticed:.1f} s"
    )
    report.served_after(stage.first_served(time.monotonic(), 90), KEPT)
    report.holds(f"the daemon noticed within {LIVENESS + BACK:.0f} s", noticed <= LIVENESS + BACK, f"{noticed:.1f} s")
    report.holds("the tunnel came back at its address", stage.place() == stage.known, stage.place())
    stage.survives(report, visitor)
    stage.finish(report)


@case(THEME, "a black hole towards the engine is noticed, and over when it ends")
def black_hole_up(world: World, report: Report) -> None:
    hole(world, report, "output")


@case(THEME, "a black hole from the engine is noticed, and over when it ends")
def black_hole_down(world: World, report: Report) -> None:
    hole(world, report, "input")


@case(THEME, "a cable that is cut is noticed, and over when it is repaired")
def black_hole_both(world: World, report: Report) -> None:
    hole(world, report, "output", "input")


@case(THEME, "a network that swallows all packets for 3 s costs nothing but them", quick=True)
def black_hole_briefly(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(Plan(7, 100_000, 100_000)), stage.daemon.mark
    world.agent.drop("output", 'oifname "cable"')
    world.agent.drop("input", 'iifname "cable"')
    # As long as the fault lasts.
    time.sleep(3)
    world.agent.heal()
    report.did = "all packets lost for 3 s"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.survives(report, visitor)
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    stage.finish(report)


@case(THEME, "a link that goes down and comes up is noticed by the host, and a new attempt is made at once", quick=True)
def link_down(world: World, report: Report) -> None:
    stage = Stage(world, settings="reconnect: { minimum: 30s, maximum: 5m }\ndrain: { timeout: 1s }")
    mark = stage.daemon.mark
    world.agent.ip("link set cable down")
    stage.lost(mark)
    world.agent.ip("link set cable up")
    report.did = "the link went down until the daemon had noticed; waits between attempts are 30 s to 5 min"
    report.served_after(stage.first_served(time.monotonic(), 90), KEPT)
    stage.finish(report)


@case(THEME, "another address of this host is taken for the next attempt at once")
def address_changes(world: World, report: Report) -> None:
    stage = Stage(world)
    mark = stage.daemon.mark
    world.agent.ip("addr del 10.98.0.1/24 dev cable")
    stage.lost(mark)
    world.agent.ip("addr add 10.98.0.4/24 dev cable")
    report.did = "the host lost its address, and got another one once the daemon had noticed"
    report.served_after(stage.first_served(time.monotonic(), 90), KEPT)
    stage.finish(report)


@case(THEME, "connections that a middlebox has forgotten are given up, without a word from the network")
def connections_forgotten(world: World, report: Report) -> None:
    stage = Stage(world)
    mark, began = stage.daemon.mark, time.monotonic()
    forgotten = world.agent.forget(stage.engine.port)
    report.did = f"no packet passed of connections that were open ({forgotten}); new ones were not concerned"
    stage.lost(mark)
    report.served_after(stage.first_served(began, 90), LIVENESS + KEPT)
    stage.finish(report)


@case(THEME, "where new connections fail, the streams that run go on, and the log says what fails", quick=True)
def new_connections_fail(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor = stage.held(Plan(8, 200_000, 200_000))
    world.agent.drop("output", f"tcp dport {stage.engine.port} tcp flags & (syn|ack) == syn")
    for _ in range(3):
        report.holds("no visitor was served meanwhile", not stage.is_served(patience=2))
    stage.survives(report, visitor)
    world.agent.heal()
    report.did = "packets that open connections to the engine were lost, for three visitors that waited 2 s each"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    stage.finish(report)


@case(THEME, "on a line of 64 kbit/s the session stays, and small visits are served beside a large one", shaped=True)
def slow_line(world: World, report: Report) -> None:
    stage = Stage(world, liveness=15)
    world.shape("rate=64 delay=40 queue=20")
    mark, began = stage.daemon.mark, time.monotonic()
    large = stage.held(Plan(9, 1000, 250_000), patience=90)
    thread = threading.Thread(target=stage.survives, args=(report, large, "a stream of 250 kB lost no byte"))
    thread.start()
    while thread.is_alive():
        before = time.monotonic()
        report.holds("small visits were served beside it", stage.is_served(60), time.monotonic() - began)
        # Two connections and their handshakes, through a queue that takes 4 s and loses what is beyond.
        report.served_after(time.monotonic() - before, 30)
    thread.join()
    seconds = time.monotonic() - began
    report.did = f"64 kbit/s each way, 40 ms, a queue of 20 packets; a visitor took 250 kB in {seconds:.0f} s"
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    world.shape("rate=0 delay=0 queue=1000")
    stage.finish(report)


@case(
    THEME,
    "with 300 ms each way and a tenth of all packets lost, the session stays and visitors are served",
    shaped=True,
)
def delay_and_loss(world: World, report: Report) -> None:
    stage = Stage(world)
    world.shape("delay=300 jitter=100 loss=10")
    mark, began = stage.daemon.mark, time.monotonic()
    report.served_after(stage.first_served(began, 60, each=30), 15)
    # One whose stream's handshakes lose several packets is refused after 10 s, and comes again.
    for seed in range(5):
        served = any(stage.is_served(60, Plan(seed, 20_000, 20_000)) for _ in range(3))
        report.holds("five visitors were served, within three attempts", served)
    report.did = f"300 ms ± 100 ms and 10 % loss each way, for {time.monotonic() - began:.0f} s"
    report.holds("the session stayed", not stage.daemon.count("session down, retrying", mark))
    world.shape("delay=0 jitter=0 loss=0")
    stage.finish(report)


@case(THEME, "where most packets are lost, the daemon tries on, and serves when it is over", shaped=True,
      patience=180)  # fmt: skip
def heavy_loss(world: World, report: Report) -> None:
    stage = Stage(world)
    world.shape("delay=100 loss=60")
    # As long as the fault lasts.
    time.sleep(30)
    world.shape("delay=0 loss=0")
    report.did = "60 % loss each way for 30 s"
    report.served_after(stage.first_served(time.monotonic(), 90, each=5), KEPT)
    stage.finish(report)


@case(THEME, "an engine that never answers an attempt is left after 30 s")
def open_unanswered(world: World, report: Report) -> None:
    stage = Stage(world)
    stage.engine.set_faults("open-silence*1")
    began = time.monotonic()
    stage.engine.ask("POST", "drop-control-channels")
    report.did = "the control channel was reset, and the next attempt to open one was never answered"
    report.served_after(stage.first_served(began, 90), 30 + BACK)
    stage.finish(report)


@case(THEME, "a tunnel that is granted after the daemon has given up is closed, and the next one serves")
def tunnel_answer_late(world: World, report: Report) -> None:
    stage = Stage(world)
    stage.engine.set_faults("tunnel-late=35000*1")
    began = time.monotonic()
    stage.engine.ask("POST", "drop-control-channels")
    report.did = (
        "the control channel was reset, and the request of the tunnel was answered after 35 s; patience is 30 s"
    )
    report.served_after(stage.first_served(began, 90), 30 + KEPT)
    stage.finish(report)


@case(THEME, "acknowledgements that come later than the liveness timeout end the session, and only that")
def acknowledgements_late(world: World, report: Report) -> None:
    stage = Stage(world)
    visitor, mark = stage.held(), stage.daemon.mark
    stage.engine.set_faults("ack-delay=20000")
    stage.lost(mark)
    stage.engine.set_faults()
    report.did = "heartbeats were acknowledged after 20 s; the liveness timeout is 8 s"
    report.served_after(stage.first_served(time.monotonic(), 90), KEPT)
    stage.survives(report, visitor)
    stage.finish(report)


@case(THEME, "streams that the engine takes and forgets keep no other visitor waiting", quick=True)
def streams_stall(world: World, report: Report) -> None:
    stage = Stage(world, upstream="idleTimeout: 3s")
    before = stage.daemon.descriptors
    stage.engine.set_faults("proxy-stall")
    for _ in range(5):
        report.holds("no visitor was served meanwhile", not stage.is_served(patience=1))
    stage.engine.set_faults()
    report.did = "the engine read the first message of five streams and did nothing more; idleTimeout is 3 s"
    report.served_after(stage.first_served(time.monotonic()), BACK)
    until("the descriptors of before", lambda: stage.daemon.descriptors <= before + 4, 60)
    report.holds("the daemon kept no descriptor", True)
    stage.finish(report)
