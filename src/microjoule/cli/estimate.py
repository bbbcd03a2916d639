"""``uj estimate``: a footprint without a measurement, and marked so."""

from __future__ import annotations

import argparse
import json
import re

from ..errors import BadJob
from . import options


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Registers the command."""
    parser = commands.add_parser(
        "estimate",
        help="estimate the footprint of a job from its hardware and hours",
        epilog="Give hours from beginning to end, or summed over devices: 8 devices for 10 hours are "
        "80 device-hours. Exactly one of the two is given.",
    )
    group = parser.add_argument_group("job")
    group.add_argument(
        "--hardware",
        action=options.NotBlank,
        default="",
        metavar="NAME",
        help="V100, '8 x H100', TPUv3, …",
    )
    group.add_argument("--count", type=int, metavar="N", help="devices in use at a time [1]")
    group.add_argument("--wall-hours", type=float, metavar="H", help="hours from beginning to end")
    group.add_argument("--device-hours", type=float, metavar="H", help="hours summed over the devices")
    group.add_argument("--watts", type=float, metavar="W", help="mean power of one device [from the table]")
    group.add_argument(
        "--cpu-watts", type=float, default=0.0, metavar="W", help="power of all CPU sockets together"
    )
    group.add_argument(
        "--memory-watts", type=float, default=0.0, metavar="W", help="power of all memory together"
    )
    group.add_argument(
        "--memory-gb", type=float, default=0.0, metavar="GB", help="memory size, instead of its watts"
    )
    group.add_argument("--utilisation", type=float, metavar="U", help="share of full power, 0 to 1")
    group.add_argument("--cores", type=int, metavar="N", help="cores of a processor that were used [all]")
    group.add_argument(
        "--psf", type=float, default=1.0, metavar="N", help="number of runs (greenalgorithms) [1]"
    )
    group.add_argument(
        "--provider",
        action=options.NotBlank,
        default="",
        metavar="NAME",
        help="use the rental prices of gcp, aws, …",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options.add_footprint(parser)
    parser.set_defaults(run=run)


def _counted(hardware: str) -> tuple[int, str]:
    """``8 x H100`` as 8 and ``H100``; a name without a number as 0 and itself."""
    found = re.fullmatch(r"\s*([1-9]\d{0,5})\s*[x×*]\s*(\S.*?)\s*", hardware)
    return (int(found[1]), found[2]) if found else (0, hardware)


def run(arguments: argparse.Namespace) -> int:
    """Prints the estimate."""
    from ..footprint.estimated import Hours, Job, estimate

    terms = options.terms(arguments)
    number, hardware = _counted(arguments.hardware)
    if number and arguments.count not in (None, number):
        raise BadJob(
            f"--hardware says {number} devices and --count {arguments.count}",
            "Give the number in one of them only",
        )
    count = number or (1 if arguments.count is None else arguments.count)
    hours = Hours.of(count, wall=arguments.wall_hours, device=arguments.device_hours)
    job = Job(
        hours=hours,
        hardware=hardware,
        device_w=arguments.watts,
        cpu_w=arguments.cpu_watts,
        memory_w=arguments.memory_watts,
        memory_gb=arguments.memory_gb,
        utilisation=arguments.utilisation,
        provider=arguments.provider,
        cores=arguments.cores,
        scaling=arguments.psf,
    )
    plain = estimate(job, terms).to_json(job, terms)
    if arguments.json:
        print(json.dumps(plain, indent=2, allow_nan=False, ensure_ascii=False))
        return 0
    from ..report.estimate_lines import lines

    print("\n".join(lines(plain)))
    return 0
