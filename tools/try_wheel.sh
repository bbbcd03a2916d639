#!/usr/bin/env bash
# What a newcomer does with a wheel, in an environment of its own and without a compiler:
#
#   tools/try_wheel.sh dist/microjoule-*x86_64.whl [python3.13]
#
# Installs it, then uj probe, uj run and uj report --html. Ends with the first that fails, or with the seconds that
# all of it took. Needs the network for what the wheel depends on, or a folder of wheels in PIP_FIND_LINKS.
set -euo pipefail
wheel=$(realpath "$1")
python=$(command -v "${2:-python3}")
folder=$(mktemp -d)
trap '/bin/rm -rf "$folder"' EXIT
cd "$folder"
SECONDS=0
"$python" -m venv new
PATH=$folder/new/bin # and nothing else: no cc, no ld, no git
hash -r
python -m pip --quiet --disable-pip-version-check install --only-binary :all: "$wheel"
uj --version
uj probe >probe.txt || [ $? = 3 ] # 3: this machine has no energy counter
uj run -o trace.arrows -- python -c 'sum(range(5_000_000))'
uj report trace.arrows --html page.html >report.txt
python - <<'END'
import microjoule._native
page = open("page.html", encoding="utf-8").read()
assert page.startswith("<!") and "</html>" in page
print(f"the extension is {microjoule._native.__file__}")
END
echo "from the wheel to the page in $SECONDS s"
