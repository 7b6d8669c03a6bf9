#!/bin/sh
# Every measurement, in one run, as ratios: numbers of two machines are not compared. Called by ./dev bench:
#   ./dev bench                        what the models, the suite and turn N cost
#   ./dev bench gateway [ARGUMENTS]    the gateway beside others, each in an environment of its own under .venvs/
#   ./dev bench gateway --write        the same, and write bench/gateway.json and docs/bench.md
set -eu
cd "$(dirname "$0")/.."
python=${SEGUE_PYTHON:-.venv/bin/python}

if [ "${1:-}" = gateway ]; then
  shift
  . tools/environments.sh
  python_environment smg 'smg==1.13.0'
  python_environment litellm 'litellm[proxy]==1.106.2'
  if [ "${1:-}" = --write ]; then
    shift
    "$python" -m segue_bench.gateway --json bench/gateway.json "$@"
    exec "$python" tools/gen_bench_page.py
  fi
  exec "$python" -m segue_bench.gateway "$@"
fi
for name in models suite; do
  echo "== $name"
  "$python" -m "segue_bench.$name" "$@"
done
echo "== chain"
"$python" -m segue_bench.chain
