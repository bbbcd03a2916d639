"""``uj agent``: readings of this node for users who may not read its counters, until a signal ends it."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from ..sources.agent_offer import COARSE, FOLDER, FULL
from . import options, probe_calibrate
from .signals import awaited
from .without_threads import load_libraries

GROUP = "microjoule"
NOBODY_ELSE = "none"
_ID_MAX = (1 << 32) - 2  # the one above means "as it is" to chown(2)
LOOK_S = 1.0  # how often it is looked whether a thread died

_DESCRIPTION = """\
Reads this node's energy counters once, with the privilege to do so, and hands
the readings to programs without it: `uj run` and `uj.record` find the agent
by themselves. SIGTERM or Ctrl-C ends it.

Members of --group get every reading, as root would: the same counts at the
same times. Everybody else gets a coarse view, one reading a second rounded
down to about a joule. Readings a thousand times a second let one user infer
secrets of another (PLATYPUS, CVE-2020-8694): keep the group small.

Once all counters are open the agent becomes --user, gives up its capabilities
and most system calls, and reads nothing from its clients.
"""
_EPILOG = "docs/packaging has the unit for systemd and a manifest for Kubernetes."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "agent",
        help="read the counters once for all users of this node",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--group",
        default=GROUP,
        type=_identity,
        metavar="NAME",
        help=f"give every reading to this group, a name or a number; none: to root alone [{GROUP}]",
    )
    parser.add_argument(
        "--user",
        default="",
        type=_identity,
        metavar="NAME",
        help="become this user, a name or a number, where root starts it [microjoule; nobody where there is "
        "no such user]",
    )
    parser.add_argument(
        "--coarse",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="give everybody else the coarse view, or nothing [--coarse]",
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="DIR",
        help=f"make the sockets in DIR; clients look in /{FOLDER} only [/{FOLDER} under --root]",
    )
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--rate", type=float, metavar="HZ", help="samples a second, 1 to 20000 [1000; kernel: 2000]"
    )
    options.add_counters(group)
    parser.set_defaults(run=run)


def _identity(text: str) -> str:
    """The name of a user or a group, or a number that the kernel has for one."""
    if text.isdecimal() and int(text) > _ID_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not a user or group number: the largest is {_ID_MAX}")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Serves until a signal, says where on stderr, and exits 0."""
    import signal

    # Blocked before any thread starts, so that each inherits it: a signal is then taken by the wait below and
    # by nothing else.
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    load_libraries()
    from ..agent.service import Agent, AgentPlan
    from ..agent.systemd import Notifier, inherited
    from ..recording.meter import Meter

    with ExitStack() as closing:
        closing.callback(signal.pthread_sigmask, signal.SIG_SETMASK, mask)
        views = {"agent": FULL, "coarse": COARSE}
        sockets = {views[name]: each for name, each in inherited(os.environ).items() if name in views}
        plan = AgentPlan(
            meter=Meter(
                rate=arguments.rate,
                sources=arguments.source,
                root=arguments.root,
                calibration=probe_calibrate.stored(arguments),
            ),
            folder=(arguments.runtime or arguments.root / FOLDER).absolute(),
            group="" if arguments.group == NOBODY_ELSE else arguments.group,
            user=arguments.user,
            has_coarse_view=arguments.coarse,
            inherited=sockets,
        )
        notifier = Notifier(os.environ.get("NOTIFY_SOCKET", ""))
        agent = closing.enter_context(Agent(plan))
        for channel, why in agent.left_out.items():
            print(f"uj: {channel} was left out: {why}", file=sys.stderr)
        for remark in agent.remarks:
            print(f"uj: {remark}", file=sys.stderr)
        for place in agent.places:
            print(f"uj: serving {place}", file=sys.stderr)
        print(f"uj: {', '.join(agent.channels)}; Ctrl-C ends it", file=sys.stderr, flush=True)
        notifier.say("READY=1")
        while awaited(ends, LOOK_S) is None:
            agent.check()
        notifier.say("STOPPING=1")
    return 0
